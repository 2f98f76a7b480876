"""Expressions are parsed by the grammar and compare with the operators of Python."""

from __future__ import annotations

import contextlib
import functools
import operator
import time
from typing import Any as AnyValue

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftrack_rs.event.base import Event
from ftrack_rs.event.expression import All, Any, Condition, Expression, Not, Parser
from ftrack_rs.event.subscriber import Subscriber
from ftrack_rs.event.subscription import Subscription
from ftrack_rs.exception import ParseError

parse = Parser().parse


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("a=1", "<Condition a=1>"),
        ("  a  !=  1  ", "<Condition a!=1>"),
        ("a>=1", "<Condition a>=1>"),
        ("a<=1", "<Condition a<=1>"),
        ("a>1", "<Condition a>1>"),
        ("a<1", "<Condition a<1>"),
        ("data.a_b.c=x-y_z,./*@+1", "<Condition data.a_b.c=x-y_z,./*@+1>"),
        ('a="b c"', "<Condition a=b c>"),
        ("a='b \"c\"'", '<Condition a=b "c">'),
        ('a=""', "<Condition a=>"),
        ('a="(not b) and c=d"', "<Condition a=(not b) and c=d>"),
        ('a="ü é"', "<Condition a=ü é>"),
        ("a=1 and b=2", "<All [<Condition a=1> <Condition b=2>]>"),
        ("a=1 AND b=2 And c=3", "<All [<Condition a=1> <Condition b=2> <Condition c=3>]>"),
        ("a=1 or b=2 OR c=3", "<Any [<Condition a=1> <Condition b=2> <Condition c=3>]>"),
        (
            "a=1 or b=2 and c=3",
            "<Any [<Condition a=1> <All [<Condition b=2> <Condition c=3>]>]>",
        ),
        (
            "(a=1 or b=2) and c=3",
            "<All [<Any [<Condition a=1> <Condition b=2>]> <Condition c=3>]>",
        ),
        ("not a=1", "<Not <Condition a=1>>"),
        ("not not a=1", "<Not <Not <Condition a=1>>>"),
        ("not a=1 and b=2", "<All [<Not <Condition a=1>> <Condition b=2>]>"),
        ("not (a=1 and b=2)", "<Not <All [<Condition a=1> <Condition b=2>]>>"),
        ("not(a=1)and(b=2)", "<All [<Not <Condition a=1>> <Condition b=2>]>"),
        ("((a=1))", "<Condition a=1>"),
        ("a=and and or=not", "<All [<Condition a=and> <Condition or=not>]>"),
        ("not=1", "<Condition not=1>"),
        ("nothing=1", "<Condition nothing=1>"),
        ("a=1\n  and b=2", "<All [<Condition a=1> <Condition b=2>]>"),
    ],
)
def test_grammar(text: str, parsed: str) -> None:
    assert str(parse(text)) == parsed


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 1),
        ("   ", 4),
        ("topic", 6),
        ("a=", 3),
        ("=1", 1),
        ("a==1", 3),
        ("a=1 b=2", 5),
        ("a=1 and", 8),
        ("a=1 andb=2", 5),
        ("a=1 or or b=2", 11),
        ("not", 4),
        ("(a=1", 5),
        ("a=1)", 4),
        ("()", 2),
        ('a="b', 3),
        ("a=b$", 4),
        ("a = {b}", 5),
    ],
)
def test_errors_say_where(text: str, column: int) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert f"(column {column} of `{text}`)" in str(caught.value)


@pytest.mark.parametrize("text", ["(" * 100_000, "not " * 100_000 + "a=1", "a=" + '"' * 99_999])
def test_absurd_text_is_an_error_and_no_crash(text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)


def test_time_grows_with_the_length() -> None:
    text = " and ".join(f'(not a{number}=1 or b="{"x" * 50}")' for number in range(5_000))
    started = time.process_time()
    parse(text)
    assert time.process_time() - started < 5


@given(st.text(alphabet="ab=!<>()\"' notdr.*", max_size=30))
def test_any_text_parses_or_is_a_parse_error(text: str) -> None:
    with contextlib.suppress(ParseError):
        parse(text).match({"a": "b"})


@functools.total_ordering
class Version:
    """Compares by number with text, as the versions in launcher events do."""

    def __init__(self, text: str) -> None:
        self._number = float(text)

    def __eq__(self, other: object) -> bool:
        return self._number == float(str(other))

    def __lt__(self, other: object) -> bool:
        return self._number < float(str(other))

    def __hash__(self) -> int:
        return hash(self._number)


CANDIDATE = Event(
    "ftrack.update",
    data={"type": "task", "count": 5, "version": Version("2021.5"), "none": None, "tags": ["x"]},
    source={"user": {"username": "jane"}},
)


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("topic=ftrack.update", True),
        ("topic=ftrack.updat", False),
        ("topic!=ftrack.update", False),
        ("topic=ftrack.*", True),
        ("topic=*", True),
        ("topic=update*", True),
        ("topic=x*", False),
        ("topic!=ftrack.*", True),
        ("data.type=task and source.user.username=jane", True),
        ("data.type=task and source.user.username=joe", False),
        ("data.type=shot or source.user.username=jane", True),
        ("not data.type=shot", True),
        ("data.missing=1", False),
        ("data.missing!=1", False),
        ("not data.missing=1", True),
        ("data.type.deeper=1", False),
        ("data.none=x*", False),
        ("data.tags=x*", True),
        ("data.count=5", False),
        ("data.count>=4", False),
        ("data.version>=2021", True),
        ("data.version>2021.5", False),
        ("data.version<2022 and data.version!=2020", True),
        ('data.type=""', False),
    ],
)
def test_match(text: str, matches: bool) -> None:
    assert parse(text).match(CANDIDATE) is matches
    assert Subscription(text).includes(CANDIDATE) is matches


@pytest.mark.parametrize(
    ("expression", "matches"),
    [
        (Expression(), True),
        (All(), True),
        (Any(), False),
        (All([Expression(), Not(Expression())]), False),
        (Any([Not(Expression()), Expression()]), True),
        (Condition("a", operator.eq, 1), True),
        (Condition("a", operator.eq, "1"), False),
        (Condition("a", operator.contains, 1), False),
    ],
)
def test_expressions_made_by_hand(expression: Expression, matches: bool) -> None:
    assert expression.match({"a": 1}) is matches


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (Expression(), "<Expression>"),
        (All([Expression()]), "<All [<Expression>]>"),
        (Any(), "<Any []>"),
        (Not(Expression()), "<Not <Expression>>"),
    ],
)
def test_text(expression: Expression, text: str) -> None:
    assert str(expression) == text


def test_subscriber_is_interested_in_what_its_subscription_includes() -> None:
    def callback(event: Event) -> AnyValue: ...

    subscriber = Subscriber("topic=ftrack.update", callback, {"id": "1"}, 10)
    assert subscriber.interested_in(CANDIDATE)
    assert not subscriber.interested_in(Event("other"))
    assert (subscriber.callback, subscriber.metadata, subscriber.priority) == (
        callback,
        {"id": "1"},
        10,
    )
    assert str(subscriber) == (
        "<Subscriber metadata={'id': '1'} subscription=\"topic=ftrack.update\">"
    )


def test_subscriptions_can_be_given_another_parser() -> None:
    class Everything:
        def parse(self, expression: str) -> Expression:
            return Expression()

    class Open(Subscription):
        parser = Everything()  # type: ignore[assignment]

    assert Open("whatever").includes({})
