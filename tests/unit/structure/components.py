"""Components that structures can be tried on without a server."""

from __future__ import annotations

from typing import Any


class Session:
    """A session that knows the entities given to it."""

    def __init__(self, *entities: Entity) -> None:
        self.created: list[Entity] = []
        self._entities = {(entity.entity_type, entity["id"]): entity for entity in entities}

    def get(self, entity_type: str, entity_key: str) -> Entity | None:
        return self._entities.get((entity_type, entity_key))


class Entity(dict):  # type: ignore[type-arg]
    """A mapping with the attributes that structures look at."""

    def __init__(self, entity_type: str, session: Session | None = None, **values: Any) -> None:
        super().__init__(values)
        self.entity_type = entity_type
        self.session = session


def component(kind: str, **values: Any) -> Entity:
    """Return a component of *kind*: file, sequence or container."""
    defaults = {
        "id": "12345678",
        "name": "plate",
        "file_type": ".exr",
        "container": None,
        "padding": None,
        "version": None,
        "version_id": None,
    }
    return Entity(f"{kind.capitalize()}Component", **{**defaults, **values})
