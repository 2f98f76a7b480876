from __future__ import annotations

from typing import Any

import pytest

from call_log import Calls
from ftrack_rs import Session
from ftrack_rs.symbol import NOT_SET


@pytest.fixture
def rows(session: Session, other_session: Session, shot: Any) -> list[Any]:
    """Three tasks of which only the ids are loaded."""
    for name in ("one", "two", "three"):
        session.create("Task", {"name": name, "parent": shot, "description": name})
    session.commit()
    return other_session.query(f"select id from Task where parent_id is {shot['id']}").all()


@pytest.mark.parametrize("name", ["description", "parent", "notes", "metadata", "status"])
def test_what_one_row_lacks_is_loaded_for_all(rows: list[Any], calls: Calls, name: str) -> None:
    for row in rows:
        row[name]
    assert calls.actions == [["query"]]


def test_the_values_are_those_of_each_row(rows: list[Any]) -> None:
    assert sorted(row["description"] for row in rows) == ["one", "three", "two"]
    assert {row["name"] for row in rows} == {"one", "two", "three"}


def test_it_can_be_switched_off(rows: list[Any], calls: Calls) -> None:
    rows[0].session.load_rows_together = False
    for row in rows:
        row["description"]
    assert calls.actions == [["query"]] * 3


def test_nothing_is_loaded_where_the_session_does_not(rows: list[Any], calls: Calls) -> None:
    with rows[0].session.auto_populating(False):
        assert {row["description"] for row in rows} == {NOT_SET}
    assert calls.actions == []


def test_what_is_set_locally_stays(rows: list[Any]) -> None:
    rows[1]["description"] = "mine"
    rows[0]["description"]
    assert rows[1]["description"] == "mine"


def test_an_entity_of_no_result_is_loaded_alone(
    rows: list[Any], other_session: Session, shot: Any, calls: Calls
) -> None:
    found = other_session.get("Shot", shot["id"])
    calls.forget()
    found["bid"]
    assert calls.actions == [["query"]]
    with other_session.auto_populating(False):
        assert {row["bid"] for row in rows} == {NOT_SET}
