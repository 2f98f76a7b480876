"""What changes while a commit is under way belongs to the next one."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from ftrack_rs import Session, inspection, symbol


class Busy:
    """A client that lets something happen before it sends a commit."""

    def __init__(self, client: Any, happen: Callable[[], None]) -> None:
        self._client, self._happen = client, happen

    def commit(self, *arguments: Any) -> Any:
        self._happen()
        return self._client.commit(*arguments)


@pytest.fixture(params=["native", "call"])
def meanwhile(
    request: pytest.FixtureRequest, session: Session, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[], None]], None]:
    """Let a function run during the next commit, on either of the ways a commit may go."""

    def by_client(happen: Callable[[], None]) -> None:
        client = session._client()
        monkeypatch.setattr(session, "_client", lambda: Busy(client, happen))

    def by_call(happen: Callable[[], None]) -> None:
        call = session.call

        def busy(data: Any) -> Any:
            happen()
            return call(data)

        monkeypatch.setattr(session, "call", busy)

    return by_client if request.param == "native" else by_call


def test_it_stays_recorded_and_visible(
    session: Session,
    other_session: Session,
    shot: Any,
    task: Any,
    meanwhile: Callable[[Callable[[], None]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    created: list[Any] = []

    def change() -> None:
        task["description"] = "meanwhile"
        created.append(session.create("Task", {"name": "late", "parent": shot}))

    task["name"] = "first"
    shot["description"] = "first"
    meanwhile(change)
    session.commit()
    monkeypatch.undo()

    assert session.created == created
    assert session.modified == [task]
    assert (task["name"], task["description"]) == ("first", "meanwhile")
    assert task.attributes.get("name").get_local_value(task) is symbol.NOT_SET
    assert created[0]["name"] == "late"
    sent = other_session.get("Task", task["id"])
    assert (sent["name"], sent["description"]) == ("first", "")

    session.commit()
    assert inspection.state(created[0]) is symbol.NOT_SET
    other_session.reset()
    assert other_session.get("Task", task["id"])["description"] == "meanwhile"
    assert other_session.get("Task", created[0]["id"])["name"] == "late"


def test_a_rollback_undoes_it_too(
    session: Session, task: Any, meanwhile: Callable[[Callable[[], None]], None]
) -> None:
    before = task["description"]

    def change() -> None:
        task["description"] = "meanwhile"

    task["name"] = "first"
    meanwhile(change)
    session.commit()
    session.rollback()
    assert task["description"] == before
    assert not session.recorded_operations


def test_an_interrupt_after_the_answer_hides_nothing_that_was_sent(
    session: Session, task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = session._settle

    def interrupted(operations: list[Any]) -> None:
        settle(operations)
        raise KeyboardInterrupt

    task["description"] = "sent"
    monkeypatch.setattr(session, "_settle", interrupted)
    with pytest.raises(KeyboardInterrupt):
        session.commit()
    monkeypatch.undo()
    assert task["description"] == "sent"
    session.commit()
    assert task["description"] == "sent"
    assert not session.recorded_operations
