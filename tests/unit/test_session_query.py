from __future__ import annotations

import datetime
from typing import Any

import arrow
import pytest

from call_log import Calls
from ftrack_rs import Session, exception, symbol
from ftrack_rs.cache import Cache, LayeredCache, MemoryCache


def test_there_is_one_instance_of_an_entity(session: Session, task: Any) -> None:
    same = session.query(f'select name, parent.name from Task where id is "{task["id"]}"').one()
    assert same is task
    assert session.get("Task", task["id"]) is task
    assert session.get("Task", [task["id"]]) is task
    assert task["parent"] is session.get("Shot", task["parent"]["id"])
    assert session._local_cache.get(f"('Task', ['{task['id']}'])") is task
    assert task in session._local_cache.values()


def test_get_asks_only_for_what_is_not_known(session: Session, calls: Calls, task: Any) -> None:
    calls.forget()
    session.get("Task", task["id"])
    assert calls.actions == []
    assert session.get("Task", "no-such-id") is None
    assert calls.actions == [["query"]]


def test_get_checks_type_and_key(session: Session) -> None:
    with pytest.raises(KeyError, match="Tusk"):
        session.get("Tusk", "x")
    with pytest.raises(ValueError, match=r"composed of 2 values \(parent_id, key\)"):
        session.get("Metadata", "x")


def test_concrete_types_are_found_through_abstract_ones(session: Session, task: Any) -> None:
    for abstract in ("TypedContext", "Context"):
        assert session.query(f'{abstract} where id is "{task["id"]}"').one() is task
        assert session.get(abstract, task["id"]) is task


def test_queries_without_select_load_default_projections(
    session: Session, calls: Calls, task: Any
) -> None:
    session._local_cache.clear()
    calls.forget()
    found = session.query(f'Task where id is "{task["id"]}"').one()
    for name in session.types["Task"].default_projections:
        with session.auto_populating(False):
            if "." not in name:
                assert found[name] is not symbol.NOT_SET
    assert calls.actions == [["query"]]


def test_an_unknown_type_is_a_key_error(session: Session) -> None:
    with pytest.raises(KeyError, match="Tusk"):
        session.query("Tusk where name is x")


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("select nme from Task", "nme"),
        ("select name from Task where name iss x", "iss"),
        ("select name from Tusk", "Tusk"),
    ],
)
def test_mistakes_in_queries_are_server_errors(
    session: Session, expression: str, message: str
) -> None:
    with pytest.raises(exception.ServerError, match=f"Server reported error: .*{message}"):
        session.query(expression).all()


def test_attributes_are_loaded_when_looked_at(session: Session, calls: Calls, task: Any) -> None:
    session._local_cache.clear()
    found = session.query(f'select id from Task where id is "{task["id"]}"').one()
    calls.forget()
    with session.auto_populating(False):
        assert found["description"] is symbol.NOT_SET
    assert calls.actions == []
    assert found["description"] is not symbol.NOT_SET
    assert calls.actions == [["query"]]


def test_populate_loads_several_entities_at_once(session: Session, calls: Calls) -> None:
    tasks = session.query("select id from Task limit 20").all()
    calls.forget()
    session.populate(tasks, "name, status.name")
    assert calls.actions == [["query"]]
    with session.auto_populating(False):
        assert all(isinstance(task["status"]["name"], str) for task in tasks)
    assert calls.actions == [["query"]]


def test_populate_keeps_local_values_and_skips_new_entities(
    session: Session, calls: Calls, task: Any
) -> None:
    task["name"] = "changed"
    new = session.create("Task", {"name": "new", "parent": task["parent"]})
    calls.forget()
    session.populate(new, "description")
    assert calls.actions == []
    session.populate([task], "name")
    assert task["name"] == "changed"
    del task["name"]
    assert task["name"] == "compositing"


def test_composite_keys_are_populated(session: Session, task: Any) -> None:
    task["metadata"].update(a="1", b="2")
    session.commit()
    session._local_cache.clear()
    items = session.query(f'select key from Metadata where parent_id is "{task["id"]}"').all()
    session.populate(items, "value")
    assert {item["key"]: item["value"] for item in items} == {"a": "1", "b": "2"}


def test_datetimes_are_arrow_objects(session: Session, task: Any) -> None:
    assert isinstance(task["created_at"], arrow.Arrow)
    assert task["created_at"].tzinfo.utcoffset(None) == datetime.timedelta(0)
    assert abs(arrow.utcnow() - task["created_at"]) < datetime.timedelta(minutes=5)


def test_links_are_plain_lists(session: Session, task: Any) -> None:
    assert [item["name"] for item in task["link"]][-2:] == [task["parent"]["name"], "compositing"]


def test_call_returns_entities_that_do_not_belong_to_the_session(
    session: Session, task: Any
) -> None:
    expression = f'select name, parent.name, created_at from Task where id is "{task["id"]}"'
    row = session.call([{"action": "query", "expression": expression}])[0]["data"][0]
    assert row is not task
    assert row == task
    assert hash(row) == hash(task)
    assert row["name"] == "compositing"
    assert isinstance(row["created_at"], arrow.Arrow)
    assert row["parent"]["name"] == task["parent"]["name"]
    assert session.merge(row) is task


def test_merging_makes_one_entity_of_each(session: Session, task: Any) -> None:
    session._local_cache.clear()
    expression = f'select name, parent.name, notes from Task where id is "{task["id"]}"'
    row = session.call([{"action": "query", "expression": expression}])[0]["data"][0]
    merged = session.merge(row)
    with session.auto_populating(False):
        assert merged is not row
        assert merged["parent"] is session.get("Shot", row["parent"]["id"])
        assert merged["parent"]["name"] == row["parent"]["name"]
        assert len(merged["notes"]) == 0


@pytest.mark.parametrize("where", ["class", "instance"])
def test_a_replaced_call_sees_every_call(
    session: Session, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    seen: list[Any] = []
    original = Session.call

    def call(data: Any) -> Any:
        seen.append(data)
        return original(session, data)

    if where == "instance":
        session.call = call  # type: ignore[method-assign]
    else:
        session.__class__ = type("Own", (Session,), {"call": lambda self, data: call(data)})
    user = session.query("select username from User").first()
    user["first_name"] = "Replaced"
    session.commit()
    assert [entry["action"] for batch in seen for entry in batch] == ["query", "update"]
    assert seen[1][0]["entity_data"] == {"__entity_type__": "User", "first_name": "Replaced"}
    assert user["first_name"] == "Replaced"


def test_further_caches_are_filled_and_asked(session: Session, calls: Calls, task: Any) -> None:
    class Recording(Cache):
        def __init__(self) -> None:
            self.values_: dict[Any, str] = {}

        def get(self, key: Any) -> Any:
            return session.decode(self.values_[key])

        def set(self, key: Any, value: Any) -> None:
            self.values_[key] = session.encode(value, "persisted_only")

        def remove(self, key: Any) -> None:
            del self.values_[key]

    layer = Recording()
    session.cache = LayeredCache([MemoryCache(), layer])
    found = session.query(f'select name, parent.name from Task where id is "{task["id"]}"').one()
    key = f"('Task', ['{task['id']}'])"
    assert key in layer.values_
    session._local_cache.clear()
    calls.forget()
    again = session.get("Task", task["id"])
    assert calls.actions == []
    assert again is not found
    assert again["name"] == "compositing"
    assert session.get("Task", task["id"]) is again
    assert session.query(f'select name from Task where id is "{task["id"]}"').one() is again


def test_clearing_the_cache_starts_anew(session: Session, task: Any) -> None:
    identifier = task["id"]
    session._local_cache.clear()
    other = session.get("Task", identifier)
    assert other is not task
    assert other == task
    task["name"] = "still works"
    assert task["name"] == "still works"
    assert other["name"] == "compositing"


def test_arguments_of_the_wrong_type_are_named(session: Session) -> None:
    wrong: Any
    for wrong in (None, 5, b"Task"):
        with pytest.raises(TypeError, match=f"A query is a text, .*, not {wrong!r}"):
            session.query(wrong)
    for wrong in (None, 5):
        with pytest.raises(TypeError, match=f"key of a Task is a text, .*, not {wrong!r}"):
            session.get("Task", wrong)
    for wrong in (None, "x", ["x"]):
        with pytest.raises(TypeError, match="Only entities can be populated, not "):
            session.populate(wrong, "name")
    for wrong in (None, "x"):
        with pytest.raises(TypeError, match=f"Only entities can be deleted, not {wrong!r}"):
            session.delete(wrong)
    for wrong in ("x", 5):
        with pytest.raises(TypeError, match=f"with a mapping of its values, not with {wrong!r}"):
            session.create("Task", wrong)
    assert not session.recorded_operations
