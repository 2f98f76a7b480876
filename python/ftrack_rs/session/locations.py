"""Where components are: the builtin locations, picking one, and what is available where."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ftrack_rs import symbol
from ftrack_rs.accessor.disk import DiskAccessor
from ftrack_rs.accessor.server import _ServerAccessor
from ftrack_rs.entity.location import (
    OriginLocationMixin,
    ServerLocationMixin,
    UnmanagedLocationMixin,
)
from ftrack_rs.event.base import Event
from ftrack_rs.mixin import mixin
from ftrack_rs.session.unit_of_work import UnitOfWork
from ftrack_rs.structure.entity_id import EntityIdStructure
from ftrack_rs.structure.origin import OriginStructure


class Locations(UnitOfWork):
    """Knows the locations of the server."""

    def _configure_locations(self) -> None:
        """Give the builtin locations their accessors, then let plugins configure others."""
        origin = symbol.ORIGIN_LOCATION_ID
        self._configure_files("ftrack.origin", origin, OriginLocationMixin, 100)
        unmanaged = symbol.UNMANAGED_LOCATION_ID
        self._configure_files("ftrack.unmanaged", unmanaged, UnmanagedLocationMixin, 90)
        review = symbol.REVIEW_LOCATION_ID
        self._configure_files("ftrack.review", review, UnmanagedLocationMixin, 110)
        server = self._builtin("ftrack.server", symbol.SERVER_LOCATION_ID, ServerLocationMixin, 150)
        server.accessor = _ServerAccessor(session=self)
        server.structure = EntityIdStructure()
        scenario = self.server_information.get("storage_scenario")
        if scenario and scenario.get("scenario"):
            self._announce("ftrack.storage-scenario.activate", {"storage_scenario": scenario})
        self._announce("ftrack.api.session.configure-location", {"session": self})

    def _configure_files(self, name: str, identifier: str, kind: Any, priority: int) -> None:
        location = self._builtin(name, identifier, kind, priority)
        location.accessor = DiskAccessor(prefix="")
        location.structure = OriginStructure()

    def _builtin(self, name: str, identifier: str, kind: Any, priority: int) -> Any:
        # Put into the session as it is known to be, without asking the server.
        data = {"name": name, "id": identifier}
        location = self.create("Location", data=data, reconstructing=True)
        mixin(location, kind, name=kind.__name__[: -len("Mixin")])
        location.priority = priority
        return location

    def _announce(self, topic: str, data: dict[str, Any]) -> list[Any]:
        """Publish an event within this process and return what subscribers answer."""
        answers: list[Any] = self.event_hub.publish(Event(topic=topic, data=data), synchronous=True)
        return answers

    def _get_locations(self, filter_inaccessible: bool = True) -> list[Any]:
        """Return all locations, the first choice first."""
        locations: Iterable[Any] = self.query("Location")
        if filter_inaccessible:
            locations = [location for location in locations if location.accessor]
        return sorted(locations, key=lambda location: location.priority)

    def pick_location(self, component: Any = None) -> Any:
        """Return the accessible location of highest priority.

        Args:
            component: Only consider locations that have this component.

        Returns:
            The location, or None.
        """
        if component:
            return self.pick_locations([component])[0]
        locations = self._get_locations()
        return locations[0] if locations else None

    def pick_locations(self, components: Any) -> list[Any]:
        """Return for each of *components* the location that :meth:`pick_location` gives.

        Args:
            components: The components.
        """
        candidates = self._get_locations()
        availabilities = self.get_component_availabilities(components, locations=candidates)
        return [
            next((item for item in candidates if availability[item["id"]] > 0.0), None)
            for availability in availabilities
        ]

    def get_component_availability(self, component: Any, locations: Any = None) -> dict[str, float]:
        """Return in what percentage *component* is available, by id of location.

        Args:
            component: The component.
            locations: Locations to look at; all if None.
        """
        return self.get_component_availabilities([component], locations=locations)[0]

    def get_component_availabilities(
        self, components: Any, locations: Any = None
    ) -> list[dict[str, float]]:
        """Return in what percentage each of *components* is available, by id of location.

        Args:
            components: The components; the availability of a container is the mean of its members'.
            locations: Locations to look at; all if None.
        """
        components = list(components)
        containers = [component for component in components if _is_container(component)]
        files = [component for component in components if not _is_container(component)]
        locations = self.query("Location") if locations is None else locations
        location_ids = [location["id"] for location in locations]
        if files:
            self.populate(files, "component_locations.location_id")
        if containers:
            self.populate(
                containers,
                "members.component_locations.location_id, component_locations.location_id",
            )
        return [_availability(component, location_ids) for component in components]


def _is_container(component: Any) -> bool:
    return "members" in component.attributes.keys()  # noqa: SIM118 - not a mapping


def _availability(component: Any, location_ids: list[str]) -> dict[str, float]:
    members = component["members"] if _is_container(component) else ()
    if not members:
        present = {item["location_id"] for item in component["component_locations"]}
        return {identifier: 100.0 * (identifier in present) for identifier in location_ids}
    of_members = [_availability(member, location_ids) for member in members]
    # Rounded, as thirds of a hundred do not add up to it.
    return {
        identifier: min(
            100.0, round(sum(item[identifier] for item in of_members) / len(members), 9)
        )
        for identifier in location_ids
    }
