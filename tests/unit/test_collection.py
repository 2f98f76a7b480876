from __future__ import annotations

import copy
from typing import Any

import pytest

from ftrack_rs import Session, exception, symbol
from ftrack_rs.collection import Collection, CustomAttributeCollectionProxy


@pytest.fixture
def users(session: Session) -> list[Any]:
    return session.query("User limit 4").all()


@pytest.fixture
def collection(task: Any, users: list[Any]) -> Collection:
    return Collection(task, task.attributes.get("notes"), data=users[:2])


def test_it_reads_like_a_list(collection: Collection, users: list[Any]) -> None:
    assert len(collection) == 2
    assert list(collection) == users[:2]
    assert collection[0] is users[0]
    assert collection[:] == users[:2]
    assert collection.index(users[1]) == 1
    assert users[0] in collection
    assert users[2] not in collection


@pytest.mark.parametrize(
    "change",
    [
        lambda collection, user: collection.append(user),
        lambda collection, user: collection.insert(0, user),
        lambda collection, user: collection.extend([user]),
        lambda collection, user: collection.__setitem__(0, user),
        lambda collection, user: collection.__delitem__(0),
        lambda collection, user: collection.remove(collection[0]),
        lambda collection, user: collection.pop(),
    ],
)
def test_every_change_is_recorded(
    session: Session, collection: Collection, users: list[Any], change: Any
) -> None:
    before = copy.copy(collection)
    change(collection, users[2])
    (operation,) = session.recorded_operations
    assert operation.attribute_name == "notes"
    assert operation.old_value == before
    assert operation.new_value == collection
    assert operation.new_value != before


def test_extending_by_nothing_records_nothing(session: Session, collection: Collection) -> None:
    collection.extend([])
    assert not session.recorded_operations


def test_an_entity_is_there_once(
    session: Session, task: Any, collection: Collection, users: list[Any]
) -> None:
    for change in (
        lambda: collection.append(users[0]),
        lambda: collection.__setitem__(0, users[1]),
        lambda: Collection(task, collection.attribute, data=[users[0], users[0]]),
    ):
        with pytest.raises(exception.DuplicateItemInCollectionError, match="already exists"):
            change()
    assert list(collection) == users[:2]
    assert not session.recorded_operations
    collection[0] = users[0]


def test_extending_records_each_and_commits_once(
    session: Session, collection: Collection, users: list[Any]
) -> None:
    with pytest.raises(exception.DuplicateItemInCollectionError, match="already exists"):
        collection.extend([users[2], users[3], users[2]])
    assert list(collection) == users[:4]
    assert len(session.recorded_operations) == 2
    assert len(session._batch(list(session.recorded_operations))) == 1


def test_an_immutable_collection_cannot_be_changed(
    collection: Collection, users: list[Any]
) -> None:
    collection.mutable = False
    for change in (
        lambda: collection.append(users[2]),
        lambda: collection.extend([users[2]]),
        lambda: collection.__setitem__(0, users[2]),
        lambda: collection.__delitem__(0),
    ):
        with pytest.raises(exception.ImmutableCollectionError):
            change()


def test_equal_collections_hold_the_same_entities(collection: Collection, users: list[Any]) -> None:
    same = Collection(collection.entity, collection.attribute, data=users[1::-1])
    assert collection == same
    same.append(users[2])
    assert collection != same
    assert collection != users[:2]


def test_a_copy_is_independent(collection: Collection, users: list[Any]) -> None:
    duplicate = copy.copy(collection)
    duplicate.append(users[2])
    assert list(collection) == users[:2]


def test_metadata_is_a_mapping(session: Session, task: Any) -> None:
    metadata = task["metadata"]
    metadata["a"] = "1"
    metadata.update(b="2")
    assert metadata.get("a") == "1"
    assert metadata.get("c") is None
    assert "b" in metadata
    assert sorted(metadata.keys()) == ["a", "b"]
    assert len(metadata) == 2
    assert sorted(metadata.items()) == [("a", "1"), ("b", "2")]
    metadata["a"] = "3"
    assert metadata["a"] == "3"
    del metadata["b"]
    assert list(metadata) == ["a"]
    with pytest.raises(KeyError, match="b"):
        del metadata["b"]
    with pytest.raises(KeyError, match="b"):
        metadata["b"]


def test_a_copied_mapping_has_a_collection_of_its_own(task: Any) -> None:
    task["metadata"]["a"] = "1"
    duplicate = copy.copy(task["metadata"])
    assert dict(duplicate) == {"a": "1"}
    assert duplicate.collection is not task["metadata"].collection
    assert duplicate.attribute is task.attributes.get("metadata")
    duplicate.mutable = False
    assert task["metadata"].mutable


@pytest.fixture
def configuration(session: Session, unique_name: str) -> Any:
    text = session.query('CustomAttributeType where name is "text"').one()
    task_type = session.query('ObjectType where name is "Task"').one()
    configuration = session.create(
        "CustomAttributeConfiguration",
        {
            "key": unique_name,
            "label": "Test",
            "entity_type": "task",
            "object_type_id": task_type["id"],
            "type": text,
            "default": "unset",
            "config": "{}",
        },
    )
    session.commit()
    return configuration


def test_custom_attributes_are_a_mapping_of_all_keys(
    session: Session, other_session: Session, configuration: Any, task: Any
) -> None:
    key = configuration["key"]
    values = task["custom_attributes"]
    assert key in values
    values[key] = "changed"
    session.commit()
    assert task["custom_attributes"][key] == "changed"
    assert other_session.get("Task", task["id"])["custom_attributes"][key] == "changed"
    with pytest.raises(KeyError, match="no_such_key"):
        task["custom_attributes"]["no_such_key"]


def test_custom_attributes_may_be_given_when_an_entity_is_created(
    session: Session, other_session: Session, configuration: Any, shot: Any
) -> None:
    data = {
        "name": "new",
        "parent": shot,
        "project_id": shot["project_id"],
        "custom_attributes": {configuration["key"]: "given"},
    }
    task = session.create("Task", data)
    session.commit()
    seen = other_session.get("Task", task["id"])
    assert seen["custom_attributes"][configuration["key"]] == "given"


def test_sparse_custom_attributes_fall_back_to_defaults(
    session: Session, configuration: Any, task: Any
) -> None:
    collection = Collection(task, task.attributes.get("custom_attributes"))
    proxy = CustomAttributeCollectionProxy(collection)
    key = configuration["key"]
    assert proxy[key] == "unset"
    assert proxy.get_configuration_id_from_key(key) == configuration["id"]
    assert key in list(proxy)
    assert len(proxy) >= 1
    assert proxy != symbol.NOT_SET
    assert proxy == CustomAttributeCollectionProxy(copy.copy(collection))
    del proxy[key]
    with pytest.raises(KeyError):
        proxy["no_such_key"]
