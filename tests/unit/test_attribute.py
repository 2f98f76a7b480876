from __future__ import annotations

from typing import Any

import pytest

from ftrack_rs import Session, exception, symbol
from ftrack_rs.attribute import (
    Attribute,
    Attributes,
    CollectionAttribute,
    KeyValueMappedCollectionAttribute,
    ReferenceAttribute,
    ScalarAttribute,
)
from ftrack_rs.collection import Collection, KeyValueMappedCollectionProxy


def test_attributes_are_found_by_name() -> None:
    name, status = ScalarAttribute("name", "string"), ReferenceAttribute("status", "Status")
    attributes = Attributes([name, status])
    assert attributes.keys() == ["name", "status"]
    assert list(attributes) == [name, status]
    assert attributes.get("name") is name
    assert attributes.get("other") is None
    assert name in attributes
    assert "name" not in attributes
    attributes.remove(name)
    assert len(attributes) == 1


def test_names_are_unique() -> None:
    with pytest.raises(exception.NotUniqueError, match="name already added"):
        Attributes([Attribute("name"), Attribute("name")])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("name", ScalarAttribute),
        ("status", ReferenceAttribute),
        ("notes", CollectionAttribute),
        ("metadata", KeyValueMappedCollectionAttribute),
    ],
)
def test_kinds_follow_the_schema(session: Session, name: str, kind: Any) -> None:
    assert type(session.types["Task"].attributes.get(name)) is kind


def test_what_the_schema_says_of_values(session: Session) -> None:
    attributes = session.types["Task"].attributes
    assert attributes.get("name").data_type == "string"
    assert attributes.get("start_date").data_type == "datetime"
    assert attributes.get("status").entity_type == "Status"
    assert attributes.get("thumbnail_url").computed


def test_local_values_stand_before_remote_ones(task: Any) -> None:
    attribute = task.attributes.get("name")
    attribute.set_local_value(task, "local")
    assert attribute.get_value(task) == "local"
    assert attribute.get_entity_storage(task)["name"] == {
        "local": "local",
        "remote": "compositing",
    }
    attribute.set_local_value(task, symbol.NOT_SET)
    assert attribute.get_value(task) == "compositing"
    assert not attribute.is_modified(task)


def test_setting_the_same_value_is_no_modification(task: Any) -> None:
    task["name"] = "compositing"
    assert not task.attributes.get("name").is_modified(task)


def test_remote_values_may_be_set(session: Session, task: Any, shot: Any) -> None:
    for name, value in [("name", "known"), ("parent", shot), ("description", None)]:
        task.attributes.get(name).set_remote_value(task, value)
        assert task[name] == value
    task.attributes.get("name").set_remote_value(task, symbol.NOT_SET)
    with session.auto_populating(False):
        assert task["name"] is symbol.NOT_SET
    assert not session.recorded_operations


def test_immutable_attributes_are_set_once(task: Any) -> None:
    attribute = ScalarAttribute("name", "string", mutable=False)
    with pytest.raises(exception.ImmutableAttributeError, match="immutable 'name'"):
        attribute.set_local_value(task, "other")


def test_a_reference_is_modified_when_it_leads_elsewhere(
    session: Session, task: Any, shot: Any
) -> None:
    attribute = task.attributes.get("parent")
    assert task["parent"] is shot
    task["parent"] = shot
    assert not attribute.is_modified(task)
    task["parent"] = session.query("Shot").first()
    assert attribute.is_modified(task)
    task["parent"] = None
    assert attribute.is_modified(task)


def test_a_reference_brings_default_projections(session: Session, task: Any) -> None:
    session._local_cache.clear()
    found = session.query(f'select id from Task where id is "{task["id"]}"').one()
    parent = found["parent"]
    with session.auto_populating(False):
        assert parent["name"] == task["parent"]["name"]


def test_collections_are_kept_until_they_change(
    session: Session, other_session: Session, shot: Any, task: Any
) -> None:
    session.populate(shot, "children")
    children = shot["children"]
    assert isinstance(children, Collection)
    assert shot["children"] is children
    other = other_session.get("Shot", shot["id"])
    other_session.create("Task", {"name": "second", "parent": other})
    other_session.commit()
    session.populate(shot, "children.name")
    assert sorted(child["name"] for child in shot["children"]) == ["compositing", "second"]


def test_a_changed_collection_is_not_replaced(session: Session, task: Any) -> None:
    user = session.query("User").first()
    note = task.create_note("mine", author=user)
    session.populate(task, "notes")
    assert list(task["notes"]) == [note]


def test_remote_collections_are_read_only(session: Session, shot: Any, task: Any) -> None:
    session.populate(shot, "children")
    remote = shot.attributes.get("children").get_remote_value(shot)
    assert list(remote) == [task]
    with pytest.raises(exception.ImmutableCollectionError):
        remote.append(task)


def test_collections_are_made_of_what_is_assigned(session: Session, task: Any) -> None:
    attribute = task.attributes.get("notes")
    user = session.query("User").first()
    note = session.create("Note", {"content": "x", "author": user})
    task["notes"] = [note]
    assert list(task["notes"]) == [note]
    task["notes"] = None
    assert len(task["notes"]) == 0
    with pytest.raises(NotImplementedError, match="Cannot convert 'x' to collection"):
        task["notes"] = "x"
    with pytest.raises(NotImplementedError, match="to collection"):
        task["notes"] = {"a": 1}
    other = Collection(task, task.attributes.get("children"))
    with pytest.raises(exception.AttributeError, match="bound to a different attribute"):
        attribute.set_local_value(task, other)


def test_mappings_are_made_of_lists_too(session: Session, task: Any) -> None:
    item = session.create(
        "Metadata", {"parent_id": task["id"], "parent_type": "Task", "key": "a", "value": "1"}
    )
    task["metadata"] = [item]
    assert isinstance(task["metadata"], KeyValueMappedCollectionProxy)
    assert dict(task["metadata"]) == {"a": "1"}
    task["metadata"] = Collection(task, task.attributes.get("metadata"), data=[item])
    assert dict(task["metadata"]) == {"a": "1"}
