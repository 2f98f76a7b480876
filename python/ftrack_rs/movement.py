"""Uploads all files of any number of components to the ftrack server at once.

The general way through accessors moves one component after the other and registers each level of a
container by itself. Where nothing on that way is replaced and the sources are
files, native code hashes and sends all of them side by side, and they are registered in one commit.
"""

from __future__ import annotations

from typing import Any

from ftrack_rs import exception
from ftrack_rs.accessor.server import _ServerAccessor
from ftrack_rs.structure.entity_id import EntityIdStructure

#: Methods of the target that the general way calls; replacing one asks for that way.
_STEPS = ("_add_data", "_copy", "_get_context", "_register_components_in_location")


def upload_in_bulk(
    location: Any, components: list[Any], sources: list[Any], recursive: bool
) -> bool:
    """Add *components* to the server's *location* in one go, if that is possible.

    Args:
        location: The target.
        components: What to add.
        sources: The location to read each of them from.
        recursive: Add the members of containers too.

    Returns:
        Whether it was done; False if the components have to go the general way.

    Raises:
        ComponentInLocationError: If one is in the location already; nothing is done then.
        LocationError: If a file could not be sent; nothing is registered then.
    """
    if not is_plain(location):
        return False
    added: list[Any] = []
    files: list[Any] = []
    for component, source in zip(components, sources):
        _collect(component, source, recursive, added, files)
    paths = _paths(files)
    if paths is None:
        return False
    _check_absent(location, components, added)
    uploaded = [(component, component["id"]) for component, _ in files]
    try:
        location.accessor.upload(list(zip((component for component, _ in files), paths)))
    except exception.TransferCancelledError:
        raise
    except exception.AccessorError as error:
        transferred = [pair for pair in uploaded if pair[1] in error.details.get("transferred", ())]
        raise exception.LocationError(
            "Failed to transfer component data to location {location} due to error: {error}",
            details={"location": location, "error": error, "transferred": transferred},
        ) from error
    location._register_transferred([(component, component["id"]) for component in added])
    return True


def _check_absent(location: Any, components: list[Any], added: list[Any]) -> None:
    """Raise an error if anything is there already, which names what the caller gave if it can."""
    try:
        location._check_absent(added)
    except exception.ComponentInLocationError as error:
        present = error.details["components"]
        given = [component for component in components if component in present]
        raise exception.ComponentInLocationError(given or present, location) from None


def is_plain(location: Any) -> bool:
    """Return whether no step of adding to *location* is replaced, so that all may be one."""
    from ftrack_rs.entity.location import Location

    kind = type(location)
    return (
        type(location.accessor) is _ServerAccessor
        and type(location.structure) is EntityIdStructure
        and all(getattr(kind, step) is getattr(Location, step) for step in _STEPS)
    )


def _collect(
    component: Any, source: Any, recursive: bool, added: list[Any], files: list[Any]
) -> None:
    """Append *component* and what it contains, members first, and those of them that are files."""
    if "members" not in component.attributes.keys():  # noqa: SIM118 - not a mapping
        files.append((component, source))
    elif recursive:
        for member in component["members"]:
            _collect(member, source, recursive, added, files)
    added.append(component)


def _paths(files: list[Any]) -> list[str] | None:
    """Return the path of each file, or None if a source cannot give one."""
    by_source: dict[int, list[int]] = {}
    for index, (_, source) in enumerate(files):
        by_source.setdefault(id(source), []).append(index)
    paths = [""] * len(files)
    for indexes in by_source.values():
        source = files[indexes[0]][1]
        if not getattr(source, "accessor", None):
            return None
        try:
            found = source.get_filesystem_paths([files[index][0] for index in indexes])
        except exception.AccessorError:
            return None
        for index, path in zip(indexes, found):
            paths[index] = path
    return paths
