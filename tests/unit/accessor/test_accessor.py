"""What an accessor need not implement says so."""

from __future__ import annotations

import pytest

from ftrack_rs.accessor.base import Accessor
from ftrack_rs.data import Data, String
from ftrack_rs.exception import AccessorUnsupportedOperationError


class Shelf(Accessor):
    """The least an accessor can be."""

    def __init__(self) -> None:
        super().__init__()
        self.removed: list[str] = []

    def list(self, resource_identifier: str) -> list[str]:
        return []

    def exists(self, resource_identifier: str) -> bool:
        return True

    def is_file(self, resource_identifier: str) -> bool:
        return True

    def is_container(self, resource_identifier: str) -> bool:
        return False

    def is_sequence(self, resource_identifier: str) -> bool:
        return False

    def open(self, resource_identifier: str, mode: str = "rb") -> Data:
        return String()

    def remove(self, resource_identifier: str) -> None:
        self.removed.append(resource_identifier)

    def make_container(self, resource_identifier: str, recursive: bool = True) -> None: ...

    def get_container(self, resource_identifier: str) -> str:
        return ""


@pytest.mark.parametrize("operation", ["get_filesystem_path", "get_url"])
def test_paths_and_urls_are_not_for_every_accessor(operation: str) -> None:
    with pytest.raises(AccessorUnsupportedOperationError, match=operation) as caught:
        getattr(Shelf(), operation)("a.exr")
    assert caught.value.details["resource_identifier"] == "a.exr"


def test_containers_are_removed_like_files() -> None:
    shelf = Shelf()
    shelf.remove_container("a")
    assert shelf.removed == ["a"]


def test_the_interface_cannot_be_used_as_it_is() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Accessor()  # type: ignore[abstract]
