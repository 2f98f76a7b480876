"""Whatever goes wrong on the way, subscribers stay, and everything comes once."""

from __future__ import annotations

import ctypes
import logging
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
from event_hubs import PATIENCE, Connect, collect, handle_until, settle

from ftrack_rs.event.base import Event
from ftrack_rs.event.hub import EventHub
from ftrack_rs.exception import EventHubConnectionError
from ftrack_rs.sandbox import Sandbox


@pytest.fixture
def server() -> Iterator[Sandbox]:
    """A server with quick heartbeats, which gives clients up that are silent for a second.

    It announces that second, so that clients do the same with it.
    """
    with Sandbox(seed="empty", heartbeat=0.1, heartbeat_timeout=1) as sandbox:
        yield sandbox


def numbers(collected: list[Any]) -> list[int]:
    return [data["number"] for data in collected]


def set_faults(server: Sandbox, faults: list[str]) -> None:
    for fault in faults:
        server.fault(fault)


def come_back(hub: EventHub, server: Sandbox, reconnects: int = 0) -> None:
    """Wait until *hub* has noticed that its connection is broken and has made another."""
    handle_until(lambda: not hub.connected or hub.health.reconnects > reconnects, hub)
    server.clear_faults()
    handle_until(lambda: hub.health.reconnects > reconnects, hub)


#: What goes wrong while a hub connects; the last handshake of each is the one that succeeds.
HANDSHAKES: dict[str, list[str]] = {
    "refused": ["handshake:refuse:count=3"],
    "reset before the answer": ["handshake:reset=before:count=3"],
    "reset in the answer": ["handshake:reset=middle:count=3"],
    "answer cut off": ["handshake:truncate:count=3"],
    "answer lost": ["handshake:lost_answer:count=3"],
    "server busy": ["handshake:status=503:count=3"],
    "an error of the server": ["handshake:error_body:count=3"],
    "websocket refused": ["events:refuse:count=3"],
    "websocket answer lost": ["events:lost_answer:count=3"],
    "no websocket": ["events:status=502:count=3"],
    "one after another": ["handshake:refuse:count=1", "events:refuse:count=1"],
}


@pytest.mark.parametrize("faults", HANDSHAKES.values(), ids=HANDSHAKES)
class TestHandshakesThatFail:
    def test_are_told_of_when_connecting(self, server: Sandbox, faults: list[str]) -> None:
        server.fault(faults[0])
        hub = EventHub(server.url, server.api_user, server.api_key)
        with pytest.raises(EventHubConnectionError) as caught:
            hub.connect()
        assert server.url in str(caught.value)
        assert server.api_key not in str(caught.value)
        assert hub.health.state == "disconnected"

    def test_are_tried_again_when_reconnecting(
        self, connect: Connect, server: Sandbox, topic: str, faults: list[str]
    ) -> None:
        hub = connect(server=server)
        heard = collect(hub, topic)
        settle(hub)
        set_faults(server, faults)
        server.fault("events", "drop_connections")
        handle_until(lambda: hub.health.reconnects, hub)
        for number in range(5):
            hub.publish(Event(topic, data={"number": number}))
        settle(hub)
        assert numbers(heard) == list(range(5))
        assert hub.health.reconnects == 1
        assert all(status["fired"] for status in server.faults()[: len(faults)])


def test_a_lost_connection_is_told_and_that_it_is_back(
    connect: Connect, server: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    hub = connect(server=server)
    settle(hub)
    with caplog.at_level(logging.INFO, "ftrack_api.event"):
        server.fault("events", "drop_connections")
        handle_until(lambda: hub.health.reconnects, hub)
    told = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert told == [
        ("WARNING", f"Lost the connection to the event server at {server.url}; connecting again."),
        ("INFO", f"Connected to {server.url} again."),
    ]


#: What happens to open connections. A server that is gone lets nobody connect either.
BREAKS = {
    "dropped": ["events:drop_connections"],
    "cut in a packet": ["events:cut_packet"],
    "gone dark": ["events:silence", "handshake:refuse"],
}


@pytest.mark.parametrize("faults", BREAKS.values(), ids=BREAKS)
class TestBrokenConnections:
    def test_keep_subscribers(
        self,
        connect: Connect,
        server: Sandbox,
        topic: str,
        faults: list[str],
    ) -> None:
        hub = connect(server=server)
        heard = collect(hub, topic)
        settle(hub)
        set_faults(server, faults)
        come_back(hub, server)
        hub.publish(Event(topic, data={"number": 1}))
        settle(hub)
        assert numbers(heard) == [1]

    def test_lose_and_repeat_nothing_that_was_published(
        self,
        connect: Connect,
        server: Sandbox,
        topic: str,
        faults: list[str],
    ) -> None:
        hub = connect(server=server)
        heard, replies = collect(hub, topic), list[Event]()
        hub.subscribe(f"topic={topic}.question", lambda event: event["data"]["number"])
        for number in range(1, 101):
            if number % 40 == 15:
                # Faults are for connections that the server knows of.
                settle(hub)
            if number % 40 == 25:
                reconnects = hub.health.reconnects
                set_faults(server, faults)
            hub.publish(Event(topic, data={"number": number}))
            question = Event(f"{topic}.question", data={"number": number})
            hub.publish(question, on_reply=replies.append)
            if number % 40 == 35:
                come_back(hub, server, reconnects)
        handle_until(lambda: len(replies) >= 100, hub)
        settle(hub)
        assert numbers(heard) == list(range(1, 101))
        assert sorted(reply["data"] for reply in replies) == list(range(1, 101))

    def test_tell_of_the_gap(
        self,
        connect: Connect,
        server: Sandbox,
        faults: list[str],
    ) -> None:
        hub, gaps = connect(server=server), list[Event]()
        hub.subscribe("topic=ftrack.meta.gap", gaps.append)
        settle(hub)
        before = datetime.now(timezone.utc)
        set_faults(server, faults)
        come_back(hub, server)
        handle_until(lambda: gaps, hub)
        start, end = (datetime.fromisoformat(gaps[0]["data"][name]) for name in ("start", "end"))
        # The last sign of life may have come before.
        assert (before - start).total_seconds() < 5
        assert before <= end <= datetime.now(timezone.utc)
        assert start <= end


class TestWaits:
    def test_settle_when_the_server_never_answers(self, server: Sandbox) -> None:
        server.fault("handshake", "black_hole")
        hub = EventHub(server.url, server.api_user, server.api_key)
        connecting = threading.Thread(target=hub.connect)
        connecting.start()
        while not server.faults()[0]["fired"]:
            threading.Event().wait(0.01)
        hub.disconnect()
        connecting.join(PATIENCE)
        assert not connecting.is_alive()

    def test_settle_when_the_server_goes_while_a_hub_comes_back(
        self, connect: Connect, server: Sandbox
    ) -> None:
        hub = connect(server=server)
        settle(hub)
        server.fault("handshake", "black_hole")
        server.fault("events", "drop_connections")
        waiting = threading.Thread(target=hub.wait)
        waiting.start()
        while not server.faults()[0]["fired"]:
            threading.Event().wait(0.01)
        hub.disconnect()
        waiting.join(PATIENCE)
        assert not waiting.is_alive()


class TestHeartbeats:
    def test_are_answered_while_a_callback_keeps_python_to_itself(
        self, connect: Connect, server: Sandbox, topic: str
    ) -> None:
        # Called through PyDLL, which does not let go of the interpreter.
        sleep = ctypes.PyDLL(None).usleep
        hub, took = connect(server=server), list[float]()

        def hold(event: Event) -> None:
            started = time.monotonic()
            # Longer than the server puts up with silence: usleep takes less than a second.
            for _ in range(2):
                sleep(ctypes.c_uint(900_000))
            took.append(time.monotonic() - started)

        hub.subscribe(f"topic={topic}", hold)
        hub.publish(Event(topic))
        handle_until(lambda: took, hub)
        settle(hub)
        assert took[0] > 1.5
        assert (hub.connected, hub.health.reconnects) == (True, 0)
