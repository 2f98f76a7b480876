"""Calls to the server."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

from ftrack_rs import exception
from ftrack_rs._core import Client
from ftrack_rs.overrides import is_own, remembered
from ftrack_rs.session.encoding import Encoding
from ftrack_rs.session.request import headers_of, unheeded
from ftrack_rs.session.state import Timeout

#: The oldest server that this client works with.
_OLDEST_SERVER = (3, 3, 11)

#: Actions whose answers are as good as a login: signed URLs, a new key, a page with a token.
_CONFIDENTIAL = frozenset({"get_upload_metadata", "get_widget_url", "reset_remote"})


@remembered
class Connection(Encoding):
    """Talks to the server."""

    def _client(self) -> Client:
        """Return the native client with the settings of this moment.

        Raises:
            ConnectionClosedError: If the session is closed.
        """
        self._warn_of_unheeded(self._request)
        headers = headers_of(self._request)
        user = headers.pop("ftrack-user", self._api_user)
        key = headers.pop("ftrack-api-key", self._api_key)
        timeout = _silence(self.request_timeout)
        return Client(self._server_url, user, key, list(headers.items()), timeout)

    def _warn_of_unheeded(self, request: Any) -> None:
        """Say once what is set in vain, as it may have been set for the sake of safety."""
        settings = unheeded(request)
        if settings and not self._has_warned_of_unheeded:
            self._has_warned_of_unheeded = True
            self.logger.warning(
                "session._request: calls of the session do not heed %s.", ", ".join(settings)
            )

    def call(self, data: Any) -> Any:
        """Send a batch of operations.

        Args:
            data: A list of operations, which may hold entities and datetimes.

        Returns:
            A list of results. Entities in it do not belong to the session yet; see :meth:`merge`.

        Raises:
            ServerError: If the server answers with an error or cannot be reached.
        """
        body = self.encode(data, entity_attribute_strategy="modified_only")
        self.logger.debug("Calling server %s with %s", self._server_url, body)
        with self._logging_errors():
            answer = self._client().call(body.encode())
        if self.logger.isEnabledFor(logging.DEBUG):
            self.logger.debug("Response: %s", _to_be_shown(data, answer))
        return self.decode(answer)

    @contextmanager
    def _logging_errors(self) -> Iterator[None]:
        """Log what the server reports in this block."""
        try:
            yield
        except exception.ServerError as error:
            self._raise_server_error(error)

    def _raise_server_error(self, error: exception.ServerError) -> NoReturn:
        self.logger.error("%s", error)
        raise error

    def _calls_natively(self) -> bool:
        """Return whether nobody looks at calls, so that native code may make them by itself."""
        return (
            is_own(self, "call", Connection)
            and is_own(self, "encode", Encoding)
            and is_own(self, "decode", Encoding)
        )

    def _call_supported(self, action: str, operations: list[dict[str, Any]]) -> Any:
        """Call the server with *operations* of one *action* that old servers do not have.

        Raises:
            ServerCompatibilityError: If this one does not have it.
        """
        try:
            return self.call(operations)
        except exception.ServerError as error:
            if f"Invalid action u'{action}'" not in str(error):
                raise
            version = self.server_information.get("version")
            raise exception.ServerCompatibilityError(
                f'Server version {version!r} does not support "{action}", please update server '
                "and try again."
            ) from error

    def _fetch_server_information(self) -> dict[str, Any]:
        information: dict[str, Any] = self.call([{"action": "query_server_information"}])[0]
        return information

    def check_server_compatibility(self) -> None:
        """Check that the server is recent enough.

        Raises:
            ServerCompatibilityError: If it is not.
        """
        version = self.server_information.get("version")
        if version is None:
            raise exception.ServerCompatibilityError("Could not determine server version.")
        match = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
        if match and tuple(map(int, match.groups())) < _OLDEST_SERVER:
            oldest = ".".join(map(str, _OLDEST_SERVER))
            raise exception.ServerCompatibilityError(
                f"Server version {version} incompatible with this version of the API which "
                f"requires a server version >= {oldest}"
            )


def _to_be_shown(operations: Any, answer: bytes) -> str:
    """Return what may be logged of the answer to *operations*."""
    actions = {str(item.get("action")) for item in operations if isinstance(item, Mapping)}
    if secret := sorted(actions & _CONFIDENTIAL):
        return f"{len(answer)} bytes, kept secret as {', '.join(secret)} gives away access."
    return answer.decode(errors="replace")


def _silence(timeout: Timeout) -> float | None:
    """Return how long a connection may stay silent, which is the latter of a pair as of `requests`.

    Raises:
        ValueError: If *timeout* is a tuple of another length.
    """
    if not isinstance(timeout, tuple):
        return timeout
    if len(timeout) != 2:
        raise ValueError(f"A timeout is a number, None, or a pair (connect, read): {timeout!r}.")
    return timeout[1]
