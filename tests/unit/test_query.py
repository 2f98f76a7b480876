from __future__ import annotations

from typing import Any, Callable

import pytest

from call_log import Calls
from ftrack_rs import Session, exception
from ftrack_rs.query import QueryResult
from ftrack_rs.sandbox import Sandbox


class Pages:
    """Answers queries with numbers, as a session does with entities."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.asked: list[str] = []

    def _query(self, expression: str) -> tuple[list[int], dict[str, Any]]:
        self.asked.append(expression)
        words = expression.split()
        offset = int(words[words.index("offset") + 1]) if "offset" in words else 0
        end = min(self.total, offset + int(words[words.index("limit") + 1]))
        after = end if end < self.total else None
        return list(range(offset, end)), {"next": {"offset": after}}


def test_nothing_is_asked_before_it_is_looked_at() -> None:
    pages = Pages(12)
    result = QueryResult(pages, "select id from Task", page_size=5)
    assert pages.asked == []
    assert result[0] == 0
    assert pages.asked == ["select id from Task offset 0 limit 5"]
    assert result[7] == 7
    assert len(pages.asked) == 2
    assert len(result) == 12
    assert len(pages.asked) == 3
    assert list(result) == result.all() == list(range(12))
    assert len(pages.asked) == 3


def test_iterating_fetches_page_by_page() -> None:
    pages = Pages(12)
    iterator = iter(QueryResult(pages, "Task", page_size=5))
    assert [next(iterator) for _ in range(5)] == [0, 1, 2, 3, 4]
    assert len(pages.asked) == 1
    assert list(iterator) == list(range(5, 12))


@pytest.mark.parametrize(
    "look",
    [len, lambda result: result[7], lambda result: list(result), lambda result: result.all()],
    ids=["len", "ahead", "loop", "all"],
)
def test_a_loop_sees_every_row_whatever_it_looks_at(look: Callable[[QueryResult], Any]) -> None:
    result = QueryResult(Pages(12), "select id from Task", page_size=5)
    seen = []
    for row in result:
        seen.append(row)
        look(result)
    assert seen == list(range(12))


@pytest.mark.parametrize(
    ("expression", "expected", "asked"),
    [
        ("Task limit 3", [0, 1, 2], ["Task offset 0 limit 3"]),
        ("Task offset 9", [9, 10, 11], ["Task offset 9 limit 5"]),
        (
            "Task offset 2 limit 7",
            list(range(2, 9)),
            ["Task offset 2 limit 5", "Task offset 7 limit 5"],
        ),
        ("Task limit 100", list(range(12)), [f"Task offset {n} limit 5" for n in (0, 5, 10)]),
    ],
)
def test_limit_and_offset_hold_for_the_whole_result(
    expression: str, expected: list[int], asked: list[str]
) -> None:
    pages = Pages(12)
    assert QueryResult(pages, expression, page_size=5).all() == expected
    assert pages.asked == asked


def test_indexes_behave_as_scripts_expect() -> None:
    result = QueryResult(Pages(3), "Task")
    with pytest.raises(IndexError):
        result[-1]
    with pytest.raises(TypeError):
        result[:1]
    assert len(result) == 3
    assert result[-1] == 2
    assert result[:2] == [0, 1]
    with pytest.raises(IndexError):
        QueryResult(Pages(0), "Task")[0]
    assert not QueryResult(Pages(0), "Task")


def test_first_asks_for_one_and_asks_anew() -> None:
    pages = Pages(3)
    result = QueryResult(pages, "Task")
    assert result.first() == result.first() == 0
    assert pages.asked == ["Task limit 1"] * 2
    assert QueryResult(Pages(0), "Task").first() is None
    assert QueryResult(Pages(3), "Task offset 1").first() == 1


def test_one_is_strict() -> None:
    assert QueryResult(Pages(1), "Task").one() == 0
    with pytest.raises(exception.NoResultFoundError):
        QueryResult(Pages(0), "Task").one()
    with pytest.raises(exception.MultipleResultsFoundError):
        QueryResult(Pages(2), "Task").one()


@pytest.mark.parametrize("method", ["first", "one"])
def test_first_and_one_take_no_limit(method: str) -> None:
    with pytest.raises(ValueError, match="already contains a limit"):
        getattr(QueryResult(Pages(1), "Task limit 1"), method)()


def test_one_takes_no_offset() -> None:
    with pytest.raises(ValueError, match="offset clause"):
        QueryResult(Pages(1), "Task offset 1").one()


def test_pages_of_a_server(session: Session, calls: Calls) -> None:
    total = len(session.query("select id from Task").all())
    calls.forget()
    assert len(session.query("select id from Task", page_size=50)) == total
    assert len(calls.actions) == -(-total // 50)


def test_pages_go_on_after_one_that_failed(session: Session, sandbox: Sandbox) -> None:
    expected = session.query("select id from Task").all()
    result = session.query("select id from Task", page_size=50)
    assert result[0] is expected[0]
    sandbox.fault("api", status=400, action="query", count=1, skip=1)
    with pytest.raises(exception.ServerError):
        result.all()
    assert result.all() == expected


def test_a_replaced_query_sees_every_page(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    query = session._query

    def note(expression: str) -> Any:
        asked.append(expression)
        return query(expression)

    monkeypatch.setattr(session, "_query", note)
    total = len(session.query("select id from Task", page_size=50))
    assert len(asked) == -(-total // 50) > 1


def test_a_limit_holds_where_pages_are_read_ahead(session: Session, calls: Calls) -> None:
    result = session.query("select id from Task limit 70", page_size=50)
    assert len(result) == 70
    assert len(calls.actions) == 2
