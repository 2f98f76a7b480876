"""The interface of structures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class Structure(ABC):
    """Says where in a location the data of an entity goes.

    Attributes:
        prefix: What every resource identifier begins with.
        path_separator: What stands between the parts of a resource identifier.
    """

    def __init__(self, prefix: str = "") -> None:
        """Initialise with what every resource identifier begins with."""
        self.prefix = prefix
        self.path_separator = "/"

    @abstractmethod
    def get_resource_identifier(self, entity: Any, context: dict[str, Any] | None = None) -> str:
        """Return the resource identifier of *entity*.

        Args:
            entity: Usually a component.
            context: More about the entity, such as ``source_resource_identifier``.
        """

    def _get_sequence_expression(self, sequence: Any) -> str:
        """Return what stands for the frame number in the name of *sequence*, such as ``%04d``."""
        padding = sequence["padding"]
        return f"%0{padding}d" if padding else "%d"
