"""Puts data into locations other than ftrack.server, before anything is published.

Where data goes within a location is decided by the structure of the location, which is Python and
wants entities. The versions are there by then, unpublished, as their numbers stand in the paths.
The components are not, so entities of them are made here that only this module sees.

All files of a location move together. What was written is taken away again if the publish fails.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Iterator, Sequence
from typing import Any

from ftrack_rs import exception, movement, symbol
from ftrack_rs._core import PublishPlan, PublishRun
from ftrack_rs.accessor.disk import DiskAccessor
from ftrack_rs.movement_item import Item, StoppedError
from ftrack_rs.query import quoted, some_at_once

_logger = logging.getLogger("ftrack_api.publish")

#: The attributes that structures look at.
_VERSION_ATTRIBUTES = "version, link, asset.name, asset.parent, asset.type, task.name"


class Placed:
    """The data that was put into locations by a run so far."""

    def __init__(self, session: Any) -> None:
        """Initialise with nothing in place."""
        self._session = session
        self._written: list[tuple[Any, Item]] = []
        self._kept: list[tuple[Any, Item]] = []
        self._folders: list[tuple[Any, str]] = []

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
        entities = self._versions(list(wanted.values()))
        by_location: dict[str, list[Any]] = {}
        # Entities that nobody is to commit.
        with self._session.operation_recording(False):
            for position, identity in wanted.items():
                ids = dict(run.component_ids(position))
                components = _Components(self._session, self._origin, ids)
                for planned in versions[position]["components"]:
                    elsewhere = set(planned["locations"]) - {symbol.SERVER_LOCATION_ID}
                    if elsewhere:
                        entity = components.of(planned, entities[identity])
                    for location_id in elsewhere:
                        by_location.setdefault(location_id, []).append(entity)
            run.placing(list(wanted))
            for location_id, components_there in by_location.items():
                location = self._session.get("Location", location_id)
                run.place(self._add(location, components_there))

    def _versions(self, ids: list[str]) -> dict[str, Any]:
        """Return versions by their ids, with what structures look at."""
        select = f"select {_VERSION_ATTRIBUTES} from AssetVersion"
        queries = (f"{select} where id in ({', '.join(some)})" for some in some_at_once(ids))
        return {item["id"]: item for query in queries for item in self._session.query(query)}

    def _add(self, location: Any, components: Sequence[Any]) -> list[tuple[str, str, str]]:
        """Put components into a location; return what they are called there.

        Returns:
            Of each component, members included, its id, that of the location, and the identifier.
        """
        if not location.structure:
            raise exception.LocationError(
                "No structure defined for location {location}.", details={"location": location}
            )
        items = movement.plan(components, [self._origin] * len(components), recursive=True)
        for item in items:
            if not item.is_container:
                item.origin = self._origin.get_resource_identifier(item.component)
        try:
            self._identify(location, items)
            missing = self._missing(location, items)
            self._note_folders(location, missing)
            lacking = {id(item) for item in missing}
            self._kept += [(location, item) for item in items if id(item) not in lacking]
            if movement.is_plain(location):
                movement.make_room(location, missing)
                self._move(location, [item for item in missing if not item.is_container])
            else:
                self._add_one_by_one(location, missing)
        except StoppedError as stopped:
            raise stopped.error from stopped.error.__cause__
        return [(item.component["id"], location["id"], _encoded(location, item)) for item in items]

    def _identify(self, location: Any, items: Sequence[Item]) -> None:
        if movement.is_plain(location):
            movement.identify(location, items)
            return
        for item in items:
            context = location._get_context(item.component, self._origin)
            item.identifier = location.structure.get_resource_identifier(item.component, context)

    def _move(self, location: Any, items: list[Item]) -> None:
        """Move data, and note what has arrived, also if that ends early."""
        moved: list[Item] = []
        try:
            movement.move(location, items, moved)
        except StoppedError:
            raise
        except BaseException:
            # Native code that is interrupted does not tell.
            told = {id(item) for item in moved}
            rest = (item for item in items if id(item) not in told)
            moved += [item for item in rest if _has_arrived(location, item)]
            raise
        finally:
            self._written += [(location, item) for item in moved]

    def _add_one_by_one(self, location: Any, items: Sequence[Item]) -> None:
        """Add by the steps that a location of somebody's own replaces."""
        for item in items:
            location._add_data(item.component, item.identifier, self._origin)
            self._written.append((location, item))

    def _missing(self, location: Any, items: Sequence[Item]) -> list[Item]:
        """Return the items whose data is not there yet.

        A run that was killed has left data that nobody has registered; and files may have been made
        just where they are to be. What is whole is kept, also if the publish fails, as it may be
        somebody's only copy. What is only the beginning is removed. Data of others is left to the
        location, which refuses to overwrite it.
        """
        accessor = location.accessor
        present = [
            item
            for item in items
            if accessor and not item.is_container and accessor.exists(item.identifier)
        ]
        registered = self._registered(location, present)
        kept = set()
        for item in present:
            if _encoded(location, item) in registered:
                continue
            common, is_whole = self._compare(location, item)
            if is_whole:
                kept.add(item.component["id"])
            elif common:
                accessor.remove(item.identifier)
        return [item for item in items if item.component["id"] not in kept]

    def _registered(self, location: Any, items: list[Item]) -> set[str]:
        """Return which data of *items* belongs to components already."""
        registered = set()
        for some in some_at_once(items):
            identifiers = ", ".join(quoted(_encoded(location, item)) for item in some)
            found = self._session.query(
                "select resource_identifier from ComponentLocation where location_id is "
                f"{location['id']} and resource_identifier in ({identifiers})"
            )
            registered |= {registration["resource_identifier"] for registration in found}
        return registered

    def _compare(self, location: Any, item: Item) -> tuple[bool, bool]:
        """Return whether data is the beginning of what is to be there, and whether all of it."""
        source = self._origin.accessor.open(item.origin, "rb")
        target = location.accessor.open(item.identifier, "rb")
        with contextlib.closing(source), contextlib.closing(target):
            while written := target.read(symbol.CHUNK_SIZE):
                if source.read(len(written)) != written:
                    return False, False
            return True, not source.read(1)

    def _note_folders(self, location: Any, items: Sequence[Item]) -> None:
        """Note which folders are made for *items*, the outermost first."""
        noted = {folder for noted_in, folder in self._folders if noted_in is location}
        if not location.accessor:
            return
        for item in items:
            made = []
            is_folder = item.component.entity_type == "ContainerComponent"
            folder = item.identifier if is_folder else _folder_of(location, item.identifier)
            while folder and folder not in noted and not location.accessor.exists(folder):
                made.append((location, folder))
                noted.add(folder)
                folder = _folder_of(location, folder)
            self._folders += reversed(made)

    def check(self) -> None:
        """Check that all data is still there, as others remove what they have put there.

        Raises:
            PublishError: If something is not.
        """
        # Accessors of somebody's own may say of nothing that it is there.
        written = [
            (at, item) for at, item in self._written if isinstance(at.accessor, DiskAccessor)
        ]
        for location, item in self._kept + written:
            if not item.is_container and not location.accessor.exists(item.identifier):
                raise exception.PublishError(
                    "{identifier} in {location} was removed while it was being published.",
                    details={"identifier": item.identifier, "location": location, "nodes": []},
                )

    def remove(self, patience: float | None = None) -> None:
        """Remove what was put anywhere, and the folders that were made for it.

        What others have registered meanwhile stays. What cannot be removed is logged: it hides
        neither the rest nor why the publish failed.

        Args:
            patience: Seconds to wait for the server, which knows what others have registered; by
                default as long as ever.
        """
        with _impatient(self._session, patience):
            unregistered = self._unregistered()
        for location, item in unregistered:
            # Accessors of somebody's own raise anything.
            try:
                if location.accessor.exists(item.identifier):
                    location.accessor.remove(item.identifier)
            except Exception as error:
                _logger.warning(
                    "%s in %s could not be removed: %s", item.identifier, location, error
                )
        for location, folder in reversed(self._folders):
            # Somebody else may use it by now.
            with contextlib.suppress(Exception):
                location.accessor.remove(folder)

    def _unregistered(self) -> list[tuple[Any, Item]]:
        """Return what was written and belongs to no component; nothing where that is not known."""
        unregistered: list[tuple[Any, Item]] = []
        by_location: dict[str, list[tuple[Any, Item]]] = {}
        for location, item in self._written:
            if not item.is_container:
                by_location.setdefault(location["id"], []).append((location, item))
        for written in by_location.values():
            location = written[0][0]
            try:
                registered = self._registered(location, [item for _, item in written])
            except Exception as error:
                _logger.warning("What was put into %s is left there: %s", location, error)
                continue
            unregistered += [at for at in written if _encoded(location, at[1]) not in registered]
        return unregistered


class _Components:
    """Makes entities for the components of a version that are not on the server yet."""

    def __init__(self, session: Any, origin: Any, ids: dict[str, str]) -> None:
        self._session = session
        self._origin = origin
        self._ids = ids

    def of(self, planned: dict[str, Any], version: Any) -> Any:
        """Return an entity for a component of *version*, with its members."""
        return self._entity(planned, planned["name"], {"version": version})

    def _entity(self, planned: dict[str, Any], key: str, owner: dict[str, Any]) -> Any:
        ((kind, content),) = planned["content"].items()
        data = {
            "id": self._ids[key],
            "name": planned["name"],
            "file_type": planned["file_type"],
            "version": None,
            "container": None,
            **owner,
        }
        if kind == "file":
            return self._file({**data, "size": content["size"]}, content["path"])
        if kind == "sequence":
            data["padding"] = content["padding"]
            container = self._session.create("SequenceComponent", data)
            members = list(self._frames(planned, key, container))
        else:
            container = self._session.create("ContainerComponent", data)
            members = [
                self._entity(member, f"{key}/{member['name']}", {"container": container})
                for member in content
            ]
        container["members"] = members
        return container

    def _frames(self, planned: dict[str, Any], key: str, container: Any) -> Iterator[Any]:
        for name, file in planned["content"]["sequence"]["members"]:
            data = {
                "id": self._ids[f"{key}/{name}"],
                "name": name,
                "file_type": planned["file_type"],
                "size": file["size"],
                "version": None,
                "container": container,
            }
            yield self._file(data, file["path"])

    def _file(self, data: dict[str, Any], path: str) -> Any:
        component = self._session.create("FileComponent", data)
        # Not by adding it, which would tell others of a component that may never be there.
        self._origin._register_component_in_location(component, path)
        return component


@contextlib.contextmanager
def _impatient(session: Any, patience: float | None) -> Iterator[None]:
    usual = session.request_timeout
    session.request_timeout = usual if patience is None else patience
    try:
        yield
    finally:
        session.request_timeout = usual


def _has_arrived(location: Any, item: Item) -> bool:
    """Return whether a file, where there was none, has the size of what was to get there."""
    if not isinstance(location.accessor, DiskAccessor):
        return False
    with contextlib.suppress(OSError, exception.AccessorError):
        path = location.accessor.get_filesystem_path(item.identifier)
        return os.path.getsize(path) == (item.size or 0)
    return False


def _encoded(location: Any, item: Item) -> str:
    """Return what the server keeps of where an item is."""
    transformer = location.resource_identifier_transformer
    if not transformer:
        return str(item.identifier)
    encoded: str = transformer.encode(item.identifier, context={"component": item.component})
    return encoded


def _folder_of(location: Any, identifier: str) -> str | None:
    """Return the folder of a resource; None where there is none within the location."""
    with contextlib.suppress(exception.AccessorError, NotImplementedError):
        folder: str | None = location.accessor.get_container(identifier)
        return folder
    return None
