"""The session itself: how it is opened, reset and closed."""

from __future__ import annotations

import atexit
import functools
import logging
import os
import threading
import weakref
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from ftrack_rs import _centralized_storage_scenario, credentials, exception, plugin
from ftrack_rs import cache as caches
from ftrack_rs.event.hub import EventHub
from ftrack_rs.operation import Operations
from ftrack_rs.session.authentication import SessionAuthentication
from ftrack_rs.session.request import RequestDefaults
from ftrack_rs.session.schema import SchemaLoader, cache_file
from ftrack_rs.session.state import PerThread, Timeout


class Session(SchemaLoader):
    """A connection to an ftrack server, with everything that is known from it."""

    def __init__(
        self,
        server_url: str | None = None,
        api_key: str | None = None,
        api_user: str | None = None,
        auto_populate: bool = True,
        plugin_paths: Any = None,
        cache: Any = None,
        cache_key_maker: Any = None,
        auto_connect_event_hub: bool = False,
        schema_cache_path: Any = None,
        plugin_arguments: Any = None,
        timeout: Timeout = 60,
        cookies: Any = None,
        headers: Any = None,
        strict_api: bool = False,
    ) -> None:
        """Open a session.

        Args:
            server_url: Address of the server; `FTRACK_SERVER` by default.
            api_key: Key of the user; `FTRACK_API_KEY` by default.
            api_user: Name of the user; `FTRACK_API_USER`, else the login name, by default.
            auto_populate: Load attributes when they are looked at.
            plugin_paths: Folders of plugins; `FTRACK_EVENT_PLUGIN_PATH` by default.
            cache: A further layer of the cache, or a function of the session that makes one.
            cache_key_maker: Makes cache keys of identities.
            auto_connect_event_hub: Connect to the event server in the background, however often it
                takes.
            schema_cache_path: Folder to keep schemas in, False for none;
                `FTRACK_API_SCHEMA_CACHE_PATH`, else the user's folder for caches, by default.
            plugin_arguments: Passed on to plugins.
            timeout: Seconds that a connection may stay silent, None for no limit; of a pair
                `(connect, read)` the second.
            cookies: Cookies sent with every call.
            headers: Headers sent with every call.
            strict_api: Have the server answer errors with an HTTP status, and only with what was
                asked for.

        Raises:
            ServerCompatibilityError: If the server is too old.
            ServerError: If the server refuses the credentials or cannot be reached.
            TypeError: If an argument is missing or of the wrong type.
        """
        self.logger = logging.getLogger(f"ftrack_api.session.{type(self).__name__}")
        self._closed = False
        self._server_url = credentials.server_url(server_url).rstrip("/")
        self._api_key = credentials.api_key(api_key)
        self._api_user = credentials.api_user(api_user)
        self.recorded_operations = Operations()
        self._record_operations = PerThread(True)
        self._auto_populate = PerThread(auto_populate)
        self._thread_lock = threading.RLock()
        self.request_timeout = timeout
        self.cache_key_maker = cache_key_maker or caches.StringKeyMaker()
        self.cache = caches.LayeredCache([caches.MemoryCache()])
        self._add_cache(cache)
        request = RequestDefaults(SessionAuthentication(self._api_key, self._api_user))
        request.cookies.update(_mapping("cookies", cookies))
        headers = dict(_mapping("headers", headers))
        if not isinstance(strict_api, bool):
            raise TypeError("The strict_api argument is required to be a boolean.")
        headers["ftrack-strict-api"] = "true" if strict_api else "false"
        request.headers.update(headers)
        self._request = request

        self._server_information = self._fetch_server_information()
        self.check_server_compatibility()
        self._event_hub = EventHub(
            self._server_url,
            self._api_user,
            self._api_key,
            headers=headers,
            cookies=dict(request.cookies),
        )
        self._auto_connect_event_hub_thread = None
        if auto_connect_event_hub:
            self._auto_connect_event_hub_thread = self._event_hub._connect_in_background()
        _close_at_exit(self)
        self._plugin_paths = plugin_paths
        if plugin_paths is None:
            paths = os.environ.get("FTRACK_EVENT_PLUGIN_PATH", "")
            self._plugin_paths = paths.split(os.pathsep)
        self._discover_plugins(plugin_arguments=plugin_arguments)
        self.schemas = self._load_schemas(cache_file(schema_cache_path))
        self.types = self._build_entity_type_classes(self.schemas)
        _centralized_storage_scenario.register(self)
        self._configure_locations()
        self._announce("ftrack.api.session.ready", {"session": self})

    def _add_cache(self, cache: Any) -> None:
        if callable(cache):
            cache = cache(self)
        if cache is not None:
            self.cache.caches.append(cache)

    def _discover_plugins(self, plugin_arguments: Any = None) -> None:
        """Let every plugin in the plugin folders register itself with the session."""
        plugin.discover(self._plugin_paths, [self], plugin_arguments or {})

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the session; entities stay readable as far as they are loaded."""
        if self.closed:
            return
        self._closed = True
        if self.recorded_operations:
            self.logger.warning("Closing session with pending operations not persisted.")
        self.recorded_operations.clear()
        self._forget_entities()
        request, self._managed_request = self._managed_request, None
        if request is not None:
            request.close()
        try:
            self.event_hub.disconnect()
            if self._auto_connect_event_hub_thread:
                self._auto_connect_event_hub_thread.join()
        except exception.EventHubConnectionError:
            pass
        unsent = self.event_hub._event_send_queue.qsize()
        if unsent:
            self.logger.warning(
                "Closing session with %d events that were never sent, as there was no connection "
                "to the event server.",
                unsent,
            )
        self.logger.debug("Session closed.")

    def reset(self) -> None:
        """Forget recorded changes and all entities; entities in use should not be used any more."""
        if self.recorded_operations:
            self.logger.warning("Resetting session with pending operations not persisted.")
        self.recorded_operations.clear()
        self._forget_entities()
        self._configure_locations()
        self._announce("ftrack.api.session.reset", {"session": self})

    def _forget_entities(self) -> None:
        self._local_cache.clear()
        self._custom_attribute_configurations = None


def _mapping(name: str, value: Any) -> Mapping[str, str]:
    if not value:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"The {name} argument is required to be a mapping.")
    return value


def _close_at_exit(session: Session) -> None:
    reference = weakref.WeakMethod(session.close)

    def close() -> None:
        method = reference()
        if method is not None:
            _let_daemons_end_quietly()
            method()

    atexit.register(close)


@functools.cache
def _let_daemons_end_quietly() -> None:
    """Show no traceback of a daemon thread that finds its session closed as the interpreter ends.

    Such a thread may still run for a moment, and is then stopped wherever it is. Done once, by the
    first session that is closed then.
    """
    show = threading.excepthook

    def show_others(failed: threading.ExceptHookArgs) -> None:
        is_daemon = failed.thread is not None and failed.thread.daemon
        if not (is_daemon and issubclass(failed.exc_type, exception.Error)):
            show(failed)

    threading.excepthook = show_others
