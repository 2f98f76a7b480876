"""Workers handle events side by side, and those of one entity in their order."""

from __future__ import annotations

import _thread
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from ftrack_rs.event.base import Event
from ftrack_rs.event.hub import EventHub
from ftrack_rs.event.workers import Workers, entity_ids

# Seconds that anything may take; nothing takes as long.
PATIENCE = 20


@pytest.fixture
def hub() -> EventHub:
    """A hub that has received nothing yet, and is taken for connected."""
    hub = EventHub("http://localhost:8080", "jane", "secret-key")
    hub.init_connection()
    return hub


def update(number: int, *entities: str) -> Event:
    listed = [{"entityId": entity, "entityType": "task"} for entity in entities]
    return Event("ftrack.update", data={"entities": listed, "number": number})


def receive(hub: EventHub, *events: Event) -> None:
    """Let *hub* receive *events*, and then its end."""
    for event in (*events, Event("ftrack.meta.disconnected")):
        hub._event_queue.put(event)


def running() -> list[str]:
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("ftrack-event-worker")]


class Gate:
    """A callback that lets the test hold it up."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()
        self.numbers: list[int] = []

    def __call__(self, event: Event) -> None:
        self.entered.release()
        assert self.open.wait(PATIENCE)
        self.numbers.append(event["data"]["number"])


def in_background(function: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=function)
    thread.start()
    return thread


class TestOrder:
    def test_events_of_different_entities_are_handled_side_by_side(self, hub: EventHub) -> None:
        together = threading.Barrier(3)
        met: list[int] = []
        hub.subscribe("topic=ftrack.update", lambda event: met.append(together.wait(PATIENCE)))
        receive(hub, update(1, "a"), update(2, "b"), update(3, "c"))
        hub.wait(workers=3)
        assert sorted(met) == [0, 1, 2]

    def test_events_of_an_entity_are_handled_in_order(self, hub: EventHub) -> None:
        handled: dict[str, list[int]] = defaultdict(list)

        def handle(event: Event) -> None:
            for entity in event["data"]["entities"]:
                handled[entity["entityId"]].append(event["data"]["number"])

        hub.subscribe("topic=ftrack.update", handle)
        about = [{f"e{number % 7}", f"e{number % 3}", f"f{number % 11}"} for number in range(2000)]
        receive(hub, *(update(number, *entities) for number, entities in enumerate(about)))
        hub.wait(workers=8)
        for entity, numbers in handled.items():
            assert numbers == [n for n, entities in enumerate(about) if entity in entities]
        assert sum(map(len, handled.values())) == sum(map(len, about))

    def test_an_event_waits_for_all_of_its_entities(self, hub: EventHub) -> None:
        gate = Gate()
        hub.subscribe("topic=ftrack.update", gate)
        receive(hub, update(1, "a"), update(2, "b"), update(3, "a", "b"), update(4, "b"))
        waiting = in_background(lambda: hub.wait(workers=4))
        for _ in range(2):
            assert gate.entered.acquire(timeout=PATIENCE)
        assert not gate.entered.acquire(timeout=0.05)
        gate.open.set()
        waiting.join(PATIENCE)
        assert sorted(gate.numbers[:2]) == [1, 2]
        assert gate.numbers[2:] == [3, 4]

    def test_the_key_may_be_chosen(self, hub: EventHub) -> None:
        handled: list[int] = []
        hub.subscribe("topic=*", lambda event: handled.append(event["data"]["number"]))
        events = [Event(f"test.{n}", data={"number": n, "shot": "one"}) for n in range(200)]
        receive(hub, *events)
        hub.wait(workers=Workers(8, key=lambda event: event["data"]["shot"]))
        assert handled == list(range(200))

    def test_events_that_have_no_such_key_are_handled(self, hub: EventHub) -> None:
        handled: list[str] = []
        hub.subscribe("topic=test", lambda event: handled.append(event["id"]))
        events = [Event("test", data=data) for data in ({}, {"shot": {"not": "hashable"}})]
        receive(hub, *events)
        hub.wait(workers=Workers(2, key=lambda event: event["data"]["shot"]))
        assert handled == [event["id"] for event in events]

    @pytest.mark.parametrize(
        ("data", "keys"),
        [
            ({"entities": [{"entityId": "a"}, {"entityId": "b"}]}, ["a", "b"]),
            ({"entities": [{"entityType": "socialfeed"}]}, ["t"]),
            ({"entities": ["a", {"entityId": 5}]}, ["t"]),
            ({"entities": None}, ["t"]),
            (["a"], ["t"]),
        ],
    )
    def test_the_default_key_is_the_entity_or_else_the_topic(
        self, data: Any, keys: list[str]
    ) -> None:
        assert entity_ids(Event("t", data=data)) == keys


class TestWhatWaits:
    def test_is_bounded_by_waiting(self, hub: EventHub) -> None:
        gate = Gate()
        hub.subscribe("topic=ftrack.update", gate)
        receive(hub, *(update(number, "a") for number in range(10)))
        waiting = in_background(lambda: hub.wait(workers=Workers(1, capacity=2)))
        assert gate.entered.acquire(timeout=PATIENCE)
        # One runs, two wait for the thread, and one waits for room.
        while hub.health.queue_length > 7:
            threading.Event().wait(0.001)
        assert hub.health.queue_length == 7
        gate.open.set()
        waiting.join(PATIENCE)
        assert gate.numbers == list(range(10))
        assert hub.health.dropped == 0

    def test_is_bounded_by_dropping_the_oldest(
        self, hub: EventHub, caplog: pytest.LogCaptureFixture
    ) -> None:
        gate = Gate()
        hub.subscribe("topic=ftrack.update", gate)
        workers = Workers(1, capacity=2, when_full="drop_oldest")
        waiting = in_background(lambda: hub.wait(workers=workers))
        hub._event_queue.put(update(0, "a"))
        assert gate.entered.acquire(timeout=PATIENCE)
        receive(hub, *(update(number, "a", f"b{number % 2}") for number in range(1, 6)))
        while hub.health.dropped < 3:
            threading.Event().wait(0.001)
        gate.open.set()
        waiting.join(PATIENCE)
        assert gate.numbers == [0, 4, 5]
        warnings = [record.getMessage() for record in caplog.records]
        assert [text.rpartition(" ")[2] for text in warnings] == ["1.", "2.", "3."]

    @pytest.mark.parametrize("options", [{"count": 0}, {"capacity": 0}, {"when_full": "explode"}])
    def test_needs_workers_that_can_work(self, options: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"at least one|explode"):
            Workers(**{"count": 1, **options})

    @pytest.mark.parametrize("count", ["x", 2.5, True])
    def test_needs_to_know_how_many(self, hub: EventHub, count: Any) -> None:
        with pytest.raises(TypeError, match="Workers need a whole number for count, not"):
            hub.wait(workers=count)


class TestTheEnd:
    def test_comes_when_everything_is_handled(self, hub: EventHub) -> None:
        topics: list[str] = []
        hub.subscribe("topic=*", lambda event: topics.append(event["topic"]))
        receive(hub, *(Event(f"test.{n}") for n in range(100)))
        hub.wait(workers=4)
        assert sorted(topics[:-1]) == sorted(f"test.{n}" for n in range(100))
        assert topics[-1] == "ftrack.meta.disconnected"
        assert running() == []

    def test_comes_after_the_duration(self, hub: EventHub) -> None:
        hub.wait(duration=0, workers=2)
        assert running() == []

    def test_is_not_brought_by_callbacks_that_fail(
        self, hub: EventHub, caplog: pytest.LogCaptureFixture
    ) -> None:
        handled: list[int] = []
        hub.subscribe("topic=ftrack.update", lambda event: 1 / 0)
        hub.subscribe("topic=ftrack.update", lambda event: handled.append(1))
        receive(hub, update(1, "a"), update(2, "a"))
        hub.wait(workers=2)
        assert len(handled) == 2
        assert caplog.text.count("ZeroDivisionError") == 2

    @pytest.mark.parametrize("count", [1, 4])
    def test_is_brought_by_what_is_no_failure_of_a_callback(
        self, hub: EventHub, count: int
    ) -> None:
        def leave(event: Event) -> None:
            raise SystemExit(3)

        hub.subscribe("topic=ftrack.update", leave)
        hub._event_queue.put(update(1, "a"))
        with pytest.raises(SystemExit):
            hub.wait(workers=count)

    def test_comes_at_once_after_ctrl_c(self, hub: EventHub) -> None:
        gate = Gate()
        hub.subscribe("topic=ftrack.update", gate)
        receive(hub, *(update(number, "a") for number in range(10)))
        hub._event_queue.queue.pop()

        def interrupt() -> None:
            assert gate.entered.acquire(timeout=PATIENCE)
            _thread.interrupt_main()

        interrupting = in_background(interrupt)
        with pytest.raises(KeyboardInterrupt):
            hub.wait(workers=1)
        interrupting.join(PATIENCE)
        gate.open.set()
        for thread in threading.enumerate():
            if thread.name.startswith("ftrack-event-worker"):
                thread.join(PATIENCE)
        assert gate.numbers == [0]
