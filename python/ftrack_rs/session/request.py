"""What goes with every request of a session, and requests that are made by hand with it."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping, MutableMapping
from http.cookies import SimpleCookie
from types import SimpleNamespace
from typing import Any

from ftrack_rs._core import VERSION

#: Headers that belong to the connection and not to the caller.
_CONNECTION_HEADERS = frozenset(
    {"accept-encoding", "connection", "content-length", "host", "transfer-encoding"}
)


class Headers(MutableMapping[str, Any]):
    """Headers by name, whichever case it is written in; the last one written is kept."""

    def __init__(self, headers: Mapping[str, Any] | None = None) -> None:
        """Initialise with *headers*."""
        self._items: dict[str, tuple[str, Any]] = {}
        self.update(headers or {})

    def __getitem__(self, name: str) -> Any:
        return self._items[name.lower()][1]

    def __setitem__(self, name: str, value: Any) -> None:
        self._items[name.lower()] = (name, value)

    def __delitem__(self, name: str) -> None:
        del self._items[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in list(self._items.values()))

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return _lower(self) == _lower(other)

    def __repr__(self) -> str:
        return repr(dict(self))

    def copy(self) -> Headers:
        """Return a copy."""
        return Headers(self)


class Cookies(dict[str, Any]):
    """Cookies by name, with the methods of the jars of `requests` that scripts use."""

    def get_dict(self, domain: str | None = None, path: str | None = None) -> dict[str, Any]:
        """Return the cookies, all of which are for one server."""
        return dict(self)

    def set(self, name: str, value: Any, **attributes: Any) -> None:
        """Set a cookie, or remove it if *value* is None; *attributes* are not looked at."""
        if value is None:
            self.pop(name, None)
        else:
            self[name] = value


class RequestDefaults:
    """Headers, cookies and authentication of all requests of a session.

    Stands where other clients keep a session of `requests`, and may be replaced by one: calls of
    the session itself look at the first three attributes only, every time. The methods make
    requests of one's own by `requests`, which look at all attributes.

    Attributes:
        headers: Headers by name.
        cookies: Cookies by name.
        auth: Called with an object that has `headers`, to add credentials to them.
        verify: Whether to check certificates, or the file with those to trust.
        cert: The file of a client's certificate.
        proxies: Proxies by scheme.
        trust_env: Whether the environment has a say in proxies and certificates.
        adapters: What was mounted, by prefix.
    """

    def __init__(self, auth: Any = None) -> None:
        """Initialise with nothing but *auth*."""
        self.headers: MutableMapping[str, Any] = Headers({"User-Agent": f"ftrack-rs/{VERSION}"})
        self.cookies: MutableMapping[str, Any] = Cookies()
        self.auth = auth
        self.verify: bool | str = True
        self.cert: Any = None
        self.proxies: dict[str, str] = {}
        self.trust_env = True
        self.adapters: dict[str, Any] = {}
        self._session: Any = None

    def request(self, method: str, url: str, *arguments: Any, **keywords: Any) -> Any:
        """Make a request by `requests`, whose arguments these are, and return its response.

        Raises:
            ImportError: If `requests` is not installed.
        """
        return self._prepared().request(method, url, *arguments, **keywords)

    def get(self, url: str, **keywords: Any) -> Any:
        """Make a GET request; see :meth:`request`."""
        return self._prepared().get(url, **keywords)

    def options(self, url: str, **keywords: Any) -> Any:
        """Make an OPTIONS request; see :meth:`request`."""
        return self._prepared().options(url, **keywords)

    def head(self, url: str, **keywords: Any) -> Any:
        """Make a HEAD request; see :meth:`request`."""
        return self._prepared().head(url, **keywords)

    def post(self, url: str, data: Any = None, json: Any = None, **keywords: Any) -> Any:
        """Make a POST request; see :meth:`request`."""
        return self._prepared().post(url, data=data, json=json, **keywords)

    def put(self, url: str, data: Any = None, **keywords: Any) -> Any:
        """Make a PUT request; see :meth:`request`."""
        return self._prepared().put(url, data=data, **keywords)

    def patch(self, url: str, data: Any = None, **keywords: Any) -> Any:
        """Make a PATCH request; see :meth:`request`."""
        return self._prepared().patch(url, data=data, **keywords)

    def delete(self, url: str, **keywords: Any) -> Any:
        """Make a DELETE request; see :meth:`request`."""
        return self._prepared().delete(url, **keywords)

    def prepare_request(self, request: Any) -> Any:
        """Return *request* with all that goes with it, for :meth:`send`."""
        return self._prepared().prepare_request(request)

    def send(self, request: Any, **keywords: Any) -> Any:
        """Send a prepared request; see :meth:`request`."""
        return self._prepared().send(request, **keywords)

    def mount(self, prefix: str, adapter: Any) -> None:
        """Have *adapter* make the requests to addresses that begin with *prefix*."""
        self.adapters[prefix] = adapter

    def close(self) -> None:
        """Close the connections of requests that were made by hand; others are shared by all."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _prepared(self) -> Any:
        """Return a session of `requests` with the settings of this moment."""
        try:
            requests = importlib.import_module("requests")
        except ImportError as error:
            raise ImportError(
                "Requests of one's own through a session are made by the package requests, which "
                'pip install "ftrack-rs[drop-in]" brings.'
            ) from error
        if self._session is None:
            self._session = requests.Session()
        session = self._session
        session.headers = requests.utils.default_headers()
        session.headers.update(self.headers)
        session.cookies.update(self.cookies)
        for name in ("auth", "verify", "cert", "proxies", "trust_env"):
            setattr(session, name, getattr(self, name))
        for prefix, adapter in self.adapters.items():
            session.mount(prefix, adapter)
        return session


def headers_of(request: Any) -> Headers:
    """Return the headers that *request* asks for, cookies and credentials included."""
    headers = Headers()
    for name, value in request.headers.items():
        if value is not None and str(name).lower() not in _CONNECTION_HEADERS:
            headers[str(name)] = str(value)
    if request.auth is not None:
        request.auth(SimpleNamespace(headers=headers))
    cookies = "; ".join(_cookies(request.cookies))
    if cookies:
        headers["Cookie"] = cookies
    return headers


def unheeded(request: Any) -> list[str]:
    """Return what *request* is set to that calls of a session do not heed, and what they do."""
    found = []
    verify = getattr(request, "verify", True)
    if verify is not True and verify != os.environ.get("REQUESTS_CA_BUNDLE"):
        found.append("verify (REQUESTS_CA_BUNDLE names a file of certificates to trust)")
    if getattr(request, "proxies", None):
        found.append("proxies (HTTPS_PROXY, HTTP_PROXY and NO_PROXY name them)")
    if not getattr(request, "trust_env", True):
        found.append("trust_env (NO_PROXY names servers to reach without a proxy)")
    if getattr(request, "cert", None):
        found.append("cert (nothing stands for it)")
    if isinstance(request, RequestDefaults) and request.adapters:
        found.append("mounted adapters (failed calls are repeated anyway)")
    return found


def _lower(headers: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name).lower(): value for name, value in headers.items()}


def _cookies(cookies: Mapping[str, str]) -> Iterator[str]:
    for name, value in cookies.items():
        morsel: SimpleCookie = SimpleCookie()
        morsel[name] = value
        yield morsel[name].OutputString(attrs=[])
