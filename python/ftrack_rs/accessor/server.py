"""Access to the data on the ftrack server."""

from __future__ import annotations

import tempfile
import urllib.parse
from typing import Any

from ftrack_rs import exception, transfer
from ftrack_rs.accessor.base import Accessor
from ftrack_rs.data import FileWrapper, String
from ftrack_rs.overrides import remembered

# HTTP statuses.
_SUCCESS = range(200, 300)
_NOT_FOUND = 404


class ServerFile(String):
    """The data of a component on the server; fetched as it is read, sent when it is flushed.

    What is written is kept in a temporary file until then: the server has to be told size and MD5
    before the first byte.
    """

    def __init__(self, resource_identifier: str, session: Any, mode: str = "rb") -> None:
        """Initialise without touching the server.

        Args:
            resource_identifier: Id of the component.
            session: The session to transfer with.
            mode: `rb` or `wb`.
        """
        self.mode = mode
        self.resource_identifier = resource_identifier
        self._session = session
        # A file to which nothing is written is sent too, as an empty one.
        self._is_unsent = mode == "wb"
        self.is_binary = True
        if mode == "wb":
            wrapped_file: Any = tempfile.NamedTemporaryFile(prefix="ftrack-rs-")  # noqa: SIM115
        else:
            url = _url(session, "get", resource_identifier)
            client = session._client()
            wrapped_file = client.reader(resource_identifier, url, transfer.control())
        FileWrapper.__init__(self, wrapped_file)

    def write(self, content: str | bytes) -> None:
        """Write *content* at the current position; it is sent when the file is flushed."""
        super().write(content)
        self._is_unsent = True

    def flush(self) -> None:
        """Send what was written since it was sent last.

        Raises:
            AccessorOperationFailedError: If the server does not take it.
        """
        super().flush()
        if self._is_unsent:
            self._send()
            self._is_unsent = False

    def discard(self) -> None:
        """Allow no further use, and send nothing."""
        self._is_unsent = False
        self.close()

    def __del__(self) -> None:
        # What was written and not closed is not sent.
        if "wrapped_file" in self.__dict__:
            self.wrapped_file.close()

    def _send(self) -> None:
        component = self._session.get("FileComponent", self.resource_identifier)
        if not component:
            raise exception.AccessorOperationFailedError(
                operation="write",
                resource_identifier=self.resource_identifier,
                error=f"There is no component with id {self.resource_identifier}.",
            )
        _upload(self._session, [(component, self.wrapped_file.name)])


@remembered
class _ServerAccessor(Accessor):
    """Access to the data of components by their ids."""

    def __init__(self, session: Any, **kw: Any) -> None:
        """Initialise with the *session* to transfer with."""
        super().__init__(**kw)
        self._session = session

    def open(self, resource_identifier: str, mode: str = "rb") -> ServerFile:
        """Return the data of the component *resource_identifier*."""
        return ServerFile(resource_identifier, session=self._session, mode=mode)

    def upload(self, files: list[tuple[Any, str]]) -> None:
        """Send files side by side.

        Args:
            files: Components with the path of the file each is to hold.

        Raises:
            AccessorOperationFailedError: If one could not be sent; ids of components that were sent
                stand in `details["transferred"]`.
        """
        _upload(self._session, files)

    def download(
        self, files: list[tuple[str, str, str, int | None]], *, keeps_existing: bool = False
    ) -> None:
        """Fetch data side by side.

        Args:
            files: Of each the id of the component, what it is called here, the path to write, and
                the size in bytes, if that is known.
            keeps_existing: Fail where a file has the path already, and do not replace it.

        Raises:
            AccessorOperationFailedError: If one could not be fetched; ids of components that were
                fetched stand in `details["transferred"]`.
        """
        self._session._client().download(
            [
                (component, _url(self._session, "get", name), path, size)
                for component, name, path, size in files
            ],
            transfer.control(),
            keeps_existing=keeps_existing,
        )

    def remove(self, resource_identifier: str) -> None:
        """Remove the data of a component.

        Raises:
            AccessorOperationFailedError: If the server refuses.
            AccessorResourceNotFoundError: If there is no such data.
        """
        url = _url(self._session, "remove", resource_identifier)
        status = self._session._client().status_of(url)
        if status == _NOT_FOUND:
            raise exception.AccessorResourceNotFoundError(
                operation="remove", resource_identifier=resource_identifier
            )
        if status not in _SUCCESS:
            raise exception.AccessorOperationFailedError(
                operation="remove",
                resource_identifier=resource_identifier,
                error=f"The server answered with HTTP status {status}.",
            )

    def get_container(self, resource_identifier: str) -> None:  # type: ignore[override]
        """Return None: there are no containers."""

    def make_container(self, resource_identifier: str, recursive: bool = True) -> None:
        """Do nothing: there are no containers."""

    def list(self, resource_identifier: str) -> Any:
        """Not supported."""
        raise NotImplementedError()

    def exists(self, resource_identifier: str) -> bool:
        """Return False: every upload replaces what was there."""
        return False

    def is_file(self, resource_identifier: str) -> bool:
        """Not supported."""
        raise NotImplementedError()

    def is_container(self, resource_identifier: str) -> bool:
        """Not supported."""
        raise NotImplementedError()

    def is_sequence(self, resource_identifier: str) -> bool:
        """Not supported."""
        raise NotImplementedError()

    def get_url(self, resource_identifier: str) -> str:
        """Return a URL of the data, which holds the credentials of the session."""
        return _url(self._session, "get", resource_identifier)

    def get_thumbnail_url(self, resource_identifier: str, size: int | None = None) -> str:
        """Return a URL of a small image, which holds the credentials of the session.

        Args:
            resource_identifier: Id of the component.
            size: Largest width and height in pixels.
        """
        url = _url(self._session, "thumbnail", resource_identifier)
        return f"{url}&size={size}" if size else url


def _upload(session: Any, files: Any) -> None:
    session._client().upload(
        [(component["id"], _file_name(component), path) for component, path in files],
        transfer.control(),
        session._asker_for_uploads(),
    )


def _url(session: Any, action: str, component_id: str) -> str:
    query = urllib.parse.urlencode(
        {"id": component_id, "username": session.api_user, "apiKey": session.api_key}
    )
    return f"{session.server_url}/component/{action}?{query}"


def _file_name(component: Any) -> str:
    extension = (component["file_type"] or "").lstrip(".")
    return f"{component['name']}.{extension}" if extension else str(component["name"])
