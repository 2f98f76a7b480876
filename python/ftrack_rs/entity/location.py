"""Locations: where the data of components is, and how it gets there."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from ftrack_rs import exception, inspection, movement, removal, symbol
from ftrack_rs.entity.base import DynamicEntityTypeMetaclass, Entity, _EntityBase
from ftrack_rs.event.base import Event
from ftrack_rs.event.hub import is_off
from ftrack_rs.movement_item import Item, StoppedError
from ftrack_rs.overrides import is_own, remembered
from ftrack_rs.query import some_at_once
from ftrack_rs.transfer import OnProgress, Transfer, using

#: Most components that the text of an error names; its details hold all.
_MOST_NAMED = 4


@remembered
class Location(Entity):
    """A place for the data of components.

    Attributes:
        accessor: How data is read and written there; NOT_SET if it cannot be accessed from here.
        structure: Where data goes within the location.
        resource_identifier_transformer: Translates what the server keeps of where data is.
        priority: The location with the lowest is picked first.
    """

    accessor: Any = symbol.NOT_SET
    structure: Any = symbol.NOT_SET
    resource_identifier_transformer: Any = symbol.NOT_SET
    priority: int = 95

    def __str__(self) -> str:
        text = super().__str__()
        with self.session.auto_populating(False):
            name = self["name"]
        return text if name is symbol.NOT_SET else text.replace("(", f'("{name}", ', 1)

    def add_component(
        self,
        component: Any,
        source: Any,
        recursive: bool = True,
        *,
        on_progress: OnProgress = None,
        transfer: Transfer | None = None,
    ) -> None:
        """Add one component; see :meth:`add_components`."""
        with using(on_progress, transfer):
            self.add_components([component], sources=source, recursive=recursive)

    def add_components(
        self,
        components: Any,
        sources: Any,
        recursive: bool = True,
        _depth: int = 0,
        *,
        on_progress: OnProgress = None,
        transfer: Transfer | None = None,
    ) -> None:
        """Copy the data of *components* here, then register all of them, which commits.

        Args:
            components: The components.
            sources: The location to copy from, or one for each component.
            recursive: Add the members of containers too.
            on_progress: As :class:`ftrack_rs.Transfer` takes it.
            transfer: How data moves.

        Raises:
            ComponentInLocationError: If one is here already; nothing is done then.
            PreflightError: If frames of a sequence are missing or empty; nothing is done then.
            LocationError: If data could not be copied or registered. Nothing is registered then;
                what was copied stands in `details["transferred"]`.
        """
        with using(on_progress, transfer):
            self._add_components(list(components), sources, recursive, _depth)

    def _add_components(
        self, components: list[Any], sources: Any, recursive: bool, _depth: int
    ) -> None:
        sources = _one_source_each(sources, len(components))
        if not self.structure:
            raise exception.LocationError(
                "No structure defined for location {location}.", details={"location": self}
            )
        if not components:
            return
        if movement.is_plain(self):
            self._add_together(components, sources, recursive)
        else:
            self._add_one_by_one(components, sources, recursive, _depth)

    def _add_together(self, components: list[Any], sources: list[Any], recursive: bool) -> None:
        """Add *components* and what they contain, moving all data at once and committing once."""
        items = movement.plan(components, sources, recursive)
        self._check_items_absent(items, components)
        try:
            movement.prepare(self, items)
            movement.move(self, [item for item in items if not item.is_container])
        except StoppedError as stopped:
            if isinstance(stopped.error, exception.TransferCancelledError):
                raise stopped.error from None
            raise _stopped(self, stopped) from stopped.error
        self._register_transferred([(item.component, item.identifier) for item in items])

    def _add_one_by_one(
        self, components: list[Any], sources: list[Any], recursive: bool, depth: int
    ) -> None:
        """Add *components* by the steps that subclasses replace."""
        self._check_absent(components)
        transferred: list[Any] = []
        for component, source in zip(components, sources):
            try:
                if recursive and _is_container(component):
                    self.add_components(
                        component["members"], source, recursive=recursive, _depth=depth + 1
                    )
                context = self._get_context(component, source)
                identifier = self.structure.get_resource_identifier(component, context)
                self._add_data(component, identifier, source)
            except exception.TransferCancelledError:
                raise
            except Exception as error:
                raise _not_transferred(self, component, error, transferred, depth) from error
            transferred.append((component, identifier))
        self._register_transferred(transferred, depth)

    def _check_items_absent(self, items: list[Any], components: list[Any]) -> None:
        """Raise an error if an item is here already; it speaks of the outermost that are."""
        try:
            self._check_absent([item.component for item in items])
        except exception.ComponentInLocationError as error:
            present = error.details["components"]
            given = [component for component in components if component in present]
            if given:
                raise exception.ComponentInLocationError(given, self) from None
            container, *outer = next(i for i in items if i.component in present).containers
            failed = Item(container, None, tuple(outer))
            raise _stopped(self, StoppedError(failed, error)) from error

    def _check_absent(self, components: list[Any]) -> None:
        present = self._present(components)
        if present:
            raise exception.ComponentInLocationError(present, self)

    def _present(self, components: list[Any]) -> list[Any]:
        """Return those of *components* that are here."""
        if _finds_plainly(self):
            known = self._known_identifiers(components)
            return [component for component in components if component["id"] in known]
        try:
            self.get_resource_identifiers(components)
        except exception.ComponentNotInLocationError as error:
            missing = {component["id"] for component in error.details["components"]}
            return [item for item in components if item["id"] not in missing]
        return components

    def _register_transferred(self, transferred: list[Any], depth: int = 0) -> None:
        """Register components whose data is here, in one commit, and publish that they are."""
        transformer = self.resource_identifier_transformer
        try:
            identifiers = [
                transformer.encode(identifier, context={"component": component})
                if transformer
                else identifier
                for component, identifier in transferred
            ]
            components = [component for component, _ in transferred]
            self._register_components_in_location(components, identifiers)
        except Exception as error:
            message = "Failed to register components with location {location}"
            raise _failed(message, self, error, transferred, depth) from error
        for component in components:
            self._publish(symbol.COMPONENT_ADDED_TO_LOCATION_TOPIC, component)

    def _publish(self, topic: str, component: Any) -> None:
        if is_off(self.session.event_hub):
            return
        data = {"component_id": component["id"], "location_id": self["id"]}
        self.session.event_hub.publish(Event(topic=topic, data=data), on_error="ignore")

    def _get_context(self, component: Any, source: Any) -> dict[str, Any]:
        """Return what the structure may know of where *component* comes from."""
        try:
            identifier = source.get_resource_identifier(component) if source else None
        except exception.ComponentNotInLocationError:
            identifier = None
        return {} if identifier is None else {"source_resource_identifier": identifier}

    def _add_data(self, component: Any, resource_identifier: str, source: Any) -> None:
        """Copy the data of *component* from *source* to *resource_identifier* here."""
        self._make_room(component, resource_identifier, source)
        if not _is_container(component):
            self._copy(component, resource_identifier, source)

    def _make_room(self, component: Any, resource_identifier: str, source: Any) -> None:
        """Make the containers that *component* needs, and check that nothing is in its way."""
        for kind, location in (("source", source), ("target", self)):
            if not location.accessor:
                raise exception.LocationError(
                    f"No accessor defined for {kind} location {{location}}.",
                    details={"location": location},
                )
        if _is_container(component):
            if component.entity_type != "SequenceComponent":
                self.accessor.make_container(resource_identifier)
            return
        try:
            container = self.accessor.get_container(resource_identifier)
        except exception.AccessorParentResourceNotFoundError:
            pass
        else:
            self.accessor.make_container(container)
        if self.accessor.exists(resource_identifier):
            # Another process may still write between this and the copy; accessors offer no way to
            # write only what does not exist.
            raise movement.exists_error(resource_identifier)

    def _copy(self, component: Any, resource_identifier: str, source: Any) -> None:
        item = Item(component, source)
        item.origin = source.get_resource_identifier(component)
        item.identifier = resource_identifier
        try:
            movement.move(self, [item])
        except StoppedError as stopped:
            raise stopped.error from stopped.error.__cause__

    def _register_component_in_location(self, component: Any, resource_identifier: str) -> None:
        self._register_components_in_location([component], [resource_identifier])

    def _register_components_in_location(self, components: Any, resource_identifiers: Any) -> None:
        for component, resource_identifier in zip(components, resource_identifiers):
            data = {
                "component": component,
                "location": self,
                "resource_identifier": resource_identifier,
            }
            self.session.create("ComponentLocation", data=data)
        self.session.commit()

    def remove_component(self, component: Any, recursive: bool = True) -> None:
        """Remove one component; see :meth:`remove_components`."""
        self.remove_components([component], recursive=recursive)

    def remove_components(self, components: Any, recursive: bool = True) -> None:
        """Remove the data of *components* from here and deregister them, which commits.

        If something cannot be removed, what was removed before is deregistered all the same.

        Args:
            components: The components.
            recursive: Remove the members of containers too.

        Raises:
            AccessorError: If data cannot be removed.
            ComponentNotInLocationError: If one is not here.
        """
        components = list(components)
        if removal.is_plain(self):
            removal.remove(self, components, recursive)
            return
        for component in components:
            self.get_resource_identifier(component)
            if recursive and _is_container(component):
                self.remove_components(component["members"], recursive=recursive)
            self._remove_data(component)
            self._deregister_component_in_location(component)
            self._publish(symbol.COMPONENT_REMOVED_FROM_LOCATION_TOPIC, component)

    def _remove_data(self, component: Any) -> None:
        removal.remove_data(self, component, self.get_resource_identifier(component))

    def _deregister_component_in_location(self, component: Any) -> None:
        registration = self.session.query(
            f"ComponentLocation where component_id is {component['id']} and location_id is "
            f"{self['id']}"
        )[0]
        self.session.delete(registration)
        self.session.commit()

    def get_component_availability(self, component: Any) -> float:
        """Return in what percentage *component* is available here."""
        found: dict[str, float]
        found = self.session.get_component_availability(component, locations=[self])
        return found[self["id"]]

    def get_component_availabilities(self, components: Any) -> list[float]:
        """Return in what percentage each of *components* is available here."""
        found = self.session.get_component_availabilities(components, locations=[self])
        return [availability[self["id"]] for availability in found]

    def get_resource_identifier(self, component: Any) -> str:
        """Return what *component* is called here.

        Raises:
            ComponentNotInLocationError: If it is not here.
        """
        return self.get_resource_identifiers([component])[0]

    def get_resource_identifiers(self, components: Any) -> list[str]:
        """Return what each of *components* is called here.

        Raises:
            ComponentNotInLocationError: If any is not here; `details["components"]` holds those.
        """
        identifiers = self._get_resource_identifiers(components)
        transformer = self.resource_identifier_transformer
        if not transformer:
            return identifiers
        return [
            transformer.decode(identifier, context={"component": component})
            for component, identifier in zip(components, identifiers)
        ]

    def _get_resource_identifiers(self, components: Any) -> list[str]:
        return _identifiers_of(components, self._known_identifiers(components), self)

    def _known_identifiers(self, components: Any) -> Mapping[str, str]:
        """Return what those of *components* that are here are called, by id."""
        states = zip(dict.fromkeys(components), inspection.states(components))
        # What has not been created yet cannot be registered either, so there is nothing to ask.
        saved = [component["id"] for component, state in states if state is not symbol.CREATED]
        return self._registered(saved) if saved else {}

    def _registered(self, component_ids: list[str]) -> dict[str, str]:
        registered: dict[str, str] = {}
        for some in some_at_once(component_ids):
            found = self.session.query(
                "select component_id, resource_identifier from ComponentLocation where location_id "
                f"is {self['id']} and component_id in ({', '.join(some)})"
            )
            registered.update((item["component_id"], item["resource_identifier"]) for item in found)
        return registered

    def get_filesystem_path(self, component: Any) -> str:
        """Return the path of *component*; see :meth:`get_filesystem_paths`."""
        return self.get_filesystem_paths([component])[0]

    def get_filesystem_paths(self, components: Any) -> list[str]:
        """Return the path of each of *components*.

        Raises:
            AccessorUnsupportedOperationError: If data here has no path.
            ComponentNotInLocationError: If any is not here.
        """
        return [
            self.accessor.get_filesystem_path(identifier)
            for identifier in self.get_resource_identifiers(components)
        ]

    def get_url(self, component: Any) -> str:
        """Return a URL of *component*.

        Raises:
            AccessorUnsupportedOperationError: If data here has no URL.
            ComponentNotInLocationError: If it is not here.
        """
        url: str = self.accessor.get_url(self.get_resource_identifier(component))
        return url


@remembered
class MemoryLocationMixin(
    _EntityBase, MutableMapping[str, Any], metaclass=DynamicEntityTypeMetaclass
):
    """A location that remembers by itself what is in it, and tells the server nothing."""

    @property
    def _cache(self) -> dict[str, str]:
        found: dict[str, str] = self.__dict__.setdefault("_registered_in_memory", {})
        return found

    def _register_component_in_location(self, component: Any, resource_identifier: str) -> None:
        self._cache[component["id"]] = resource_identifier

    def _register_components_in_location(self, components: Any, resource_identifiers: Any) -> None:
        for component, resource_identifier in zip(components, resource_identifiers):
            self._register_component_in_location(component, resource_identifier)

    def _deregister_component_in_location(self, component: Any) -> None:
        self._cache.pop(component["id"])

    def _get_resource_identifiers(self, components: Any) -> list[str]:
        return _identifiers_of(components, self._cache, self)

    def _known_identifiers(self, components: Any) -> Mapping[str, str]:
        return self._cache


class UnmanagedLocationMixin(
    _EntityBase, MutableMapping[str, Any], metaclass=DynamicEntityTypeMetaclass
):
    """A location that leaves data where it is."""

    def _add_data(self, component: Any, resource_identifier: str, source: Any) -> None:
        """Do nothing."""

    def _remove_data(self, component: Any) -> None:
        """Do nothing."""


class OriginLocationMixin(MemoryLocationMixin, UnmanagedLocationMixin):
    """The location of data where it was found, to which components are added by path."""

    def _get_context(self, component: Any, source: Any) -> dict[str, Any]:
        return {"source_resource_identifier": source} if source else {}


class ServerLocationMixin(
    _EntityBase, MutableMapping[str, Any], metaclass=DynamicEntityTypeMetaclass
):
    """The location on the ftrack server."""

    accessor: Any
    get_resource_identifier: Any

    def get_thumbnail_url(self, component: Any, size: int | None = None) -> str:
        """Return a URL of a small image of *component*.

        Args:
            component: A component that is here.
            size: Largest width and height in pixels.

        Raises:
            ComponentNotInLocationError: If it is not here.
        """
        identifier = self.get_resource_identifier(component)
        url: str = self.accessor.get_thumbnail_url(identifier, size)
        return url


def _one_source_each(sources: Any, count: int) -> list[Any]:
    if isinstance(sources, (str, Mapping)) or not isinstance(sources, Sequence):
        sources = [sources]
    if len(sources) == 1:
        return list(sources) * count
    if len(sources) != count:
        raise ValueError(
            "sources must be either a single source or a sequence of sources with indexes "
            "corresponding to passed components."
        )
    return list(sources)


def _is_container(component: Any) -> bool:
    return "members" in component.attributes.keys()  # noqa: SIM118 - not a mapping


def _finds_plainly(location: Any) -> bool:
    """Return whether no step of finding components in *location* is replaced."""
    step = "_get_resource_identifiers"
    return is_own(location, "get_resource_identifiers", Location) and (
        is_own(location, step, Location) or is_own(location, step, MemoryLocationMixin)
    )


def _identifiers_of(components: Any, known: Mapping[str, str], location: Any) -> list[str]:
    missing = [component for component in components if component["id"] not in known]
    if missing:
        raise exception.ComponentNotInLocationError(missing, location)
    return [known[component["id"]] for component in components]


def _stopped(location: Any, stopped: StoppedError) -> exception.LocationError:
    """Return the error about an item that could not be moved, and what contains it."""
    item = stopped.item
    moved = [(item.component, item.identifier) for item in stopped.moved]
    if item is None:
        message = "Failed to transfer the data of several components to location {location}"
        return _failed(message, location, stopped.error, moved)
    depth = len(item.containers)
    error = _not_transferred(location, item.component, stopped.error, moved, depth)
    for container in item.containers:
        depth -= 1
        error = _not_transferred(location, container, error, [], depth)
    return error


def _not_transferred(
    location: Any, component: Any, error: Exception, transferred: list[Any], depth: int
) -> exception.LocationError:
    if isinstance(error, exception.LocationError):
        # Members of a container that were copied before one of them failed.
        transferred = [*transferred, *error.details.get("transferred", ())]
    message = "Failed to transfer component {component} data to location {location}"
    return _failed(message, location, error, transferred, depth, component=component)


def _failed(
    message: str,
    location: Any,
    error: Exception,
    transferred: list[Any],
    depth: int = 0,
    **details: Any,
) -> exception.LocationError:
    """Return an error that says what is left behind, indented by how many containers deep it is."""
    return exception.LocationError(
        f"{message} due to error:\n{{indent}}{{error}}\n"
        "{indent}Transferred component data that may require cleanup: {some_transferred}",
        details={
            "indent": "    " * (depth + 1),
            "location": location,
            "error": error,
            "transferred": transferred,
            "some_transferred": _some(transferred),
            **details,
        },
    )


def _some(items: list[Any]) -> str:
    """Return how a list looks, of which all but the first few are only counted."""
    others = len(items) - _MOST_NAMED
    if others <= 0:
        return repr(items)
    return f"{repr(items[:_MOST_NAMED])[:-1]}, and {others} more]"
