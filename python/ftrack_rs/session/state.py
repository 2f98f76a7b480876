"""The settings of a session, and those that hold for one thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, Optional, Union

from ftrack_rs import exception, operation
from ftrack_rs.event.hub import EventHub

#: What `requests` takes for a timeout: seconds, or a pair of those to connect and those to read.
Timeout = Union[float, tuple[Optional[float], Optional[float]], None]


class PerThread:
    """A setting that each thread has for itself.

    Reads like a mapping from thread identifiers, which subclasses of sessions put in its place, but
    looks at the running thread only: identifiers are used again by later threads.
    """

    def __init__(self, default: bool) -> None:
        """Initialise with the value of threads that set none."""
        self._default = default
        self._local = threading.local()

    def __getitem__(self, identifier: int) -> bool:
        value: bool = getattr(self._local, "value", self._default)
        return value

    def __setitem__(self, identifier: int, value: bool) -> None:
        self._local.value = value


class SessionState:
    """Settings of a session.

    Every one of them is an attribute that may be set from outside, also without running the
    initialiser: subclasses replace it as a whole.

    Attributes:
        cache: Layers of caches, the topmost being the identity map.
        cache_key_maker: Makes cache keys of identities.
        recorded_operations: Changes that the next commit sends.
        schemas: Entity types as the server describes them.
        types: Entity classes by name.
        request_timeout: Seconds that a connection may stay silent; None for no limit. Of a pair
            `(connect, read)` it is the second.
        logger: Logger of the session.
        load_rows_together: Whether an attribute that is loaded when it is looked at is loaded for
            all rows of the query that the entity came with.
    """

    cache: Any
    cache_key_maker: Any
    recorded_operations: operation.Operations
    schemas: list[dict[str, Any]]
    types: dict[str, Any]
    request_timeout: Timeout
    logger: logging.Logger
    load_rows_together: bool = True
    _server_url: str
    _api_key: str
    _api_user: str
    _server_information: dict[str, Any]
    _event_hub: EventHub
    _plugin_paths: Any
    _thread_lock: Any
    _managed_request: Any
    _auto_populate: MutableMapping[int, bool] | PerThread
    _record_operations: MutableMapping[int, bool] | PerThread
    _closed: bool
    _has_warned_of_unheeded: bool = False
    _custom_attribute_configurations: list[Any] | None = None
    _auto_connect_event_hub_thread: threading.Thread | None

    @property
    def _request(self) -> Any:
        """Headers, cookies and authentication of all requests.

        Raises:
            ConnectionClosedError: If the session is closed.
        """
        if self._managed_request is None:
            raise exception.ConnectionClosedError()
        return self._managed_request

    @_request.setter
    def _request(self, value: Any) -> None:
        self._managed_request = value

    @property
    def auto_populate(self) -> bool:
        """Whether attributes are loaded when they are looked at; in the running thread."""
        return self._auto_populate[threading.get_ident()]

    @auto_populate.setter
    def auto_populate(self, value: bool) -> None:
        self._auto_populate[threading.get_ident()] = value

    @property
    def record_operations(self) -> bool:
        """Whether changes are recorded for the next commit; in the running thread."""
        return self._record_operations[threading.get_ident()]

    @record_operations.setter
    def record_operations(self, value: bool) -> None:
        self._record_operations[threading.get_ident()] = value

    def auto_populating(self, auto_populate: bool) -> AutoPopulatingContext:
        """Return a context in which :attr:`auto_populate` is what is given."""
        return AutoPopulatingContext(self, auto_populate)

    def operation_recording(self, record_operations: bool) -> OperationRecordingContext:
        """Return a context in which :attr:`record_operations` is what is given."""
        return OperationRecordingContext(self, record_operations)

    @property
    def closed(self) -> bool:
        """Whether the session is closed."""
        return self._closed

    @property
    def server_information(self) -> dict[str, Any]:
        """A copy of what the server says about itself, such as its version."""
        return self._server_information.copy()

    @property
    def server_url(self) -> str:
        """Address of the server."""
        return self._server_url

    @property
    def api_user(self) -> str:
        """Name of the user."""
        return self._api_user

    @property
    def api_key(self) -> str:
        """Key of the user."""
        return self._api_key

    @property
    def event_hub(self) -> EventHub:
        """The event hub."""
        return self._event_hub

    @property
    def _local_cache(self) -> Any:
        """The topmost layer of the cache, which holds the entities of this session."""
        return self.cache.caches[0]


class AutoPopulatingContext:
    """A context in which a session does or does not load attributes by itself."""

    def __init__(self, session: Any, auto_populate: bool) -> None:
        """Initialise for *session*."""
        self._session = session
        self._auto_populate = auto_populate
        self._before = auto_populate

    def __enter__(self) -> None:
        self._before = self._session.auto_populate
        self._session.auto_populate = self._auto_populate

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._session.auto_populate = self._before


class OperationRecordingContext:
    """A context in which a session does or does not record changes."""

    def __init__(self, session: Any, record_operations: bool) -> None:
        """Initialise for *session*."""
        self._session = session
        self._record_operations = record_operations
        self._before = record_operations

    def __enter__(self) -> None:
        self._before = self._session.record_operations
        self._session.record_operations = self._record_operations

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._session.record_operations = self._before
