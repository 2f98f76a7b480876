"""Operations recorded by a session until they are committed or rolled back.

Recording happens at every change of every entity, so it is kept cheap: values of immutable types
are not copied.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from ftrack_rs.symbol import Symbol

# Copying these would return the same object, at the cost of a call.
_IMMUTABLE = frozenset({str, int, float, bool, type(None), bytes, Symbol})


class Operations:
    """The operations of a session, oldest first."""

    def __init__(self) -> None:
        """Initialise without operations."""
        self._stack: list[Operation] = []

    def clear(self) -> None:
        """Forget all operations."""
        self._stack.clear()

    def push(self, operation: Operation) -> None:
        """Add *operation* as the newest."""
        self._stack.append(operation)

    def pop(self) -> Operation:
        """Remove and return the newest operation.

        Raises:
            IndexError: If there is none.
        """
        return self._stack.pop()

    def __len__(self) -> int:
        """Return the number of operations."""
        return len(self._stack)

    def __iter__(self) -> Iterator[Operation]:
        """Iterate over the operations, oldest first."""
        return iter(self._stack)


class Operation:
    """Base of all operations.

    Without slots: scripts mark operations, and dump their dictionaries.
    """


class CreateEntityOperation(Operation):
    """The creation of an entity.

    Attributes:
        entity_type: Name of the type.
        entity_key: Primary key, as given by :func:`ftrack_rs.inspection.primary_key`.
        entity_data: First values of the attributes; a shallow copy of each value given.
        has_new_id: True if the session has made the id, which then cannot exist on the server
            before this is committed.
    """

    # Not in the dictionary, which holds what operations of ftrack_api do.
    __slots__ = ("has_new_id",)

    def __init__(
        self, entity_type: str, entity_key: Mapping[str, Any], entity_data: Mapping[str, Any]
    ) -> None:
        """Initialise the creation of the entity *entity_key* of *entity_type*."""
        self.entity_type = entity_type
        self.entity_key = entity_key
        self.entity_data = {name: _copy(value) for name, value in entity_data.items()}
        self.has_new_id = False

    def __repr__(self) -> str:
        """Return the class, the entity and the names of its attributes."""
        return f"<{_subject(self)} {sorted(self.entity_data)}>"


class UpdateEntityOperation(Operation):
    """The change of one attribute of an entity.

    Attributes:
        entity_type: Name of the type.
        entity_key: Primary key, as given by :func:`ftrack_rs.inspection.primary_key`.
        attribute_name: Name of the attribute.
        old_value: Shallow copy of the value before.
        new_value: Shallow copy of the value after.
    """

    def __init__(
        self,
        entity_type: str,
        entity_key: Mapping[str, Any],
        attribute_name: str,
        old_value: Any,
        new_value: Any,
    ) -> None:
        """Initialise the change of *attribute_name* from *old_value* to *new_value*."""
        self.entity_type = entity_type
        self.entity_key = entity_key
        self.attribute_name = attribute_name
        self.old_value = _copy(old_value)
        self.new_value = _copy(new_value)

    def __repr__(self) -> str:
        """Return the class, the entity and the name of the attribute."""
        return f"<{_subject(self)} {self.attribute_name}>"


class DeleteEntityOperation(Operation):
    """The deletion of an entity.

    Attributes:
        entity_type: Name of the type.
        entity_key: Primary key, as given by :func:`ftrack_rs.inspection.primary_key`.
    """

    def __init__(self, entity_type: str, entity_key: Mapping[str, Any]) -> None:
        """Initialise the deletion of the entity *entity_key* of *entity_type*."""
        self.entity_type = entity_type
        self.entity_key = entity_key

    def __repr__(self) -> str:
        """Return the class and the entity."""
        return f"<{_subject(self)}>"


def _copy(value: Any) -> Any:
    kind: Any = type(value)
    if kind in _IMMUTABLE:
        return value
    # Entities say so themselves, which is asked of them here at half the cost.
    own = getattr(kind, "__copy__", None)
    return copy.copy(value) if own is None else own(value)


def _subject(operation: Any) -> str:
    return f"{type(operation).__name__} {operation.entity_type} {dict(operation.entity_key)}"
