"""What is sent with every request: headers, cookies, and the credentials of the user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http.cookies import SimpleCookie
from types import SimpleNamespace
from typing import Any

#: Headers that belong to the connection and not to the caller.
_CONNECTION_HEADERS = frozenset(
    {"accept-encoding", "connection", "content-length", "host", "transfer-encoding"}
)


class SessionAuthentication:
    """Adds the credentials of a user to a request."""

    def __init__(self, api_key: str, api_user: str) -> None:
        """Initialise with the credentials."""
        self.api_key = api_key
        self.api_user = api_user

    def __call__(self, request: Any) -> Any:
        """Add the credentials to the headers of *request* and return it."""
        request.headers.update({"ftrack-api-key": self.api_key, "ftrack-user": self.api_user})
        return request


class RequestDefaults:
    """Headers, cookies and authentication of all requests of a session.

    Stands where other clients keep a session of `requests`, and may be replaced by one: only these
    three attributes are looked at, at every call.

    Attributes:
        headers: Headers by name.
        cookies: Cookies by name.
        auth: Called with an object that has `headers`, to add credentials to them.
    """

    def __init__(self, auth: Any = None) -> None:
        """Initialise with nothing but *auth*."""
        self.headers: dict[str, str] = {}
        self.cookies: dict[str, str] = {}
        self.auth = auth

    def close(self) -> None:
        """Do nothing: connections are shared by the whole process."""


def headers_of(request: Any) -> dict[str, str]:
    """Return the headers that *request* asks for, cookies and credentials included."""
    headers = {
        str(name): str(value)
        for name, value in request.headers.items()
        if str(name).lower() not in _CONNECTION_HEADERS
    }
    if request.auth is not None:
        request.auth(SimpleNamespace(headers=headers))
    cookies = "; ".join(_cookies(request.cookies))
    if cookies:
        headers["Cookie"] = cookies
    return headers


def _cookies(cookies: Mapping[str, str]) -> Iterator[str]:
    for name, value in cookies.items():
        morsel: SimpleCookie = SimpleCookie()
        morsel[name] = value
        yield morsel[name].OutputString(attrs=[])
