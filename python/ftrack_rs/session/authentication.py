"""The credentials of a user."""

from __future__ import annotations

from typing import Any


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
