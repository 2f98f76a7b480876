"""The parts of a publish as the caller writes them down."""

from __future__ import annotations

import mimetypes
import os
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Union

from ftrack_rs import inspection, symbol
from ftrack_rs.attribute import AbstractCollectionAttribute, ReferenceAttribute
from ftrack_rs.entity.base import Entity

if TYPE_CHECKING:
    from ftrack_rs.publish.publisher import Publisher

#: An entity; or the text of its id, or of a query that finds just one.
Reference = Union[Entity, str]

#: A location, or its name.
Place = Union[Entity, str]

#: Extensions of scenes, geometry and the like, besides texts, that no server makes a picture of.
_UNSEEN = re.compile(
    r"\.(abc|ass|bgeo|blend|fbx|gl(b|tf)|hip(lc|nc)?|m[ab]|nk|obj|ply|rib|stl|usd[acz]?|vdb|ya?ml"
    r"|zip)$",
    re.IGNORECASE,
)

_ASSET_QUERY = re.compile(r"\s*(select\s.+\sfrom\s+)?Asset\s+where\s", re.IGNORECASE | re.DOTALL)


def reference(value: Reference, types: Mapping[str, Any]) -> dict[str, str]:
    """Return how native code names an entity.

    Args:
        value: What the caller names it by.
        types: The entity classes of the session, by name.

    Raises:
        TypeError: If *value* is neither an entity nor a text.
        ValueError: If the entity is not committed yet, or a text is neither an id nor a query.
    """
    if isinstance(value, Entity):
        if inspection.state(value) is symbol.CREATED:
            raise ValueError(f"{value} is not committed yet, so nothing can be published with it.")
        return {"id": value["id"]}
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is neither an entity, nor an id, nor a query.")
    if _is_id(value):
        return {"id": value}
    if len(value.split()) < 2 and value.strip() not in types:
        example = 'Task where name is "lighting"'
        raise ValueError(f"{value!r} is neither an id nor a query, such as {example!r}.")
    return {"query": value}


def _is_id(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def plain(data: Mapping[str, Any] | None, entity_class: Any) -> dict[str, Any]:
    """Return values of attributes as they travel: entities by their ids.

    Raises:
        ValueError: If there is no such attribute, it is an entity and the value is none, or it is
            a collection, whose members can be made only for what is there.
    """
    found = {}
    for name, value in (data or {}).items():
        attribute = entity_class.attributes.get(name)
        if attribute is None:
            raise ValueError(f"{entity_class.entity_type} has no attribute {name!r}.")
        if isinstance(attribute, AbstractCollectionAttribute):
            raise ValueError(
                f"{name!r} of a new {entity_class.entity_type} cannot be among its data, as it is "
                "a collection: set it once everything is published."
            )
        if isinstance(value, Entity):
            found[f"{name}_id"] = value["id"]
        elif isinstance(attribute, ReferenceAttribute) and value is not None:
            raise ValueError(
                f"{name!r} of a new {entity_class.entity_type} is an entity, which {value!r} is "
                f"not. Query for it, or give its id as '{name}_id'."
            )
        else:
            found[name] = value
    return found


def _absolute(path: str | os.PathLike[str]) -> str:
    """Return the path of a file or sequence for processes with other working folders.

    Raises:
        TypeError: If it is no path.
        ValueError: If its name is no UTF-8, in which a publish is noted and sent to a farm.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"A file or sequence is named by its path, not by {path!r}.")
    path = os.path.abspath(path)
    try:
        path.encode()
    except UnicodeEncodeError:
        raise ValueError(
            f"{path!r} cannot be published, as its name is no UTF-8: rename it, or add it with "
            "session.create_component()."
        ) from None
    return path


def _visible(path: str | os.PathLike[str], what: str) -> str:
    """Return the path of what is shown to people.

    Raises:
        ValueError: If its name says that no server can make a picture of it.
    """
    path = _absolute(path)
    kind = mimetypes.guess_type(path)[0] or ""
    if kind.startswith("text/") or kind == "application/json" or _UNSEEN.search(path):
        raise ValueError(f"A {what}, which {path!r} is not.")
    return path


def texts(metadata: Mapping[str, Any] | None) -> dict[str, str]:
    """Return metadata as the server keeps them.

    Raises:
        ValueError: If a value is None, which is no text.
    """
    metadata = metadata or {}
    for key, value in metadata.items():
        if value is None:
            raise ValueError(f"Metadata are texts, but {key!r} is None.")
    return {str(key): str(value) for key, value in metadata.items()}


class ContainerNode:
    """A container of components, within a version or another container."""

    def __init__(self, publisher: Publisher) -> None:
        """Initialise without components; see :meth:`VersionNode.container`."""
        self._publisher = publisher
        self._components: list[dict[str, Any]] = []

    def component(
        self,
        name: str,
        path: str | os.PathLike[str],
        *,
        metadata: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a component.

        Args:
            name: Its name, unique in what contains it.
            path: A file, or a sequence such as `/path/file.%04d.ext [1-5, 7]`.
            metadata: Metadata of the component.
            data: Further attributes of the component; no collections.

        Raises:
            ValueError: If a name or a value cannot be.
        """
        self._add(name, {"path": _absolute(path)}, (), metadata, data)

    def container(
        self,
        name: str,
        *,
        metadata: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> ContainerNode:
        """Add a container of components, and return it.

        Args:
            name: Its name, unique in what contains it.
            metadata: Metadata of the container.
            data: Further attributes of the container.
        """
        inner = ContainerNode(self._publisher)
        self._add(name, {"members": inner._components}, (), metadata, data)
        return inner

    def _add(
        self,
        name: str,
        source: dict[str, Any],
        locations: Place | Sequence[Place],
        metadata: Mapping[str, Any] | None,
        data: Mapping[str, Any] | None,
    ) -> None:
        if not isinstance(name, str) or not name:
            raise ValueError(f"The name of a component is a text, not {name!r}.")
        self._publisher.check_open()
        places = [locations] if isinstance(locations, (str, Entity)) else locations
        self._components.append(
            {
                "name": name,
                "source": source,
                "locations": [self._publisher.location_id(place) for place in places],
                "metadata": texts(metadata),
                "data": plain(data, self._publisher.entity_class("Component")),
            }
        )


class VersionNode(ContainerNode):
    """A version that is to be published.

    Attributes:
        entity: The version, once it is published.
    """

    def __init__(self, publisher: Publisher, position: int, description: dict[str, Any]) -> None:
        """Initialise with what is known at first; see :meth:`Publisher.version`."""
        super().__init__(publisher)
        self._position = position
        self._description = {**description, "components": self._components, "uses": []}
        self.entity: Any = None

    def component(
        self,
        name: str,
        path: str | os.PathLike[str],
        *,
        locations: Place | Sequence[Place] = (),
        metadata: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a component.

        Args:
            name: Its name, unique in the version.
            path: A file, or a sequence such as `/path/file.%04d.ext [1-5, 7]`.
            locations: Where it goes, a location or its name, or several; ftrack.server by default.
            metadata: Metadata of the component.
            data: Further attributes of the component; no collections.

        Raises:
            ValueError: If a name or a value cannot be.
        """
        self._add(name, {"path": _absolute(path)}, locations, metadata, data)

    def container(
        self,
        name: str,
        *,
        locations: Place | Sequence[Place] = (),
        metadata: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> ContainerNode:
        """Add a container of components, and return it; see :meth:`component`."""
        inner = ContainerNode(self._publisher)
        self._add(name, {"members": inner._components}, locations, metadata, data)
        return inner

    def reviewable(self, path: str | os.PathLike[str]) -> None:
        """Show a movie or picture in the web player.

        A file that browsers play as it is, such as H.264 in an MP4 whose index comes first, a PNG
        or a JPEG, is shown as it is, with the size and frames that its header says. Anything else
        is encoded by the server after the publish.

        Raises:
            ValueError: If the name of the file says that it is a text or a scene.
        """
        self._description["reviewable"] = _visible(path, "reviewable is a movie or a picture")

    def thumbnail(self, path: str | os.PathLike[str]) -> None:
        """Show a picture wherever the version is listed.

        Raises:
            ValueError: If the name of the file says that it is a text or a scene.
        """
        self._description["thumbnail"] = _visible(path, "thumbnail is a picture")

    def uses(self, *others: VersionNode | Reference) -> None:
        """Link the version to those that it was made with.

        Args:
            others: Versions of this publish, or versions that are there already, each an entity, an
                id, or a query that finds just one.
        """
        for other in others:
            if isinstance(other, VersionNode):
                used: dict[str, Any] = {"version": self._publisher.position(other)}
            else:
                used = {"existing": self._publisher.reference(other)}
            self._description["uses"].append(used)


def asset_target(
    asset: Reference,
    asset_type: str | None,
    parent: Reference | None,
    types: Mapping[str, Any],
) -> dict[str, Any]:
    """Return where a version goes: to an asset that is there, or one that is found by its name.

    Raises:
        ValueError: If an asset is given that is there, and also what only a new one would need; or
            none at all.
    """
    if not asset:
        raise ValueError("An asset has a name, which must not be empty.")
    if isinstance(asset, Entity) or _ASSET_QUERY.match(asset):
        if asset_type is not None or parent is not None:
            raise ValueError("An asset that is there has a type and a parent already.")
        return {"existing_asset": reference(asset, types)}
    return {
        "asset": {
            "name": asset,
            "type": asset_type,
            "parent": None if parent is None else reference(parent, types),
        }
    }
