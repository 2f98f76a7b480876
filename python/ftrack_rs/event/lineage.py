"""What contains the entities that recovered events are about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ftrack_rs.query import some_at_once

#: What has to be selected of contexts and versions for :meth:`Lineage.learn`.
CONTEXT = ("id", "parent_id", "project_id", "ancestors.id", "ancestors.parent_id")
VERSION = (
    "id",
    "asset_id",
    "project_id",
    "asset.context_id",
    "asset.ancestors.id",
    "asset.ancestors.parent_id",
)

# The tables of entities by type; everything else is a kind of context.
_TABLES = {"Asset": "asset", "AssetVersion": "assetversion", "Note": "note", "Project": "show"}
# Attributes that name what contains an entity.
_CONTAINERS = ("parent_id", "asset_id", "context_id")


class Lineage:
    """Types of entities, and what contains each."""

    def __init__(self) -> None:
        """Initialise with nothing known."""
        self._entries: dict[str, dict[str, Any]] = {}

    def __contains__(self, identifier: object) -> bool:
        return identifier in self._entries

    def learn(self, record: Mapping[str, Any]) -> None:
        """Take over what the *record* of an entity tells of it, but not of what occurs in it."""
        kind = record["__entity_type__"]
        container = next((record[name] for name in _CONTAINERS if record.get(name)), None)
        self._add(record["id"], kind, container)
        if record.get("project_id"):
            self._add(record["project_id"], "Project", None)

    def complete(self, entity: dict[str, Any]) -> None:
        """Add to *entity*, as it stands in an event, its type, its parent and its `parents`."""
        parents = list(self._line(entity["entityId"]))
        known = parents[0] if parents else {"entity_type": None, "parentId": None}
        entity["entity_type"] = known["entity_type"]
        entity["parentId"] = known["parentId"]
        entity["parents"] = parents

    def _add(self, identifier: str, kind: str, container: str | None) -> None:
        # A project is also learned from what it contains.
        before = self._entries.get(identifier, {}).get("parentId")
        self._entries[identifier] = {
            "entityId": identifier,
            "entityType": _TABLES.get(kind, "task"),
            "entity_type": kind,
            "parentId": container or before,
        }

    def _line(self, identifier: str | None) -> Iterator[dict[str, Any]]:
        """Yield the entity and what contains it, up to the project."""
        while identifier in self._entries:
            yield dict(self._entries[identifier])
            identifier = self._entries[identifier]["parentId"]


def queries(identifiers: Iterable[str]) -> Iterator[str]:
    """Yield expressions for the records of contexts and versions among *identifiers*."""
    for ids in some_at_once(sorted(identifiers)):
        listed = ", ".join(f'"{identifier}"' for identifier in ids)
        for kind, attributes in (("TypedContext", CONTEXT), ("AssetVersion", VERSION)):
            yield f"select {', '.join(attributes)} from {kind} where id in ({listed})"
