"""The structure most studios use: paths that follow the hierarchy of the project."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from ftrack_rs.exception import StructureError
from ftrack_rs.structure.base import Structure


class StandardStructure(Structure):
    """Makes resource identifiers from the names of project, hierarchy, asset and component.

    For components of version 3 of an asset::

        project/sequence/shot/asset/v003/plate.jpg       a file
        project/sequence/shot/asset/v003/plate.%04d.jpg  a sequence
        project/sequence/shot/asset/v003/plate.0042.jpg  a file in a sequence
        project/sequence/shot/asset/v003/extras          a container
        project/sequence/shot/asset/v003/extras/a.pdf    a file in a container

    A container may not be in another one.

    Attributes:
        project_versions_prefix: Folder for versions directly below the project.
        illegal_character_substitute: What stands for characters that file names should not have.
    """

    def __init__(
        self,
        project_versions_prefix: str | None = None,
        illegal_character_substitute: str | None = "_",
    ) -> None:
        """Initialise the structure.

        Args:
            project_versions_prefix: Folder for versions directly below the project; None for none.
            illegal_character_substitute: What stands for characters that file names should not
                have; None leaves every name as it is.
        """
        super().__init__()
        self.project_versions_prefix = project_versions_prefix
        self.illegal_character_substitute = illegal_character_substitute

    def get_resource_identifier(self, entity: Any, context: dict[str, Any] | None = None) -> str:
        """Return the resource identifier of a component.

        Raises:
            StructureError: If its version, or the asset of that, is not committed yet.
            NotImplementedError: If *entity* is no component.
        """
        if entity.entity_type == "FileComponent":
            parts = self._get_file_parts(entity)
        elif entity.entity_type == "SequenceComponent":
            name = self.sanitise_for_filesystem(entity["name"])
            frame = self._get_sequence_expression(entity)
            file_type = self.sanitise_for_filesystem(entity["file_type"] or "")
            parts = [*self._get_parts(entity), f"{name}.{frame}{file_type}"]
        elif entity.entity_type == "ContainerComponent":
            parts = [*self._get_parts(entity), self.sanitise_for_filesystem(entity["name"])]
        else:
            raise NotImplementedError(
                f"Cannot generate resource identifier for unsupported entity {entity!r}"
            )
        return self.path_separator.join(parts)

    def sanitise_for_filesystem(self, value: str) -> str:
        """Return *value* in lower case, without what is awkward in the name of a file.

        Accents are dropped, as is every character that has no ASCII form; spaces and punctuation
        other than ``_``, ``.`` and ``-`` are replaced by *illegal_character_substitute*.
        """
        substitute = self.illegal_character_substitute
        if substitute is None:
            return value
        text = unicodedata.normalize("NFKD", str(value)).encode("ascii", "ignore").decode()
        return re.sub(r"[^\w.-]", lambda _: substitute, text).strip().lower()

    def _get_file_parts(self, entity: Any) -> list[str]:
        name = entity["name"] + (entity["file_type"] or "")
        container = entity["container"]
        if not container:
            return [*self._get_parts(entity), self.sanitise_for_filesystem(name)]
        path = self.get_resource_identifier(container)
        if container.entity_type == "SequenceComponent":
            # The files of a sequence lie beside each other, named by their frame numbers.
            path, name = os.path.dirname(path), f"{container['name']}.{name}"
        return [path, self.sanitise_for_filesystem(name)]

    def _get_parts(self, entity: Any) -> list[str]:
        """Return the folders of the version that *entity* is a component of.

        Raises:
            StructureError: If the version, or the asset of that, is not committed yet.
        """
        session = entity.session
        version = entity["version"]
        if not version and entity["version_id"]:
            version = session.get("AssetVersion", entity["version_id"])
        # Only the server knows the link: from the project through the hierarchy to the version.
        link = version["link"] if version and version not in session.created else None
        if not link:
            raise StructureError(
                f"Component {entity!r} must be attached to a committed version and a committed "
                "asset with a parent context."
            )
        return [self.sanitise_for_filesystem(name) for name in self._get_names(version, link)]

    def _get_names(self, version: Any, link: list[Mapping[str, Any]]) -> list[str]:
        project = version.session.get("Project", link[0]["id"])
        hierarchy = [item["name"] for item in link[1:-1]]
        if not hierarchy and self.project_versions_prefix:
            hierarchy = [self.project_versions_prefix]
        number = self._format_version(version["version"])
        return [project["name"], *hierarchy, version["asset"]["name"], number]

    def _format_version(self, number: int) -> str:
        """Return the folder of version *number*."""
        return f"v{number:03d}"
