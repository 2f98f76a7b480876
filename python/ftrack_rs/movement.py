"""Moves the data of components into a location, all that belongs to one call together.

First is planned which components are added, members before what contains them, and where each of
them goes. Their data then takes one of four routes. From disk to disk, from disk to the server, and
from the server to disk, native code moves all files side by side. Where an accessor of somebody's
own is at one end, or `open` is replaced, it passes through file-like objects.
"""

from __future__ import annotations

import errno
import functools
import os
from collections.abc import Sequence
from typing import Any, Callable

from ftrack_rs import exception, pass_through, preflight, transfer
from ftrack_rs._core import copy_files
from ftrack_rs.accessor.disk import DiskAccessor, error_handler
from ftrack_rs.accessor.server import _ServerAccessor
from ftrack_rs.movement_item import Item, StoppedError
from ftrack_rs.overrides import is_own

#: Methods of the target that a plan takes the place of; replacing one asks for the general way.
_STEPS = (
    "add_components",
    "_add_data",
    "_copy",
    "_get_context",
    "_register_components_in_location",
)


#: Methods of an accessor that make room for a file; where one is replaced, it is called each time.
_ROOM_STEPS = ("exists", "get_container", "get_filesystem_path", "make_container")


def is_plain(location: Any) -> bool:
    """Return whether no step of adding to *location* is replaced, so that all may be one."""
    from ftrack_rs.entity.location import Location

    return all(is_own(location, step, Location) for step in _STEPS)


def plan(components: Sequence[Any], sources: Sequence[Any], recursive: bool) -> list[Item]:
    """Return items for *components*, and for what they contain if *recursive*, members first."""
    items: list[Item] = []

    def add(component: Any, source: Any, containers: tuple[Any, ...]) -> None:
        item = Item(component, source, containers)
        if recursive and item.is_container:
            for member in component["members"]:
                add(member, source, (component, *containers))
        items.append(item)

    for component, source in zip(components, sources):
        add(component, source, ())
    return items


def prepare(location: Any, items: Sequence[Item]) -> None:
    """Find out where *items* come from and where they go in *location*, and make room there.

    Raises:
        PreflightError: If frames of a sequence are missing or empty.
        StoppedError: If one cannot be moved; no data has been moved then.
    """
    _find_origins(items)
    _inspect_sequences(items)
    identify(location, items)
    make_room(location, items)


def identify(location: Any, items: Sequence[Item]) -> None:
    """Ask the structure of *location* what *items* are to be called there.

    Raises:
        StoppedError: If it does not know.
    """
    for item in items:
        try:
            context = {} if item.origin is None else {"source_resource_identifier": item.origin}
            item.identifier = location.structure.get_resource_identifier(item.component, context)
        except Exception as error:
            raise StoppedError(item, error) from error


def make_room(location: Any, items: Sequence[Item]) -> None:
    """Make the containers that *items* need, and check that nothing is in their way.

    Raises:
        StoppedError: If something is; no data has been moved then.
    """
    taken: set[Any] = set()
    is_plain_disk = all(is_own(location.accessor, name, DiskAccessor) for name in _ROOM_STEPS)
    folders: set[str] | None = set() if is_plain_disk else None
    for item in items:
        try:
            if folders is None or item.is_container or not item.source.accessor:
                location._make_room(item.component, item.identifier, item.source)
            else:
                _make_room_on_disk(location, item, folders)
            if not item.is_container:
                _check_single(location, item, taken)
        except Exception as error:
            raise StoppedError(item, error) from error


def _make_room_on_disk(location: Any, item: Item, folders: set[str]) -> None:
    """Do what locations do, but once for all files of one folder, and look up each path once."""
    item.target = location.accessor.get_filesystem_path(item.identifier)
    folder = os.path.dirname(item.target)
    if folder not in folders:
        location._make_room(item.component, item.identifier, item.source)
        folders.add(folder)
    elif os.path.exists(item.target):
        raise exists_error(item.identifier)


def _inspect_sequences(items: Sequence[Item]) -> None:
    """Look at the frames of the sequences among *items* that come from a disk."""
    sequences: dict[str, tuple[Any, list[tuple[str, str]]]] = {}
    for item in items:
        sequence = next(iter(item.containers), None)
        if sequence is None or sequence.entity_type != "SequenceComponent" or item.origin is None:
            continue
        if item.source.accessor and _is_disk(item.source.accessor):
            _, members = sequences.setdefault(sequence["id"], (sequence, []))
            members.append((_source_path(item), item.component["name"]))
    for sequence, members in sequences.values():
        folder = os.path.dirname(members[0][0])
        preflight.inspect(f"{sequence['name']}{sequence['file_type']} in {folder}", members)


def _check_single(location: Any, item: Item, taken: set[Any]) -> None:
    if item.origin is None:
        item.origin = item.source.get_resource_identifier(item.component)
    if item.identifier in taken and not _is_server(location.accessor):
        raise exists_error(item.identifier)
    taken.add(item.identifier)


def exists_error(identifier: Any) -> exception.LocationError:
    """Return the error about data that would be overwritten."""
    return exception.LocationError(
        "Cannot add component as data already exists and overwriting could result in data loss. "
        "Computed target resource identifier was: {identifier}",
        details={"identifier": identifier},
    )


def _find_origins(items: Sequence[Item]) -> None:
    """Ask each source once for what its components are called there."""
    by_source: dict[int, list[Item]] = {}
    for item in items:
        if item.source:
            by_source.setdefault(id(item.source), []).append(item)
    for group in by_source.values():
        try:
            origins = _origins(group[0].source, [item.component for item in group])
        except Exception as error:
            raise StoppedError(group[0], error) from error
        for item in group:
            item.origin = origins.get(item.component["id"])


def _origins(source: Any, components: list[Any]) -> dict[str, Any]:
    """Return what those of *components* that are at *source* are called there, by id."""
    from ftrack_rs.entity.location import Location

    if not is_own(source, "get_resource_identifier", Location) and len(components) > 1:
        found = [_origins(source, [component]) for component in components]
        return {key: identifier for origin in found for key, identifier in origin.items()}
    try:
        if len(components) == 1:
            identifiers = [source.get_resource_identifier(components[0])]
        else:
            identifiers = source.get_resource_identifiers(components)
    except exception.ComponentNotInLocationError as error:
        missing = {component["id"] for component in error.details["components"]}
        present = [component for component in components if component["id"] not in missing]
        return _origins(source, present) if present and missing else {}
    return {item["id"]: identifier for item, identifier in zip(components, identifiers)}


def move(location: Any, items: Sequence[Item], moved: list[Item] | None = None) -> None:
    """Move the data of *items*, which are prepared and no containers, into *location*.

    Each whose data has arrived is added to *moved*.

    Raises:
        StoppedError: If one could not be moved; its target is as it was before.
    """
    routes: dict[Any, list[Item]] = {}
    for item in items:
        routes.setdefault(_route(item, location.accessor), []).append(item)
    moved = [] if moved is None else moved
    for route, group in routes.items():
        route(location, group, moved)


_Route = Callable[[Any, "list[Item]", "list[Item]"], None]


def _route(item: Item, target: Any) -> _Route:
    source = item.source.accessor
    # The server knows data by the id of its component; under another it is that of another.
    is_own_data = item.identifier == item.component["id"]
    if _is_disk(source) and _is_disk(target):
        return _copy
    if _is_disk(source) and _is_server(target) and is_own_data:
        return _upload
    if _is_server(source) and _is_disk(target):
        return _download
    return _pass_through


def _is_disk(accessor: Any) -> bool:
    return isinstance(accessor, DiskAccessor) and is_own(accessor, "open", DiskAccessor)


def _is_server(accessor: Any) -> bool:
    return isinstance(accessor, _ServerAccessor) and is_own(accessor, "open", _ServerAccessor)


def _copy(location: Any, items: list[Item], moved: list[Item]) -> None:
    files = [
        (item.component["id"], _source_path(item), _target_path(location, item)) for item in items
    ]
    keeps = _keeps_existing(location)
    _together(
        items,
        moved,
        functools.partial(copy_files, files, transfer.control(), keeps_existing=keeps),
    )


def _upload(location: Any, items: list[Item], moved: list[Item]) -> None:
    files = [(item.component, _source_path(item)) for item in items]
    _together(items, moved, functools.partial(location.accessor.upload, files))


def _download(location: Any, items: list[Item], moved: list[Item]) -> None:
    by_accessor: dict[int, list[Item]] = {}
    for item in items:
        by_accessor.setdefault(id(item.source.accessor), []).append(item)
    for group in by_accessor.values():
        files = [
            (item.component["id"], item.origin, _target_path(location, item), item.size)
            for item in group
        ]
        download = group[0].source.accessor.download
        keeps = _keeps_existing(location)
        _together(group, moved, functools.partial(download, files, keeps_existing=keeps))


def _keeps_existing(location: Any) -> bool:
    """Return whether data that appears after the look for it stays; who does not look replaces."""
    from ftrack_rs.entity.location import Location

    looks = is_own(location.accessor, "exists", DiskAccessor)
    return looks and is_own(location, "_make_room", Location)


def _source_path(item: Item) -> str:
    try:
        path: str = item.source.accessor.get_filesystem_path(item.origin)
    except Exception as error:
        raise StoppedError(item, error) from error
    return path


def _target_path(location: Any, item: Item) -> str:
    try:
        path: str = item.target or location.accessor.get_filesystem_path(item.identifier)
    except Exception as error:
        raise StoppedError(item, error) from error
    # A link that leads nowhere yet stays a link.
    return os.path.realpath(path) if os.path.islink(path) else path


def _together(items: list[Item], moved: list[Item], run: Callable[[], object]) -> None:
    """Let *run* move all *items*, and note which it has *moved*."""
    try:
        run()
    except exception.AccessorError as error:
        arrived = set(error.details.get("transferred", ()))
        moved += [item for item in items if item.component["id"] in arrived]
        failed = set(error.details.get("failed", ()))
        blamed = [item for item in items if item.component["id"] in failed]
        if not blamed and len(items) > 1:
            # Asking for all uploads at once, say, fails for none of them in particular.
            raise StoppedError(None, error, moved) from error
        first = (blamed or items)[0]
        raise StoppedError(first, _explained(error, first), moved) from error
    moved += items


def _explained(error: exception.AccessorError, item: Item) -> exception.Error:
    """Return the error that there is for what the system said about a file on disk."""
    reason = error.details.get("errno")
    if reason is None:
        return error
    if reason == "EEXIST":
        return exists_error(item.identifier)
    number = getattr(errno, reason)
    identifier = item.origin if error.details["end"] == "source" else item.identifier
    try:
        with error_handler(operation="open", resource_identifier=identifier):
            raise OSError(number, os.strerror(number), str(error.details["path"]))
    except exception.AccessorError as explained:
        return explained


def _pass_through(location: Any, items: list[Item], moved: list[Item]) -> None:
    ends = [location.accessor, *(item.source.accessor for item in items)]
    # Those of this package bear any number; what is made of them has to say so itself.
    own = [end for end in ends if not (_is_disk(end) or _is_server(end))]
    at_once = min((getattr(end, "components_at_once", 1) for end in own), default=1)
    pass_through.move(items, location.accessor, moved, at_once)
