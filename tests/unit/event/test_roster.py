"""However many subscribers there are, an event finds those that want it at that time."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

import pytest

from ftrack_rs.event.base import Event
from ftrack_rs.event.hub import Callback, EventHub
from ftrack_rs.event.subscriber import Subscriber
from ftrack_rs.event.subscription import Subscription


@pytest.fixture
def hub() -> EventHub:
    return EventHub("https://studio.ftrackapp.com", "jane", "secret-key")


def returning(value: Any) -> Callback:
    return lambda event: value


def publish(hub: EventHub, topic: str = "t", **data: Any) -> list[Any]:
    results: list[Any] = hub.publish(Event(topic, data=data), synchronous=True)
    return results


def subscriber(hub: EventHub, identifier: str) -> Subscriber:
    found = hub.get_subscriber_by_identifier(identifier)
    assert found is not None
    return found


def test_many_subscribers_of_many_kinds(hub: EventHub) -> None:
    for number in range(500):
        hub.subscribe(f"topic=t.{number % 50} and data.kind={number % 7}", returning(number))
        hub.subscribe(f"topic=t.{number % 50}* and not data.kind={number % 7}", returning(-number))
    expected = [
        sign * number
        for number in range(500)
        for sign, wants in (
            (1, number % 50 == 12 and number % 7 == 3),
            (-1, f"t.{number % 50}" in "t.12" and number % 7 != 3),
        )
        if wants
    ]
    assert publish(hub, "t.12", kind="3") == expected


def test_a_changed_priority_counts_from_the_next_event(hub: EventHub) -> None:
    first = hub.subscribe("topic=t", returning("first"))
    hub.subscribe("topic=t", returning("second"))
    assert publish(hub) == ["first", "second"]
    subscriber(hub, first).priority = 200
    assert publish(hub) == ["second", "first"]


def test_another_subscription_counts_from_the_next_event(hub: EventHub) -> None:
    identifier = hub.subscribe("topic=t", returning(1))
    assert publish(hub) == [1]
    subscriber(hub, identifier).subscription = Subscription("topic=other")
    assert publish(hub) == []
    assert publish(hub, "other") == [1]


def test_subscribers_may_be_removed_by_hand(hub: EventHub) -> None:
    first = hub.subscribe("topic=t", returning(1))
    hub.subscribe("topic=t", returning(2))
    assert publish(hub) == [1, 2]
    hub._subscribers.remove(subscriber(hub, first))
    assert publish(hub) == [2]


def test_a_callback_may_make_others_want_the_event(hub: EventHub) -> None:
    def approve(event: Event) -> None:
        event["data"]["approved"] = "yes"

    hub.subscribe("topic=t and data.approved=yes", returning("too early"), priority=1)
    hub.subscribe("topic=t and data.approved=no", approve, priority=2)
    hub.subscribe("topic=t and data.approved=no", returning("too late"), priority=3)
    hub.subscribe("topic=t and data.approved=yes", returning("approved"), priority=4)
    assert publish(hub, approved="no") == [None, "approved"]


def test_subclasses_decide_themselves(hub: EventHub) -> None:
    class Choosy(Subscriber):
        def interested_in(self, event: Any) -> bool:
            return bool(event["data"].get("good"))

    class Open(Subscription):
        def includes(self, event: Any) -> bool:
            return True

    hub.subscribe("topic=t", returning("plain"))
    hub._subscribers.append(Choosy("topic=never", returning("choosy"), {"id": "1"}, 100))
    subscriber(hub, hub.subscribe("topic=never", returning("open"))).subscription = Open("a=b")
    assert publish(hub) == ["plain", "open"]
    assert publish(hub, good=True) == ["plain", "choosy", "open"]


def test_a_value_that_fails_to_compare_concerns_only_who_asks(
    hub: EventHub, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def __eq__(self, other: object) -> bool:
            raise RuntimeError("cannot be compared")

    hub.subscribe("topic=t and data.value=1", returning("broken"))
    hub.subscribe("topic=t", returning("fine"))
    assert publish(hub, value=Broken()) == ["fine"]
    assert "cannot be compared" in caplog.text


def test_what_subscribers_ask_for_in_common_is_looked_up_once(hub: EventHub) -> None:
    class Counted(Event):
        looked_up: ClassVar[Counter[str]] = Counter()

        def __getitem__(self, key: str) -> Any:
            self.looked_up[key] += 1
            return super().__getitem__(key)

    class Version(str):
        compared: ClassVar[list[object]] = []

        def __ge__(self, other: object) -> bool:
            self.compared.append(other)
            return False

    for _ in range(100):
        hub.subscribe("topic=t and data.version>=2", returning("new"))
    event = Counted("t", data={"version": Version("1")})
    Counted.looked_up.clear()
    assert hub._handle(event, synchronous=True) == []
    assert Counted.looked_up["topic"] == Counted.looked_up["data"] == 1
    assert Version.compared == ["2"]
