"""The hub exchanges events over a server, and comes back whatever happens to the connection."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from event_hubs import PATIENCE, Connect, collect, handle_until, settle

from ftrack_rs import Session
from ftrack_rs.event.base import Event
from ftrack_rs.event.hub import EventHub
from ftrack_rs.exception import EventHubConnectionError
from ftrack_rs.sandbox import Sandbox


@pytest.fixture
def server() -> Iterator[Sandbox]:
    """A server of its own, for tests that break connections."""
    with Sandbox(seed="empty") as sandbox:
        yield sandbox


class TestEvents:
    def test_go_both_ways(self, connect: Connect, topic: str) -> None:
        one, two = connect(), connect()
        heard = {hub: collect(hub, topic) for hub in (one, two)}
        settle(one)
        settle(two)
        one.publish(Event(topic, data={"text": "grün"}))
        two.publish(Event(topic, data={"number": 2}))
        handle_until(lambda: all(len(data) == 2 for data in heard.values()), one, two)
        for data in heard.values():
            assert sorted(data, key=str) == [{"number": 2}, {"text": "grün"}]

    def test_come_in_order(self, connect: Connect, topic: str) -> None:
        hub = connect()
        heard = collect(hub, topic)
        for number in range(500):
            hub.publish(Event(topic, data={"number": number}))
        handle_until(lambda: len(heard) == 500, hub)
        assert [data["number"] for data in heard] == list(range(500))

    def test_are_replied_to(self, connect: Connect, topic: str) -> None:
        asking, answering = connect(), connect()
        answering.subscribe(f"topic={topic}", lambda event: {"answer": event["data"]["question"]})
        settle(answering)
        replies: list[Event] = []
        event = Event(topic, data={"question": 42})
        asking.publish(event, on_reply=replies.append)
        handle_until(lambda: replies, asking, answering)
        assert replies[0]["data"] == {"answer": 42}
        assert replies[0]["in_reply_to_event"] == event["id"]

    def test_are_not_heard_after_unsubscribing(self, connect: Connect, topic: str) -> None:
        hub = connect()
        heard: list[Event] = []
        hub.unsubscribe(hub.subscribe(f"topic={topic}", heard.append))
        hub.publish(Event(topic))
        settle(hub)
        assert heard == []

    def test_may_be_published_again(self, connect: Connect, topic: str) -> None:
        hub = connect()
        heard = collect(hub, topic)
        event = Event(topic)
        for _ in range(3):
            hub.publish(event)
        settle(hub)
        assert len(heard) == 3

    def test_of_the_server_are_heard(self, sandbox: Sandbox, session: Session) -> None:
        updates: list[Event] = []
        name = f"test_{uuid.uuid4().hex}"
        with sandbox.session(auto_connect_event_hub=True) as listening:
            listening._auto_connect_event_hub_thread.join(PATIENCE)
            hub = listening.event_hub
            hub.subscribe("topic=ftrack.update", updates.append)
            settle(hub)
            task = session.create("Task", {"name": name, "parent": session.query("Shot").first()})
            session.commit()
            handle_until(lambda: any(task["id"] in str(event) for event in updates), hub)
        assert hub.health.state == "disconnected"

    def test_are_called_by_who_waits(self, connect: Connect, topic: str) -> None:
        hub, threads = connect(), list[threading.Thread]()
        hub.subscribe(f"topic={topic}", lambda event: threads.append(threading.current_thread()))
        waiting = threading.Thread(target=hub.wait)
        waiting.start()
        hub.publish(Event(topic))
        end = time.monotonic() + PATIENCE
        while not threads and time.monotonic() < end:
            threading.Event().wait(0.01)
        hub.disconnect()
        waiting.join(PATIENCE)
        assert threads == [waiting]
        assert not waiting.is_alive()


class TestManyHubs:
    def test_take_no_threads_of_their_own(self, connect: Connect, topic: str) -> None:
        hubs = [connect() for _ in range(20)]
        heard = [collect(hub, topic) for hub in hubs]
        for hub in hubs:
            settle(hub)
        before = threading.active_count()
        threads = len(os.listdir("/proc/self/task")) if sys.platform == "linux" else 0
        hubs += [connect() for _ in range(20)]
        assert threading.active_count() == before
        if threads:
            # Those of the runtime come and go as there is something to do.
            assert len(os.listdir("/proc/self/task")) < threads + 20
        hubs[0].publish(Event(topic, data={"number": 1}))
        handle_until(lambda: all(heard), *hubs[:20])
        assert heard == [[{"number": 1}]] * 20


class TestConnecting:
    def test_twice_is_an_error(self, connect: Connect) -> None:
        with pytest.raises(EventHubConnectionError, match="Already connected"):
            connect().connect()

    def test_is_told_of(self, connect: Connect) -> None:
        hub, topics = connect(), list[str]()
        hub.subscribe("topic=ftrack.meta.*", lambda event: topics.append(event["topic"]))
        handle_until(lambda: "ftrack.meta.connected" in topics, hub)

    def test_sends_what_was_published_before(
        self, connect: Connect, sandbox: Sandbox, topic: str
    ) -> None:
        heard = collect(listening := connect(), topic)
        settle(listening)
        hub = EventHub(sandbox.url, sandbox.api_user, sandbox.api_key)
        hub.init_connection()
        replies: list[Event] = []
        listening.subscribe(f"topic={topic}", lambda event: "reply")
        for number in range(3):
            assert hub.publish(Event(topic, data={"number": number}), on_reply=replies.append)
        hub.connect()
        handle_until(lambda: len(heard) == len(replies) == 3, listening, hub)
        assert [data["number"] for data in heard] == [0, 1, 2]
        hub.disconnect()

    def test_needs_the_right_key(self, sandbox: Sandbox) -> None:
        hub = EventHub(sandbox.url, sandbox.api_user, "wrong-key")
        with pytest.raises(EventHubConnectionError, match="refused the credentials") as caught:
            hub.connect()
        assert "wrong-key" not in str(caught.value)
        assert (hub.connected, hub.health.state) == (False, "disconnected")

    @pytest.mark.parametrize("attempts", [None, 2])
    def test_needs_a_server(self, attempts: int | None) -> None:
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        hub = EventHub(f"http://127.0.0.1:{port}", "jane", "secret-key")
        with pytest.raises(EventHubConnectionError, match=f"127.0.0.1:{port}"):
            hub.reconnect(attempts, delay=0) if attempts else hub.connect()
        assert hub.health.state == "disconnected"

    def test_can_be_given_up(self, sandbox: Sandbox) -> None:
        # A server that accepts connections and says nothing.
        with socket.create_server(("127.0.0.1", 0)) as silent:
            hub = EventHub(f"http://127.0.0.1:{silent.getsockname()[1]}", "jane", "key")
            connecting = threading.Thread(target=hub.connect)
            connecting.start()
            accepted, _ = silent.accept()
            with accepted:
                hub.disconnect()
                connecting.join(PATIENCE)
            assert not connecting.is_alive()
        assert not hub.connected

    def test_leaves_logging_alone(self, connect: Connect) -> None:
        hub = connect()
        logging.disable(logging.DEBUG)
        try:
            hub.reconnect()
            assert logging.root.manager.disable == logging.DEBUG
        finally:
            logging.disable(logging.NOTSET)


class TestDisconnecting:
    def test_ends_waiting(self, connect: Connect) -> None:
        hub = connect()
        waiting = threading.Thread(target=hub.wait)
        waiting.start()
        hub.disconnect()
        waiting.join(PATIENCE)
        assert (waiting.is_alive(), hub.connected) == (False, False)

    def test_may_happen_in_a_callback(self, connect: Connect, topic: str) -> None:
        hub = connect()
        hub.subscribe(f"topic={topic}", lambda event: hub.disconnect())
        hub.publish(Event(topic))
        hub.wait()
        assert not hub.connected

    def test_drops_subscribers_if_asked_to(self, connect: Connect, topic: str) -> None:
        hub = connect()
        heard = collect(hub, topic)
        hub.disconnect(unsubscribe=False)
        hub.connect()
        hub.publish(Event(topic))
        handle_until(lambda: heard, hub)
        hub.disconnect()
        assert hub.publish(Event(topic), synchronous=True) == []

    def test_sends_first_what_was_published(self, connect: Connect, topic: str) -> None:
        listening = connect()
        heard = collect(listening, topic)
        settle(listening)
        hub = connect()
        for number in range(1000):
            hub.publish(Event(topic, data={"number": number}))
        hub.disconnect()
        handle_until(lambda: len(heard) == 1000, listening)

    def test_twice_is_an_error(self, connect: Connect) -> None:
        hub = connect()
        hub.disconnect()
        with pytest.raises(EventHubConnectionError, match="Not currently connected"):
            hub.disconnect()


class TestReconnecting:
    def test_keeps_subscribers(self, connect: Connect, topic: str) -> None:
        hub = connect()
        heard = collect(hub, topic)
        hub.reconnect()
        hub.publish(Event(topic))
        handle_until(lambda: heard, hub)

    def test_happens_by_itself_and_loses_nothing(
        self, connect: Connect, server: Sandbox, topic: str
    ) -> None:
        hub = connect(server=server)
        heard = collect(hub, topic)
        topics: list[str] = []
        hub.subscribe("topic=ftrack.meta.*", lambda event: topics.append(event["topic"]))
        settle(hub)
        for number in range(300):
            if number % 100 == 50:
                server.fault("events", "drop_connections", count=1)
            hub.publish(Event(topic, data={"number": number}))
            if number % 10 == 0:
                hub.wait(duration=0)
        handle_until(lambda: len(heard) >= 300 and hub.health.reconnects, hub)
        settle(hub)
        assert sorted(data["number"] for data in heard) == list(range(300))
        handle_until(lambda: "ftrack.meta.gap" in topics, hub)
        assert "ftrack.meta.disconnected" not in topics

    def test_goes_on_until_the_server_is_back(
        self, connect: Connect, topic: str, tmp_path: Path
    ) -> None:
        first = Sandbox(tmp_path, seed="empty")
        port = int(first.url.rsplit(":", 1)[1])
        hub = connect(server=first)
        heard = collect(hub, topic)
        settle(hub)
        first.stop()
        handle_until(lambda: not hub.connected, hub)
        assert hub.publish(Event(topic, data={"queued": True})) is True
        assert hub.health.state == "reconnecting"
        with Sandbox(tmp_path, port):
            handle_until(lambda: heard, hub)
            assert heard == [{"queued": True}]
            assert hub.health.reconnects == 1
            hub.disconnect()

    def test_delivers_everything_once_although_the_server_restarts(
        self, connect: Connect, topic: str, tmp_path: Path
    ) -> None:
        server = Sandbox(tmp_path, seed="empty")
        port = int(server.url.rsplit(":", 1)[1])
        hub = connect(server=server)
        heard = collect(hub, topic)
        for number in range(1000):
            hub.publish(Event(topic, data={"number": number}))
            if number % 100 == 50:
                server.stop()
                server = Sandbox(tmp_path, port)
        handle_until(lambda: len(heard) >= 1000, hub)
        settle(hub)
        assert [data["number"] for data in heard] == list(range(1000))
        hub.disconnect()
        server.stop()

    def test_can_be_given_up(self, connect: Connect) -> None:
        with Sandbox(seed="empty") as server:
            hub = connect(server=server)
        waiting = threading.Thread(target=hub.wait)
        waiting.start()
        handle_until(lambda: not hub.connected, hub)
        hub.disconnect()
        waiting.join(PATIENCE)
        assert not waiting.is_alive()


class TestHealth:
    def test_tells_of_state_and_events(self, connect: Connect, topic: str) -> None:
        hub = connect()
        collect(hub, topic)
        assert (hub.health.state, hub.health.reconnects) == ("connected", 0)
        settle(hub)
        hub.publish(Event(topic))
        end = time.monotonic() + PATIENCE
        while not hub.health.queue_length and time.monotonic() < end:
            threading.Event().wait(0.01)
        assert hub.health.queue_length == 1
        assert hub.health.last_event is not None
        hub.disconnect()
        assert hub.health.state == "disconnected"


class TestSubclasses:
    def test_see_packets_before_they_are_handled(self, connect: Connect, topic: str) -> None:
        class FilteringHub(EventHub):
            """Takes no events from the server, but others from elsewhere."""

            kinds: set[str]

            def __init__(self, *args: Any) -> None:
                super().__init__(*args)
                self.kinds = set()
                self.stopped = False

            def _handle_packet(self, code: str, identifier: str, path: str, data: str) -> None:
                kind = self._code_name_mapping[code]
                self.kinds.add(kind)
                if kind != "event":
                    super()._handle_packet(code, identifier, path, data)

            def wait(self, duration: float | None = None) -> None:
                while self.connected:
                    event = self._event_queue.get(timeout=PATIENCE)
                    self._handle(event)
                    if event["topic"] in ("ftrack.meta.disconnected", topic):
                        return

        hub = connect(FilteringHub)
        heard = collect(hub, topic)
        hub.publish(Event(topic, data={"from": "server"}))
        hub._event_queue.put(Event(topic, data={"from": "elsewhere"}))
        hub.wait()
        assert heard == [{"from": "elsewhere"}]
        assert isinstance(hub, FilteringHub)
        end = time.monotonic() + PATIENCE
        while hub.kinds < {"connect", "acknowledge", "event", "heartbeat"}:
            assert time.monotonic() < end
            threading.Event().wait(0.01)

    def test_may_answer_heartbeats(self, connect: Connect) -> None:
        beaten = threading.Event()

        class BeatingHub(EventHub):
            """Shows somebody that it is alive before it shows the server."""

            def _handle_packet(self, code: str, identifier: str, path: str, data: str) -> None:
                if self._code_name_mapping[code] == "heartbeat":
                    self._send_packet(self._code_name_mapping["heartbeat"])
                    beaten.set()
                else:
                    super()._handle_packet(code, identifier, path, data)

        hub = connect(BeatingHub)
        assert beaten.wait(PATIENCE)
        assert hub.connected


PROGRAM_THAT_LEAVES = """
import sys
from ftrack_rs.event.base import Event
from ftrack_rs.event.hub import EventHub

hub = EventHub(*sys.argv[1:])
hub.subscribe("topic=test", print)
hub.connect()
for _ in range(1000):
    hub.publish(Event("test"))
"""


def test_a_process_may_end_while_events_come(sandbox: Sandbox) -> None:
    for _ in range(3):
        finished = subprocess.run(
            [
                sys.executable,
                "-c",
                PROGRAM_THAT_LEAVES,
                sandbox.url,
                sandbox.api_user,
                sandbox.api_key,
            ],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
