from __future__ import annotations

import datetime
import math
from collections import OrderedDict
from typing import Any

import arrow
import pytest

from call_log import Calls
from ftrack_rs import Session, exception, inspection, symbol
from ftrack_rs.operation import (
    CreateEntityOperation,
    Operation,
    Operations,
    UpdateEntityOperation,
)


def test_everything_recorded_is_one_call(
    session: Session, other_session: Session, calls: Calls, shot: Any
) -> None:
    calls.forget()
    tasks = [session.create("Task", {"name": f"task{i}", "parent": shot}) for i in range(3)]
    tasks[0]["description"] = "overridden"
    tasks[0]["description"] = "first"
    shot["description"] = "changed"
    session.delete(tasks[2])
    assert session.created == tasks[:2]
    assert session.modified == [shot]
    session.commit()
    assert calls.actions == [["create", "create", "update", "update"]]
    assert not session.recorded_operations
    assert inspection.state(tasks[0]) is symbol.NOT_SET
    seen = other_session.get("Shot", shot["id"])
    assert seen["description"] == "changed"
    assert sorted(task["name"] for task in seen["children"]) == ["task0", "task1"]
    assert other_session.get("Task", tasks[0]["id"])["description"] == "first"


def test_new_entities_have_defaults_and_ignore_unknown_names(session: Session, shot: Any) -> None:
    task = session.create("Task", {"name": "new", "parent": shot, "no_such_attribute": 1})
    assert len(task["id"]) == 36
    assert task["parent"] is shot
    assert inspection.state(task) is symbol.CREATED
    session.commit()
    assert task["project_id"] == shot["project_id"]
    assert task["status"]["name"]


def test_nothing_recorded_makes_no_call(session: Session, calls: Calls, task: Any) -> None:
    calls.forget()
    session.commit()
    session.delete(session.create("Task", {"name": "gone", "parent": task["parent"]}))
    session.commit()
    assert calls.actions == []
    assert not session.recorded_operations


def test_an_unknown_type_is_named(session: Session) -> None:
    with pytest.raises(exception.UnrecognisedEntityTypeError, match='"Tusk" not recognised'):
        session.create("Tusk", {})


def test_after_a_failure_changes_stay_until_rolled_back(session: Session, task: Any) -> None:
    task["status_id"] = "no-such-status"
    new = session.create("Task", {"name": "new", "parent": task["parent"]})
    with pytest.raises(exception.ServerError, match="Server reported error: "):
        session.commit()
    assert session.created == [new]
    assert task["status_id"] == "no-such-status"
    session.rollback()
    assert not session.recorded_operations
    assert task["status_id"] != "no-such-status"
    assert session.get("Task", new["id"]) is None


def test_changes_are_local_until_committed(session: Session, calls: Calls, task: Any) -> None:
    attribute = task.attributes.get("name")
    task["name"] = "changed"
    assert attribute.get_local_value(task) == "changed"
    assert attribute.get_remote_value(task) == "compositing"
    assert attribute.is_modified(task)
    session.commit()
    assert attribute.get_local_value(task) is symbol.NOT_SET
    assert attribute.get_remote_value(task) == "changed"


def test_operations_for_entities_that_are_not_loaded(
    session: Session, other_session: Session, task: Any
) -> None:
    key = OrderedDict(id=task["id"])
    other_session.recorded_operations = Operations()
    other_session.recorded_operations.push(
        UpdateEntityOperation("Task", key, "name", "compositing", "pushed")
    )
    metadata = OrderedDict(parent_id=task["id"], key="pushed")
    other_session.recorded_operations.push(
        CreateEntityOperation("Metadata", metadata, {"value": "1", "parent_type": "Task"})
    )
    other_session.commit()
    session._local_cache.clear()
    task = session.get("Task", task["id"])
    assert task["name"] == "pushed"
    assert task["metadata"]["pushed"] == "1"


def test_anything_else_cannot_be_committed(session: Session) -> None:
    session.recorded_operations.push(Operation())
    with pytest.raises(ValueError, match="Unrecognised operation type"):
        session.commit()


@pytest.mark.parametrize(
    "start",
    [
        arrow.get("2024-02-29T12:30:15+02:00"),
        datetime.datetime(2024, 2, 29, 10, 30, 15),
        datetime.datetime(2024, 2, 29, 10, 30, 15, tzinfo=datetime.timezone.utc),
    ],
)
def test_datetimes_of_all_kinds_are_sent(
    session: Session, other_session: Session, task: Any, start: Any
) -> None:
    user = session.query("User").first()
    timelog = session.create("Timelog", {"user": user, "context": task, "duration": 60})
    timelog["start"] = start
    assert timelog["start"] is start
    session.commit()
    expected = arrow.get("2024-02-29T10:30:15")
    assert timelog["start"] == expected
    assert other_session.get("Timelog", timelog["id"])["start"] == expected


def test_metadata_is_created_changed_and_deleted(
    session: Session, other_session: Session, task: Any
) -> None:
    def seen() -> dict[str, str]:
        other_session._local_cache.clear()
        return dict(other_session.get("Task", task["id"])["metadata"])

    task["metadata"] = {"a": "1", "b": "2"}
    session.commit()
    assert dict(task["metadata"]) == seen() == {"a": "1", "b": "2"}
    task["metadata"]["a"] = "3"
    del task["metadata"]["b"]
    session.commit()
    assert dict(task["metadata"]) == seen() == {"a": "3"}
    task["metadata"] = {"c": "4"}
    session.commit()
    assert dict(task["metadata"]) == seen() == {"c": "4"}


def test_metadata_may_be_given_when_an_entity_is_created(
    session: Session, other_session: Session, shot: Any
) -> None:
    task = session.create("Task", {"name": "x", "parent": shot, "metadata": {"fps": "24"}})
    session.commit()
    assert dict(other_session.get("Task", task["id"])["metadata"]) == {"fps": "24"}


def test_ensure_creates_finds_and_updates(session: Session, calls: Calls, unique_name: str) -> None:
    data = {"username": unique_name, "first_name": "A"}
    user = session.ensure("User", data)
    assert calls.actions == [["query"], ["create"]]
    calls.forget()
    assert session.ensure("User", data) is user
    assert calls.actions == [["query"]]
    changed = session.ensure("User", {**data, "first_name": "B"}, ["username"])
    assert changed is user
    assert session.query(f"User where username is {unique_name} and first_name is B").one() is user


def test_ensure_finds_values_with_quotes(session: Session, calls: Calls, unique_name: str) -> None:
    data = {"username": unique_name, "first_name": 'The "Rock"'}
    user = session.ensure("User", data)
    calls.forget()
    assert session.ensure("User", data) is user
    assert calls.actions == [["query"]]


@pytest.mark.parametrize("path", ["P:\\", 'a\\"b', 'x\\\\"', "\\\\nas\\share\\", '"'])
def test_ensure_finds_values_with_backslashes(
    session: Session, calls: Calls, unique_name: str, path: str
) -> None:
    data = {"name": unique_name, "windows": f"{unique_name}{path}", "unix": "/p"}
    disk = session.ensure("Disk", data, ["windows"])
    calls.forget()
    assert session.ensure("Disk", data, ["windows"]) is disk
    assert calls.actions == [["query"]]
    assert disk["windows"] == f"{unique_name}{path}"


def test_ensure_needs_something_to_look_for(session: Session) -> None:
    with pytest.raises(ValueError, match="Could not determine any identifying data"):
        session.ensure("User", {})
    with pytest.raises(KeyError, match="email"):
        session.ensure("User", {"username": "x"}, ["email"])


def test_nothing_is_recorded_when_told_so(session: Session, task: Any) -> None:
    with session.operation_recording(False):
        task["name"] = "unrecorded"
        session.delete(task)
    assert not session.recorded_operations
    assert task["name"] == "unrecorded"


def test_reset_forgets_entities_and_changes(session: Session, task: Any) -> None:
    task["name"] = "changed"
    session.reset()
    assert not session.recorded_operations
    assert session.get("Task", task["id"])["name"] == "compositing"
    assert session.get("Location", symbol.SERVER_LOCATION_ID).accessor


def test_encoding_and_decoding(session: Session, task: Any) -> None:
    task["name"] = "changed"
    modified = session.decode(session.encode({"task": task}, "modified_only"))["task"]
    assert modified == task
    assert modified["name"] == "changed"
    persisted = session.decode(session.encode(task, "persisted_only"))
    assert persisted["name"] == "compositing"
    assert session.entity_reference(task) == {"__entity_type__": "Task", "id": task["id"]}
    with pytest.raises(ValueError, match='Unsupported entity_attribute_strategy "some"'):
        session.encode(task, "some")
    with pytest.raises(TypeError, match="is not JSON serializable"):
        session.encode(object())


def test_timers_run_and_stop(session: Session, task: Any, unique_name: str) -> None:
    user = session.create("User", {"username": unique_name})
    session.commit()
    timer = user.start_timer(context=task, comment="c", name="n")
    assert timer["context_id"] == task["id"]
    with pytest.raises(exception.NotUniqueError, match="a timer is already running"):
        user.start_timer(context=task)
    session.rollback()
    timelog = user.stop_timer()
    assert 0 <= timelog["duration"] < 60
    with pytest.raises(exception.NoResultFoundError):
        user.stop_timer()


def test_custom_attributes_that_were_not_given_are_there_after_the_commit(
    session: Session, other_session: Session, shot: Any
) -> None:
    given = {"fstart": 1001}
    made = session.create(
        "Shot", {"name": "sh900", "parent": shot["parent"], "custom_attributes": given}
    )
    session.commit()
    assert {"fstart", "fend", "fps", "handles"} <= set(made["custom_attributes"])
    made["custom_attributes"]["fend"] = 1100
    session.commit()
    seen = other_session.get("Shot", made["id"])["custom_attributes"]
    assert dict(seen) == dict(made["custom_attributes"])
    assert (seen["fstart"], seen["fend"]) == (1001, 1100)
    made["custom_attributes"] = {"fstart": 7}
    session.commit()
    other_session.populate(other_session.get("Shot", made["id"]), "custom_attributes")
    assert dict(made["custom_attributes"]) == dict(
        other_session.get("Shot", made["id"])["custom_attributes"]
    )


def test_what_the_server_reports_is_logged(
    session: Session, task: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def refused() -> None:
        task["status_id"] = "none such"
        session.commit()

    for fails in (
        lambda: session.query("Task where nope is 1").first(),
        lambda: session.query("Task where nope is 1").all(),
        refused,
    ):
        caplog.clear()
        with pytest.raises(exception.ServerError) as caught:
            fails()
        (record,) = [it for it in caplog.records if it.levelname == "ERROR"]
        assert record.name.startswith("ftrack_api.session")
        assert record.getMessage() == str(caught.value)
    session.rollback()


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_has_not_is_refused(session: Session, number: float) -> None:
    component = session.create("FileComponent", {"name": "plate", "size": 123})
    session.commit()
    component["size"] = number
    with pytest.raises(ValueError, match=f"'size' of FileComponent {component['id']} is {number}"):
        session.commit()
    session.rollback()
    assert component["size"] == 123


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**400])
def test_an_integer_past_64_bits_is_refused(session: Session, number: int) -> None:
    component = session.create("FileComponent", {"name": "plate", "size": 2**63 - 1})
    session.commit()
    component["size"] = number
    refusal = f"'size' of FileComponent {component['id']} is {number}, which does not fit 64 bits"
    with pytest.raises(ValueError, match=refusal):
        session.commit()
    session.rollback()
    assert component["size"] == 2**63 - 1


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def circular() -> list[Any]:
    value: list[Any] = []
    value.append({"again": (value,)})
    return value


@pytest.mark.parametrize("value", [circular(), nested(129), nested(1_000_000)])
def test_a_value_without_an_end_is_refused(session: Session, task: Any, value: Any) -> None:
    task["name"] = value
    with pytest.raises(ValueError, match="contains itself, or is nested more than 128 deep"):
        session.commit()
    session.rollback()


def test_a_value_may_be_nested_deeply(session: Session, task: Any) -> None:
    task["name"] = nested(100)
    with pytest.raises(exception.ServerError):
        session.commit()
    session.rollback()


def test_an_encoder_that_returns_what_it_is_given_is_refused(
    session: Session, task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_encode", lambda value: value)
    task["name"] = object()
    with pytest.raises(ValueError, match=f"'name' of Task {task['id']} .*contains itself"):
        session.commit()
    session.rollback()


def test_a_value_that_is_no_text_is_named_with_its_entity(session: Session, task: Any) -> None:
    task["name"] = name = "caf\udce9"
    with pytest.raises(
        ValueError, match=f"'name' of Task {task['id']} is {name!r}".replace("\\", ".")
    ):
        session.commit()
    session.rollback()
    made = session.create("Project", {"name": name})
    with pytest.raises(ValueError, match=f"'name' of Project {made['id']} is 'caf.udce9', which"):
        session.commit()
    session.rollback()


def test_a_value_may_change_while_it_is_read(session: Session, task: Any) -> None:
    values: dict[Any, Any] = {}

    class Growing(str):
        def __str__(self) -> str:
            values[f"new{len(values)}"] = 1
            return "key"

    values[Growing("a")] = 1
    values["b"] = 2
    task["name"] = {"nested": values}
    with pytest.raises(exception.ServerError):
        session.commit()
    session.rollback()
