"""Answers questions about an entity: its identity, its primary key, its uncommitted state."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from ftrack_rs.operation import (
    CreateEntityOperation,
    DeleteEntityOperation,
    Operation,
    UpdateEntityOperation,
)
from ftrack_rs.symbol import CREATED, DELETED, MODIFIED, NOT_SET, Symbol


def identity(entity: Any) -> tuple[str, list[str]]:
    """Return the type of *entity* and the values of its primary key.

    Raises:
        KeyError: If a value of the primary key is not set.
    """
    return str(entity.entity_type), list(primary_key(entity).values())


def primary_key(entity: Any) -> OrderedDict[str, str]:
    """Return the primary key of *entity*: values by attribute name, in the order of the schema.

    Raises:
        KeyError: If a value of the primary key is not set.
    """
    key: OrderedDict[str, str] = OrderedDict()
    for name in entity.primary_key_attributes:
        value = entity[name]
        if value is NOT_SET:
            raise KeyError(
                f'Missing required value for primary key attribute "{name}" on entity {entity!r}.'
            )
        key[str(name)] = str(value)
    return key


def state(entity: Any) -> Symbol:
    """Return what the next commit does to *entity*.

    Returns:
        CREATED, MODIFIED or DELETED; NOT_SET if no operation is recorded for it.
    """
    return states([entity])[0]


def states(entities: Iterable[Any]) -> list[Symbol]:
    """Return the state of each of *entities*, looking through the recorded operations once.

    All entities have to belong to one session; one that is there twice has one state.
    """
    entities = list(entities)
    if not entities:
        return []
    keys = [_key(str(entity.entity_type), primary_key(entity).values()) for entity in entities]
    found = dict.fromkeys(keys, NOT_SET)
    for operation in entities[0].session.recorded_operations:
        if not isinstance(
            operation, (CreateEntityOperation, UpdateEntityOperation, DeleteEntityOperation)
        ):
            continue
        key = _key(operation.entity_type, operation.entity_key.values())
        if key in found:
            found[key] = _state_after(operation, found[key])
    return list(found.values())


def _key(entity_type: str, values: Iterable[object]) -> tuple[str, tuple[str, ...]]:
    return entity_type, tuple(map(str, values))


def _state_after(operation: Operation, before: Symbol) -> Symbol:
    if isinstance(operation, DeleteEntityOperation):
        return DELETED
    if before is not NOT_SET:
        return before
    return CREATED if isinstance(operation, CreateEntityOperation) else MODIFIED
