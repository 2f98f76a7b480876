"""Entities are printed as readable text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from ftrack_rs.formatter import FILTER
from ftrack_rs.formatter import format as format_entity
from ftrack_rs.symbol import NOT_SET


class Entity(dict):  # type: ignore[type-arg]
    """As much of an entity as printing looks at."""

    primary_key_attributes = ("id",)

    def __init__(self, entity_type: str, **values: Any) -> None:
        super().__init__(values)
        self.entity_type = entity_type


class Collection(list):  # type: ignore[type-arg]
    """As much of a collection as printing looks at."""

    attribute = "children"

    def __init__(self, items: Iterable[Any]) -> None:
        super().__init__(items)

    def __str__(self) -> str:
        return f"<{len(self)} items>"


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("ANSI_COLORS_DISABLED", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")


def test_attributes_are_sorted() -> None:
    task = Entity("Task", name="anim", id="1", bid=NOT_SET)
    assert format_entity(task) == "Task\n bid: NOT_SET\n id: 1\n name: anim"


def test_filter() -> None:
    task = Entity("Task", id="1", bid=NOT_SET)
    assert format_entity(task, attribute_filter=FILTER["ignore_unset"]) == "Task\n id: 1"


def test_references_are_indented_below_their_attribute() -> None:
    task = Entity("Task", id="1", parent=Entity("Shot", id="2", name="010"))
    assert format_entity(task).splitlines() == [
        "Task",
        " id: 1",
        " parent: Shot",
        "          id: 2",
        "          name: 010",
    ]


@pytest.mark.parametrize(
    ("recursive", "lines"),
    [
        (False, ["Shot", " children: <2 items>", " id: 1"]),
        (
            True,
            [
                "Shot",
                " children: Task",
                "            id: 2",
                "           Task",
                "            id: 3",
                " id: 1",
            ],
        ),
    ],
)
def test_collections(recursive: bool, lines: list[str]) -> None:
    children = Collection([Entity("Task", id="2"), Entity("Task", id="3")])
    shot = Entity("Shot", id="1", children=children)
    assert format_entity(shot, recursive=recursive).splitlines() == lines


def test_circles_end() -> None:
    shot = Entity("Shot", id="1")
    shot["task"] = Entity("Task", id="2", shot=shot)
    assert "shot: Shot{...}" in format_entity(shot)


@pytest.mark.parametrize(
    ("first", "text"), [(True, "    Task\n     id: 1"), (False, "Task\n     id: 1")]
)
def test_indent(first: bool, text: str) -> None:
    assert format_entity(Entity("Task", id="1"), indent=4, indent_first_line=first) == text


def test_formatters_are_the_callers() -> None:
    formatters = {"header": str.upper}
    text = format_entity(Entity("Task", id="1"), formatters={**formatters, "label": str.title})
    assert text == "TASK\n Id: 1"


def test_colours_can_be_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1m" in format_entity(Entity("Task", id="1"))
