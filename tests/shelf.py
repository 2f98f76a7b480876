"""An accessor of somebody's own, and how tests are given locations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ftrack_rs import data
from ftrack_rs.accessor.base import Accessor

#: Makes a location from a name and an accessor; by default one on a disk.
MakeLocation = Callable[..., Any]


class ShelfData(data.String):
    """Data that a shelf keeps once it is closed."""

    def __init__(self, shelf: Shelf, name: str, content: bytes | None) -> None:
        super().__init__(content)
        self._shelf, self._name, self._is_new = shelf, name, content is None

    def close(self) -> None:
        if self._is_new and not self.closed:
            self.seek(0)
            self._shelf.stored[self._name] = self.read()
        super().close()

    def discard(self) -> None:
        self._is_new = False
        self.close()


class Shelf(Accessor):
    """An accessor of somebody's own."""

    def __init__(self) -> None:
        super().__init__()
        self.stored: dict[str, bytes] = {}

    def list(self, resource_identifier: str) -> list[str]:
        return sorted(self.stored)

    def exists(self, resource_identifier: str) -> bool:
        return resource_identifier in self.stored

    is_file = exists

    def is_container(self, resource_identifier: str) -> bool:
        return False

    def is_sequence(self, resource_identifier: str) -> bool:
        return False

    def open(self, resource_identifier: str, mode: str = "rb") -> data.Data:
        content = None if "w" in mode else self.stored[resource_identifier]
        return ShelfData(self, resource_identifier, content)

    def remove(self, resource_identifier: str) -> None:
        del self.stored[resource_identifier]

    def make_container(self, resource_identifier: str, recursive: bool = True) -> None: ...

    def get_container(self, resource_identifier: str) -> str:
        return ""
