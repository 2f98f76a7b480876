"""Puts data into locations other than ftrack.server, before anything is published.

Where data goes within a location is decided by the structure of the location, which is Python and
wants entities. The versions are there by then, unpublished, as their numbers stand in the paths.
The components are not, so entities of them are made here that only this module sees.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ftrack_rs import exception, symbol
from ftrack_rs._core import PublishPlan, PublishRun

#: The attributes that structures look at.
_VERSION_ATTRIBUTES = "version, link, asset.name, asset.parent, asset.type, task.name"


class Placed:
    """The data that was put into locations by a run so far."""

    def __init__(self, session: Any) -> None:
        """Initialise with nothing in place."""
        self._session = session
        self._done: list[tuple[Any, Any, str]] = []

    @property
    def _origin(self) -> Any:
        return self._session.get("Location", symbol.ORIGIN_LOCATION_ID)

    def place(self, plan: PublishPlan, run: PublishRun) -> None:
        """Put the data of a plan where it goes, and tell the run, which registers it later.

        Raises:
            PublishError: If the versions could not be made.
            LocationError: If data could not be put into a location.
        """
        wanted = {position: identity for position, identity, _ in run.reserve()}
        if not wanted:
            return
        versions = json.loads(plan.json())["versions"]
        found = self._session.query(
            f"select {_VERSION_ATTRIBUTES} from AssetVersion where id in "
            f"({', '.join(wanted.values())})"
        )
        entities = {version["id"]: version for version in found}
        # Entities that nobody is to commit.
        with self._session.operation_recording(False):
            for position, identity in wanted.items():
                ids = dict(run.component_ids(position))
                self._add(entities[identity], versions[position], ids)
        run.place(self._registrations())

    def _add(self, version: Any, planned: dict[str, Any], ids: dict[str, str]) -> None:
        """Put the components of a version into their locations."""
        for component in planned["components"]:
            elsewhere = [
                location
                for location in component["locations"]
                if location != symbol.SERVER_LOCATION_ID
            ]
            if elsewhere:
                entity = self._entity(component, component["name"], ids, {"version": version})
                for location in elsewhere:
                    self._put(self._session.get("Location", location), entity)

    def _entity(
        self, planned: dict[str, Any], key: str, ids: dict[str, str], owner: dict[str, Any]
    ) -> Any:
        """Return an entity for a component that is not on the server yet, with its members."""
        ((kind, content),) = planned["content"].items()
        data = {
            "id": ids[key],
            "name": planned["name"],
            "file_type": planned["file_type"],
            "version": None,
            "container": None,
            **owner,
        }
        if kind == "file":
            return self._file({**data, "size": content["size"]}, content["path"])
        if kind == "sequence":
            data.update(padding=content["padding"])
            container = self._create("SequenceComponent", data)
            inner = [
                self._file(
                    {
                        "id": ids[f"{key}/{name}"],
                        "name": name,
                        "file_type": planned["file_type"],
                        "size": file["size"],
                        "version": None,
                        "container": container,
                    },
                    file["path"],
                )
                for name, file in content["members"]
            ]
        else:
            container = self._create("ContainerComponent", data)
            inner = [
                self._entity(member, f"{key}/{member['name']}", ids, {"container": container})
                for member in content
            ]
        container["members"] = inner
        return container

    def _file(self, data: dict[str, Any], path: str) -> Any:
        component = self._create("FileComponent", data)
        self._origin.add_component(component, path, recursive=False)
        return component

    def _create(self, entity_type: str, data: dict[str, Any]) -> Any:
        return self._session.create(entity_type, data)

    def _put(self, location: Any, component: Any) -> None:
        """Put a component into a location, members first."""
        if not location.structure:
            raise exception.LocationError(
                "No structure defined for location {location}.", details={"location": location}
            )
        if "members" in component.attributes.keys():  # noqa: SIM118 - not a mapping
            for member in component["members"]:
                self._put(location, member)
        context = location._get_context(component, self._origin)
        identifier = location.structure.get_resource_identifier(component, context)
        if not self._is_there(location, component, identifier):
            location._add_data(component, identifier, self._origin)
        self._done.append((location, component, identifier))

    def _is_there(self, location: Any, component: Any, identifier: str) -> bool:
        """Return whether an earlier run, which was killed, has put the data there.

        What such a run has written only in part is removed. Other data is left to the location,
        which refuses to overwrite it.
        """
        is_file = component.entity_type == "FileComponent"
        if not is_file or not location.accessor or not location.accessor.exists(identifier):
            return False
        source = self._origin.accessor.open(self._origin.get_resource_identifier(component), "rb")
        target = location.accessor.open(identifier, "rb")
        try:
            while written := target.read(symbol.CHUNK_SIZE):
                if source.read(len(written)) != written:
                    return False
            is_whole = not source.read(1)
        finally:
            source.close()
            target.close()
        if not is_whole:
            location.accessor.remove(identifier)
        return is_whole

    def _registrations(self) -> list[tuple[str, str, str]]:
        """Return of each component its id, its location, and what it is called there."""
        return [
            (component["id"], location["id"], _encoded(location, component, identifier))
            for location, component, identifier in self._done
        ]

    def remove(self) -> None:
        """Remove what was put anywhere."""
        for location, _, identifier in self._files():
            location.accessor.remove(identifier)

    def _files(self) -> Iterator[tuple[Any, Any, str]]:
        for location, component, identifier in self._done:
            if component.entity_type == "FileComponent" and location.accessor:
                yield location, component, identifier


def _encoded(location: Any, component: Any, identifier: str) -> str:
    transformer = location.resource_identifier_transformer
    if not transformer:
        return identifier
    encoded: str = transformer.encode(identifier, context={"component": component})
    return encoded
