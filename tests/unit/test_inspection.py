"""Identity, primary key and uncommitted state of entities."""

from __future__ import annotations

from collections import OrderedDict
from types import SimpleNamespace
from typing import Any

import pytest

from ftrack_rs.inspection import identity, primary_key, state, states
from ftrack_rs.operation import (
    CreateEntityOperation,
    DeleteEntityOperation,
    Operation,
    Operations,
    UpdateEntityOperation,
)
from ftrack_rs.symbol import CREATED, DELETED, MODIFIED, NOT_SET, Symbol


class Entity(dict):  # type: ignore[type-arg]
    """As much of an entity as inspection looks at."""

    entity_type = "Task"
    primary_key_attributes: tuple[str, ...] = ("id",)

    def __init__(self, session: Any = None, **values: Any) -> None:
        super().__init__(values)
        self.session = session


class Metadata(Entity):
    entity_type = "Metadata"
    primary_key_attributes = ("parent_id", "key")


@pytest.mark.parametrize(
    ("entity", "expected"),
    [
        (Entity(id="1"), ("Task", ["1"])),
        (Entity(id=1), ("Task", ["1"])),
        (Metadata(key="fps", parent_id="2"), ("Metadata", ["2", "fps"])),
    ],
)
def test_identity(entity: Entity, expected: tuple[str, list[str]]) -> None:
    assert identity(entity) == expected


def test_primary_key_follows_the_schema() -> None:
    key = primary_key(Metadata(key="fps", parent_id="2"))
    assert key == OrderedDict([("parent_id", "2"), ("key", "fps")])


def test_primary_key_has_to_be_set() -> None:
    with pytest.raises(KeyError, match='"id"'):
        primary_key(Entity(id=NOT_SET))


CREATE = CreateEntityOperation("Task", OrderedDict(id="1"), {})
UPDATE = UpdateEntityOperation("Task", OrderedDict(id="1"), "name", "a", "b")
DELETE = DeleteEntityOperation("Task", {"id": "1"})
OTHER_KEY = DeleteEntityOperation("Task", {"id": "2"})
OTHER_TYPE = DeleteEntityOperation("Shot", {"id": "1"})


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([], NOT_SET),
        ([CREATE], CREATED),
        ([UPDATE], MODIFIED),
        ([DELETE], DELETED),
        ([CREATE, UPDATE], CREATED),
        ([UPDATE, CREATE], MODIFIED),
        ([CREATE, UPDATE, DELETE], DELETED),
        ([UPDATE, DELETE], DELETED),
        ([DELETE, UPDATE], DELETED),
        ([OTHER_KEY, OTHER_TYPE, Operation()], NOT_SET),
    ],
)
def test_state(operations: list[Operation], expected: Symbol) -> None:
    recorded = Operations()
    for operation in operations:
        recorded.push(operation)
    entity = Entity(SimpleNamespace(recorded_operations=recorded), id="1")
    assert state(entity) is expected


def test_states_are_given_once_for_each_entity() -> None:
    session = SimpleNamespace(recorded_operations=[CREATE, OTHER_KEY])
    entities = [Entity(session, id=identifier) for identifier in ("2", "1", "3", "2")]
    assert states(entities) == [DELETED, CREATED, NOT_SET]


def test_states_of_nothing() -> None:
    assert states([]) == []
