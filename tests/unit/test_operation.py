"""Operations hold what was done, as it was when it was done."""

from __future__ import annotations

import weakref

import pytest

from ftrack_rs.operation import (
    CreateEntityOperation,
    DeleteEntityOperation,
    Operation,
    Operations,
    UpdateEntityOperation,
)


def test_operations_are_a_stack() -> None:
    operations = Operations()
    assert not operations
    first, second = DeleteEntityOperation("Task", {"id": "1"}), Operation()
    operations.push(first)
    operations.push(second)
    assert (len(operations), bool(operations), list(operations)) == (2, True, [first, second])
    assert operations.pop() is second
    operations.clear()
    assert (len(operations), list(operations)) == (0, [])
    with pytest.raises(IndexError):
        operations.pop()


def test_operations_can_be_dumped() -> None:
    update = UpdateEntityOperation("Task", {"id": "1"}, "name", "anim", "animation")
    assert vars(update) == {
        "entity_type": "Task",
        "entity_key": {"id": "1"},
        "attribute_name": "name",
        "old_value": "anim",
        "new_value": "animation",
    }


def test_attributes_carry_the_names_of_the_arguments() -> None:
    create = CreateEntityOperation("Task", {"id": "1"}, {"name": "anim"})
    update = UpdateEntityOperation("Task", {"id": "1"}, "name", "anim", "animation")
    delete = DeleteEntityOperation("Task", {"id": "1"})
    for operation in (create, update, delete):
        assert (operation.entity_type, operation.entity_key) == ("Task", {"id": "1"})
    assert create.entity_data == {"name": "anim"}
    assert (update.attribute_name, update.old_value, update.new_value) == (
        "name",
        "anim",
        "animation",
    )


def test_values_are_shallow_copies() -> None:
    inner = ["x"]
    value = {"inner": inner}
    data = {"value": value}
    create = CreateEntityOperation("Task", {}, data)
    update = UpdateEntityOperation("Task", {}, "value", value, inner)
    data["more"] = value
    value["later"] = inner
    inner.append("y")
    assert create.entity_data == {"value": {"inner": ["x", "y"]}}
    assert update.old_value == {"inner": ["x", "y"]}
    assert update.new_value == ["x"]


def test_operations_can_be_marked_and_watched() -> None:
    operation = DeleteEntityOperation("Task", {"id": "1"})
    operation.reason = "omitted"  # type: ignore[attr-defined]
    assert vars(operation)["reason"] == "omitted"
    assert weakref.ref(operation)() is operation


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        (
            CreateEntityOperation("Task", {"id": "1"}, {"b": 1, "a": 2}),
            "<CreateEntityOperation Task {'id': '1'} ['a', 'b']>",
        ),
        (
            UpdateEntityOperation("Task", {"id": "1"}, "name", "", ""),
            "<UpdateEntityOperation Task {'id': '1'} name>",
        ),
        (DeleteEntityOperation("Task", {"id": "1"}), "<DeleteEntityOperation Task {'id': '1'}>"),
    ],
)
def test_representation(operation: Operation, text: str) -> None:
    assert repr(operation) == text
