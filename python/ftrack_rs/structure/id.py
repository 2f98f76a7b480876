"""A structure that spreads components over folders by their ids."""

from __future__ import annotations

import os
from typing import Any

from ftrack_rs.structure.base import Structure


class IdStructure(Structure):
    """Makes resource identifiers from the ids of components.

    The first four characters become folders, so that no folder holds millions of entries::

        prefix/1/2/3/4/56789.exr            a file
        prefix/1/2/3/4/56789/3558f6.exr     a file in a container
        prefix/1/2/3/4/56789/file.%04d.exr  a sequence
        prefix/1/2/3/4/56789/file.0001.exr  a file in a sequence
    """

    def get_resource_identifier(self, entity: Any, context: dict[str, Any] | None = None) -> str:
        """Return the resource identifier of a component.

        Raises:
            NotImplementedError: If *entity* is no component.
        """
        if entity.entity_type == "FileComponent":
            parts = self._get_file_parts(entity)
        elif entity.entity_type == "SequenceComponent":
            name = f"file.{self._get_sequence_expression(entity)}{entity['file_type'] or ''}"
            parts = [*self._get_folder_parts(entity), name]
        elif entity.entity_type == "ContainerComponent":
            parts = self._get_folder_parts(entity)
        else:
            raise NotImplementedError(f"Cannot generate path for unsupported entity {entity}")
        return self.path_separator.join(parts).strip("/")

    def _get_file_parts(self, entity: Any) -> list[str]:
        file_type = entity["file_type"] or ""
        container = entity["container"]
        if not container:
            *folders, name = self._get_folder_parts(entity)
            return [*folders, name + file_type]
        path = self.get_resource_identifier(container)
        if container.entity_type == "SequenceComponent":
            return [os.path.dirname(path), f"file.{entity['name']}{file_type}"]
        return [path, entity["id"] + file_type]

    def _get_folder_parts(self, entity: Any) -> list[str]:
        identifier = entity["id"]
        return [self.prefix, *identifier[:4], identifier[4:]]
