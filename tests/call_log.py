"""What the embedded server was asked for by one test."""

from __future__ import annotations

from ftrack_rs.sandbox import Sandbox


class Calls:
    """The API calls made since the fixture was asked for."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._start = len(sandbox.calls())

    @property
    def actions(self) -> list[list[str]]:
        return [call["actions"] for call in self._sandbox.calls()[self._start :]]

    def forget(self) -> None:
        self._start = len(self._sandbox.calls())
