"""A structure that keeps everything under its id."""

from __future__ import annotations

from typing import Any

from ftrack_rs.structure.base import Structure


class EntityIdStructure(Structure):
    """Gives the id of the entity as resource identifier."""

    def get_resource_identifier(self, entity: Any, context: dict[str, Any] | None = None) -> str:
        """Return the id of *entity*."""
        identifier: str = entity["id"]
        return identifier
