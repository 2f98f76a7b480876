"""Removes components from a location, all that belongs to one call together.

Where a step of it is replaced, the location goes from component to component instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ftrack_rs import exception, symbol
from ftrack_rs.overrides import is_own
from ftrack_rs.query import some_at_once

#: Methods of the location that this takes the place of.
_STEPS = (
    "remove_components",
    "_remove_data",
    "_deregister_component_in_location",
    "get_resource_identifier",
    "get_resource_identifiers",
)


def is_plain(location: Any) -> bool:
    """Return whether no step of removing from *location* is replaced."""
    from ftrack_rs.entity.location import Location

    return all(is_own(location, step, Location) for step in _STEPS)


def remove(location: Any, components: Sequence[Any], recursive: bool) -> None:
    """Remove the data of *components* from *location*, and deregister them in one commit.

    If something cannot be removed, what was removed before is deregistered all the same.

    Raises:
        ComponentNotInLocationError: If one is not here; nothing has been removed then.
    """
    doomed = list(dict.fromkeys(_with_members(components, recursive)))
    try:
        identifiers = location.get_resource_identifiers(doomed)
    except exception.ComponentNotInLocationError as error:
        missing = error.details["components"]
        # What was asked for says more than what it contains.
        named = [component for component in components if component in missing]
        raise exception.ComponentNotInLocationError((named or missing)[:1], location) from None
    removed: list[Any] = []
    try:
        for component, identifier in zip(doomed, identifiers):
            remove_data(location, component, identifier)
            removed.append(component)
    finally:
        _deregister(location, removed)


def remove_data(location: Any, component: Any, identifier: str) -> None:
    """Remove the data that *component* has in *location*.

    Raises:
        AccessorError: If that fails.
        LocationError: If the location has no accessor.
    """
    if not location.accessor:
        raise exception.LocationError(
            "No accessor defined for location {location}.", details={"location": location}
        )
    try:
        location.accessor.remove(identifier)
    except exception.AccessorResourceNotFoundError:
        # A sequence has no data besides its members', which few accessors know.
        if component.entity_type != "SequenceComponent":
            raise


def _with_members(components: Sequence[Any], recursive: bool) -> Iterator[Any]:
    """Yield *components*, each after what it contains."""
    for component in components:
        if recursive and "members" in component.attributes.keys():  # noqa: SIM118 - not a mapping
            yield from _with_members(component["members"], recursive)
        yield component


def _deregister(location: Any, components: list[Any]) -> None:
    if not components:
        return
    session = location.session
    for some in some_at_once(components):
        ids = ", ".join(component["id"] for component in some)
        for registration in session.query(
            f"ComponentLocation where location_id is {location['id']} and component_id in ({ids})"
        ):
            session.delete(registration)
    session.commit()
    for component in components:
        location._publish(symbol.COMPONENT_REMOVED_FROM_LOCATION_TOPIC, component)
