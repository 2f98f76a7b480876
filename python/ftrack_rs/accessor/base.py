"""The interface of accessors."""

from __future__ import annotations

import builtins
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from ftrack_rs.exception import AccessorUnsupportedOperationError

if TYPE_CHECKING:
    from ftrack_rs.data import Data


class Accessor(ABC):
    """Reads and writes the data of a location in one way.

    The same storage may be reached in several ways, as a disk and through a server for example.
    Only the part of a path that all of them understand is stored centrally: the *resource
    identifier*. What it looks like is agreed between the accessors of a location.

    Attributes:
        components_at_once: How many components may pass through an accessor of your own at the same
            time, each in a thread of its own; the data of one is used by one thread only. By
            default one after the other, in the thread that moves them. Files between folders and
            `ftrack.server` do not pass through accessors and are not counted.
    """

    components_at_once: int = 1

    @abstractmethod
    def list(self, resource_identifier: str) -> builtins.list[str]:
        """Return the resource identifiers of the entries of a container.

        Raises:
            AccessorResourceNotFoundError: If there is no such resource.
            AccessorResourceInvalidError: If it is not a container.
        """

    @abstractmethod
    def exists(self, resource_identifier: str) -> bool:
        """Return whether the resource exists."""

    @abstractmethod
    def is_file(self, resource_identifier: str) -> bool:
        """Return whether the resource is a file."""

    @abstractmethod
    def is_container(self, resource_identifier: str) -> bool:
        """Return whether the resource is a container."""

    @abstractmethod
    def is_sequence(self, resource_identifier: str) -> bool:
        """Return whether the resource is a sequence of files."""

    @abstractmethod
    def open(self, resource_identifier: str, mode: str = "rb") -> Data:
        """Return the data of the resource, opened in *mode*."""

    @abstractmethod
    def remove(self, resource_identifier: str) -> None:
        """Remove the resource.

        Raises:
            AccessorResourceNotFoundError: If there is no such resource.
        """

    @abstractmethod
    def make_container(self, resource_identifier: str, recursive: bool = True) -> None:
        """Make a container; one that exists already is left as it is.

        Args:
            resource_identifier: The container.
            recursive: Whether to make the containers it is in as well.
        """

    @abstractmethod
    def get_container(self, resource_identifier: str) -> str:
        """Return the resource identifier of the container that holds the resource.

        Raises:
            AccessorParentResourceNotFoundError: If it is in no container of the location.
        """

    def remove_container(self, resource_identifier: str) -> None:
        """Remove the container, as :meth:`remove` does."""
        return self.remove(resource_identifier)

    def get_filesystem_path(self, resource_identifier: str) -> str:
        """Return the path of the resource on this machine.

        Raises:
            AccessorFilesystemPathError: If the resource has none.
            AccessorUnsupportedOperationError: If no resource of this accessor has one.
        """
        raise AccessorUnsupportedOperationError(
            "get_filesystem_path", resource_identifier=resource_identifier
        )

    def get_url(self, resource_identifier: str) -> str | None:
        """Return the URL of the resource.

        Raises:
            AccessorFilesystemPathError: If the resource has none.
            AccessorUnsupportedOperationError: If no resource of this accessor has one.
        """
        raise AccessorUnsupportedOperationError("get_url", resource_identifier=resource_identifier)
