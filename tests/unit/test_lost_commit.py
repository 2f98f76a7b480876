"""Commits whose answer is lost on the way, with the faults of the embedded server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from call_log import Calls
from ftrack_rs import Session, exception
from ftrack_rs.operation import CreateEntityOperation
from ftrack_rs.sandbox import Sandbox

CARRIED_OUT: list[dict[str, Any]] = [{"kind": "lost_answer"}, {"kind": "truncate"}]

NOT_CARRIED_OUT: list[dict[str, Any]] = [
    {"reset": "before"},
    {"reset": "middle"},
    {"reset": "after"},
    {"status": 502, "body": "<html>Bad Gateway</html>"},
    {"status": 504, "body": ""},
]


@pytest.fixture
def faults(sandbox: Sandbox) -> Iterator[Any]:
    yield sandbox.fault
    sandbox.clear_faults()


def _name(fault: dict[str, Any]) -> str:
    return "-".join(str(value) for value in fault.values())[:20]


@pytest.mark.parametrize("fault", CARRIED_OUT, ids=_name)
@pytest.mark.parametrize("action", ["create", "update", "delete"])
def test_changes_that_were_made_are_not_made_twice(
    session: Session,
    other_session: Session,
    calls: Calls,
    faults: Any,
    task: Any,
    action: str,
    fault: dict[str, Any],
) -> None:
    calls.forget()
    faults("api", action=action, count=1, **fault)
    if action == "create":
        created = session.create("Note", {"content": "once", "author": session.query("User")[0]})
        task["notes"].append(created)
    elif action == "update":
        task["description"] = "changed"
    else:
        session.delete(task)
    calls.forget()
    session.commit()
    assert sum(action in actions for actions in calls.actions) == 1
    assert calls.actions[-1] == ["query"]
    assert not session.recorded_operations
    seen = other_session.query(f"Task where id is {task['id']}").first()
    if action == "create":
        assert [note["content"] for note in seen["notes"]] == ["once"]
        assert created["content"] == "once"
    elif action == "update":
        assert seen["description"] == task["description"] == "changed"
    else:
        assert seen is None


@pytest.mark.parametrize("fault", NOT_CARRIED_OUT, ids=_name)
@pytest.mark.parametrize("action", ["create", "update", "delete"])
def test_changes_that_were_not_made_are_sent_again(
    session: Session,
    other_session: Session,
    faults: Any,
    shot: Any,
    task: Any,
    action: str,
    fault: dict[str, Any],
) -> None:
    if action == "create":
        session.create("Task", {"name": "second", "parent": shot})
    elif action == "update":
        task["name"] = "second"
    else:
        session.delete(task)
    # A request is reset before its batch can be read, so the fault cannot name the action.
    faults("api", count=1, **fault)
    session.commit()
    assert not session.recorded_operations
    seen = other_session.query(f"Task where parent_id is {shot['id']}")
    expected = {"create": ["compositing", "second"], "update": ["second"], "delete": []}
    assert sorted(task["name"] for task in seen) == expected[action]


def test_a_commit_that_gets_no_answer_is_looked_up(
    session: Session, calls: Calls, faults: Any, task: Any
) -> None:
    task["name"] = "changed"
    session.request_timeout = 0.2
    faults("api", "black_hole", action="update", count=1)
    calls.forget()
    session.commit()
    assert [actions for actions in calls.actions if actions] == [["update"], ["query"], ["update"]]


def test_an_answer_lost_twice_says_that_nothing_was_changed(
    session: Session, other_session: Session, faults: Any, task: Any
) -> None:
    task["name"] = "changed"
    faults("api", action="update", status=502, body="down", count=2)
    with pytest.raises(exception.AnswerLostError, match="the changes were not made") as caught:
        session.commit()
    assert caught.value.details["applied"] is False
    assert session.api_key not in str(caught.value)
    assert len(session.recorded_operations) == 1
    assert other_session.get("Task", task["id"])["name"] == "compositing"
    session.commit()
    assert not session.recorded_operations


def test_when_the_server_is_gone_the_outcome_is_unknown(
    session: Session, faults: Any, task: Any
) -> None:
    task["name"] = "changed"
    faults("api", "lost_answer", action="update", count=1)
    faults("api", action="query", status=500, body="down")
    with pytest.raises(exception.AnswerLostError, match="nobody can tell") as caught:
        session.commit()
    assert caught.value.details["applied"] is None
    assert len(session.recorded_operations) == 1
    assert task["name"] == "changed"


def test_the_next_commit_finds_out_what_became_of_the_last(
    session: Session, other_session: Session, calls: Calls, faults: Any, sandbox: Sandbox, shot: Any
) -> None:
    first = session.create("Task", {"name": "first", "parent": shot})
    faults("api", "lost_answer", action="create", count=1)
    faults("api", action="query", status=500, body="down")
    with pytest.raises(exception.AnswerLostError, match="nobody can tell"):
        session.commit()
    sandbox.clear_faults()
    second = session.create("Task", {"name": "second", "parent": shot})
    first["description"] = "changed"
    calls.forget()
    session.commit()
    assert calls.actions == [["query"], ["create", "update"]]
    assert not session.recorded_operations
    assert (first["name"], first["description"], second["name"]) == ("first", "changed", "second")
    seen = other_session.query(f"Task where parent_id is {shot['id']}").all()
    assert sorted(task["name"] for task in seen) == ["first", "second"]


def test_changes_in_doubt_may_be_rolled_back(
    session: Session, faults: Any, sandbox: Sandbox, task: Any
) -> None:
    task["name"] = "changed"
    faults("api", "lost_answer", action="update", count=1)
    faults("api", action="query", status=500, body="down")
    with pytest.raises(exception.AnswerLostError):
        session.commit()
    sandbox.clear_faults()
    session.rollback()
    task["description"] = "after"
    session.commit()
    assert task["description"] == "after"


def test_what_somebody_else_changed_meanwhile_is_left_alone(
    session: Session, other_session: Session, faults: Any, task: Any
) -> None:
    other_session.get("Task", task["id"])["name"] = "theirs"
    other_session.commit()
    task["name"] = "ours"
    faults("api", action="update", status=502, body="down", count=1)
    with pytest.raises(exception.AnswerLostError, match="nobody can tell"):
        session.commit()
    assert session.query(f"Task where name is theirs and id is {task['id']}").one()


@pytest.mark.parametrize(("data", "expected"), [({}, True), ({"id": "given"}, False)])
def test_the_creation_tells_whether_the_session_has_made_the_id(
    session: Session, data: dict[str, Any], expected: bool
) -> None:
    session.create("Note", data)
    assert [it.has_new_id for it in session.recorded_operations] == [expected]
    session.rollback()


def _create_taken(session: Session, note: Any, how: str) -> None:
    data = {"id": note["id"], "content": "ours"}
    if how == "create":
        session.create("Note", data)
    else:
        key = {"id": note["id"]}
        session.recorded_operations.push(CreateEntityOperation("Note", key, data))


@pytest.mark.parametrize("how", ["create", "push"])
def test_an_id_that_the_caller_gave_proves_nothing(
    session: Session, other_session: Session, faults: Any, task: Any, how: str
) -> None:
    user = other_session.query("User").first()
    taken = other_session.create("Note", {"content": "theirs", "author": user})
    other_session.commit()
    task["name"] = "changed"
    _create_taken(session, taken, how)
    faults("api", action="create", status=502, body="down", count=1)
    with pytest.raises(exception.ServerError, match=r"IntegrityError|DuplicateEntryError"):
        session.commit()
    assert len(session.recorded_operations) == 2
    assert other_session.query(f"Task where id is {task['id']}").one()["name"] == "compositing"


@pytest.mark.parametrize("fault", [CARRIED_OUT[0], NOT_CARRIED_OUT[3]], ids=_name)
def test_a_session_with_a_call_of_its_own_recovers_too(
    sandbox: Sandbox, other_session: Session, faults: Any, task: Any, fault: dict[str, Any]
) -> None:
    class LoggingSession(Session):
        def call(self, data: Any) -> Any:
            called.append([operation["action"] for operation in data])
            return super().call(data)

    called: list[list[str]] = []
    with LoggingSession(sandbox.url, sandbox.api_key, sandbox.api_user) as session:
        note = session.create("Note", {"content": "once", "author": session.query("User")[0]})
        session.get("Task", task["id"])["notes"].append(note)
        called.clear()
        faults("api", action="create", count=1, **fault)
        session.commit()
        assert called == [["create", "update"]] * (1 if fault in CARRIED_OUT else 2)
        assert note["content"] == "once"
    assert len(other_session.get("Task", task["id"])["notes"]) == 1
