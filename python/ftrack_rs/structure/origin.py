"""A structure that leaves everything where it came from."""

from __future__ import annotations

from typing import Any

from ftrack_rs.structure.base import Structure


class OriginStructure(Structure):
    """Passes on the resource identifier that the data has at its source."""

    def get_resource_identifier(self, entity: Any, context: dict[str, Any] | None = None) -> str:
        """Return ``source_resource_identifier`` of *context*.

        Raises:
            ValueError: If *context* has none.
        """
        source: str | None = (context or {}).get("source_resource_identifier")
        if source is None:
            raise ValueError(
                "Could not generate resource identifier as no source resource identifier found in "
                "passed context."
            )
        return source
