"""The hub calls who is subscribed, and says clearly what needs a connection."""

from __future__ import annotations

import json
import logging
import threading
from typing import Any

import pytest

from ftrack_rs.event import delivery, link
from ftrack_rs.event.base import Event
from ftrack_rs.event.hub import Callback, EventHub, ServerDetails, SocketIoSession
from ftrack_rs.exception import (
    EventHubConnectionError,
    NotFoundError,
    NotUniqueError,
    ParseError,
)


@pytest.fixture
def hub() -> EventHub:
    return EventHub("https://studio.ftrackapp.com", "jane", "secret-key")


def returning(value: Any) -> Callback:
    """Return a callback that returns *value*."""
    return lambda event: value


class ConnectedHub(EventHub):
    """A hub whose wire is a list."""

    def __init__(self) -> None:
        super().__init__("http://localhost:8080", "jane", "secret-key")
        self.wire: list[str] = []
        self.broken = False

    @property
    def connected(self) -> bool:
        return True

    def _transmit(self, packet: str) -> None:
        if self.broken:
            raise EventHubConnectionError
        self.wire.append(packet)

    def sent_events(self) -> list[dict[str, Any]]:
        return [json.loads(packet.split(":", 3)[3])["args"][0] for packet in self.wire]

    def acknowledge(self, packet: str, response: dict[str, Any]) -> None:
        identifier = packet.split(":")[1].rstrip("+")
        self._handle_packet("6", "", "", f"{identifier}+{json.dumps([response])}")


@pytest.mark.parametrize(
    ("url", "server", "location", "secure"),
    [
        ("https://a.b.c", ServerDetails("https", "a.b.c", None), "a.b.c", True),
        ("http://a.b:8080/x?y", ServerDetails("http", "a.b", 8080), "a.b:8080", False),
    ],
)
def test_server(url: str, server: ServerDetails, location: str, secure: bool) -> None:
    hub = EventHub(url, "user", "key")
    assert (hub.server, hub.secure, hub.connected) == (server, secure, False)
    assert hub.get_network_location() == location
    assert hub.get_server_url() == f"{server.scheme}://{location}"


@pytest.mark.parametrize(("url", "missing"), [("studio.com", "scheme"), ("http://", "host")])
def test_server_url_has_to_be_complete(url: str, missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        EventHub(url, "user", "key")


@pytest.mark.parametrize("name", ["headers", "cookies"])
def test_headers_and_cookies_are_mappings(name: str) -> None:
    EventHub("http://a", "user", "key", **{name: {"a": "b"}})
    with pytest.raises(TypeError, match=name):
        EventHub("http://a", "user", "key", **{name: ["a"]})  # type: ignore[arg-type]


def test_loggers_are_below_ftrack_api() -> None:
    assert ConnectedHub().logger.name == "ftrack_api.event.hub.ConnectedHub"


def test_handshake_has_named_parts() -> None:
    assert SocketIoSession("1", "30", ["websocket"]).supportedTransports == ["websocket"]


class TestSynchronousEvents:
    def test_callbacks_are_called_in_order_of_priority(self, hub: EventHub) -> None:
        for name, priority in [("c", 100), ("d", 100), ("a", -5), ("b", 99.5)]:
            hub.subscribe("topic=t", returning(name), priority=priority)
        assert hub.publish(Event("t"), synchronous=True) == ["a", "b", "c", "d"]

    def test_results_hold_none(self, hub: EventHub) -> None:
        hub.subscribe("topic=t", returning(None))
        assert hub.publish(Event("t"), synchronous=True) == [None]

    def test_nobody_subscribed(self, hub: EventHub) -> None:
        hub.subscribe("topic=other", returning(1))
        assert hub.publish(Event("t"), synchronous=True) == []

    def test_stop_keeps_the_event_from_later_callbacks(self, hub: EventHub) -> None:
        hub.subscribe("topic=t", lambda event: event.stop(), priority=1)
        hub.subscribe("topic=t", returning(2), priority=2)
        assert hub.publish(Event("t"), synchronous=True) == [None]

    def test_callbacks_share_the_event(self, hub: EventHub) -> None:
        data = {"values": [object()]}
        hub.subscribe("topic=t", lambda event: event["data"]["values"].append("x"))
        hub.subscribe("topic=t", lambda event: event["data"] is data)
        assert hub.publish(Event("t", data=data), synchronous=True) == [None, True]
        assert data["values"][1] == "x"

    def test_a_failing_callback_is_logged_and_passed_over(
        self, hub: EventHub, caplog: pytest.LogCaptureFixture
    ) -> None:
        hub.subscribe("topic=t", lambda event: 1 / 0)
        hub.subscribe("topic=t", returning(2))
        assert hub.publish(Event("t"), synchronous=True) == [2]
        assert "ZeroDivisionError" in caplog.text
        assert {record.name for record in caplog.records} == {"ftrack_api.event.hub.EventHub"}

    def test_a_failing_callback_may_have_stopped_the_event(self, hub: EventHub) -> None:
        def stop_and_fail(event: Event) -> None:
            event.stop()
            raise ZeroDivisionError

        hub.subscribe("topic=t", stop_and_fail)
        hub.subscribe("topic=t", returning(2))
        assert hub.publish(Event("t"), synchronous=True) == []

    def test_the_source_is_filled_in(self, hub: EventHub) -> None:
        event = Event("t", source={"user": {"username": "joe"}})
        hub.publish(event, synchronous=True)
        assert event["source"]["id"] == hub.id
        assert event["source"]["user"] == {"username": "joe"}
        assert event["source"]["host"]

    @pytest.mark.parametrize(("target", "results"), [("id=a", ["a"]), ("", ["a", "b"]), ("(", [])])
    def test_targets_pick_subscribers(self, hub: EventHub, target: str, results: list[str]) -> None:
        for name in "ab":
            hub.subscribe("topic=t", returning(name), subscriber={"id": name})
        assert hub.publish(Event("t", target=target), synchronous=True) == results

    def test_callbacks_may_publish_and_subscribe(self, hub: EventHub) -> None:
        def outer(event: Event) -> Any:
            hub.subscribe("topic=inner", lambda event: "new")
            return hub.publish(Event("inner"), synchronous=True)

        hub.subscribe("topic=outer", outer)
        assert hub.publish(Event("outer"), synchronous=True) == [["new"]]

    def test_replies_are_not_sent(self) -> None:
        hub = ConnectedHub()
        hub._add_subscriber("topic=t", lambda event: "reply")
        hub.publish(Event("t"), synchronous=True)
        assert hub.wire == []


class TestSubscribers:
    def test_are_found_by_their_identifier(self, hub: EventHub) -> None:
        identifier = hub.subscribe("topic=t", print)
        found = hub.get_subscriber_by_identifier(identifier)
        assert found is not None
        assert (found.metadata["id"], found.callback) == (identifier, print)
        assert hub.get_subscriber_by_identifier("other") is None

    def test_have_the_identifier_given(self, hub: EventHub) -> None:
        assert hub.subscribe("topic=t", print, subscriber={"id": "me", "x": 1}) == "me"

    def test_are_unique(self, hub: EventHub) -> None:
        hub.subscribe("topic=t", print, subscriber={"id": "me"})
        with pytest.raises(NotUniqueError, match="me"):
            hub.subscribe("topic=u", print, subscriber={"id": "me"})

    def test_need_a_valid_subscription(self, hub: EventHub) -> None:
        with pytest.raises(ParseError, match="topic"):
            hub.subscribe("topic", print)

    def test_can_unsubscribe(self, hub: EventHub) -> None:
        identifier = hub.subscribe("topic=t", returning(1))
        hub.unsubscribe(identifier)
        assert hub.publish(Event("t"), synchronous=True) == []
        with pytest.raises(NotFoundError, match=identifier):
            hub.unsubscribe(identifier)

    def test_can_subscribe_for_a_block(self, hub: EventHub) -> None:
        with hub.subscription("topic=t", returning(1)) as identifier:
            assert hub.get_subscriber_by_identifier(identifier)
            assert hub.publish(Event("t"), synchronous=True) == [1]
        assert hub.publish(Event("t"), synchronous=True) == []

    def test_may_come_from_several_threads(self, hub: EventHub) -> None:
        def subscribe() -> None:
            for _ in range(50):
                hub.subscribe("topic=t", returning(1))

        threads = [threading.Thread(target=subscribe) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(hub.publish(Event("t"), synchronous=True)) == 200


class TestWithoutConnection:
    def test_cannot_wait(self, hub: EventHub) -> None:
        with pytest.raises(EventHubConnectionError, match="only synchronous events") as caught:
            hub.wait()
        assert "https://studio.ftrackapp.com" in str(caught.value)
        assert "secret-key" not in str(caught.value)

    def test_cannot_disconnect(self, hub: EventHub) -> None:
        with pytest.raises(EventHubConnectionError, match="Not currently connected"):
            hub.disconnect()

    def test_events_cannot_be_sent(self, hub: EventHub) -> None:
        with pytest.raises(EventHubConnectionError, match="not connected to server"):
            hub.publish(Event("ftrack.test"))
        assert hub.publish(Event("ftrack.test"), on_error="ignore") is None

    def test_replies_cannot_be_sent(self, hub: EventHub) -> None:
        with pytest.raises(EventHubConnectionError):
            hub.publish_reply(Event("t", source={"id": "x"}), data={})

    def test_events_are_queued_once_a_connection_is_announced(self, hub: EventHub) -> None:
        hub.init_connection()
        assert hub.publish(Event("t")) is True
        assert hub._event_send_queue.qsize() == 1

    def test_packets_cannot_be_sent(self, hub: EventHub) -> None:
        with pytest.raises(EventHubConnectionError):
            hub._send_packet("2")


class TestPackets:
    def test_codes_have_names_and_names_codes(self, hub: EventHub) -> None:
        assert hub._code_name_mapping["2"] == "heartbeat"
        assert hub._code_name_mapping["heartbeat"] == "2"

    def test_an_event_is_sent(self) -> None:
        hub = ConnectedHub()
        hub.publish(Event("t", id="1", data={"text": "grün"}, in_reply_to_event="0"))
        (packet,) = hub.wire
        assert packet.startswith("5:1+::{")
        (event,) = hub.sent_events()
        assert (event["topic"], event["data"], event["inReplyToEvent"]) == (
            "t",
            {"text": "grün"},
            "0",
        )
        assert "in_reply_to_event" not in event

    def test_subscribers_are_announced(self) -> None:
        hub = ConnectedHub()
        hub.unsubscribe(hub.subscribe("topic=t", print, {"id": "me"}))
        subscribe, unsubscribe = hub.sent_events()
        assert subscribe["topic"] == "ftrack.meta.subscribe"
        assert subscribe["data"] == {"subscriber": {"id": "me"}, "subscription": "topic=t"}
        assert unsubscribe["topic"] == "ftrack.meta.unsubscribe"

    @pytest.mark.parametrize("send", ["publish", "subscribe"])
    def test_refusals_are_logged(self, caplog: pytest.LogCaptureFixture, send: str) -> None:
        hub = ConnectedHub()
        if send == "publish":
            hub.publish(Event("t"))
        else:
            hub.subscribe("topic=t", print)
        hub.acknowledge(hub.wire[0], {"success": False, "message": "too much"})
        assert "too much" in caplog.text

    def test_an_acceptance_is_not_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        hub = ConnectedHub()
        hub.publish(Event("t"))
        hub.acknowledge(hub.wire[0], {"success": True})
        hub.acknowledge(hub.wire[0], {"success": False, "message": "answered twice"})
        assert not caplog.records

    def test_failing_to_send_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        hub = ConnectedHub()
        hub.broken = True
        hub.publish(Event("t"))
        assert "Error sending event" in caplog.text

    def test_events_received_are_handled_while_waiting(self) -> None:
        hub = ConnectedHub()
        hub.init_connection()
        topics: list[str] = []
        hub._add_subscriber("topic=*", lambda event: topics.append(event["topic"]))
        hub._handle_packet("1", "", "", "")
        hub._handle_packet("5", "", "", '{"name": "ftrack.event", "args": [{"topic": "t"}]}')
        hub._handle_packet("0", "", "", "")
        hub._handle_packet("5", "", "", '{"name": "ftrack.event", "args": [{"topic": "late"}]}')
        hub.wait()
        assert topics == ["ftrack.meta.connected", "t", "ftrack.meta.disconnected"]

    def test_the_oldest_events_are_dropped_when_nobody_waits(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(link, "MOST_WAITING", 2)
        hub = ConnectedHub()
        hub.init_connection()
        handled = []
        hub.subscribe("topic=there", lambda event: handled.append(event["data"]["number"]))
        hub._handle_packet("1", "", "", "")
        for number in range(4):
            event = Event("there", data={"number": number})
            hub._handle_packet("5", "", "", hub._encode({"name": "ftrack.event", "args": [event]}))
        assert (hub.health.queue_length, hub.health.dropped) == (2, 3)
        assert "Dropped so far: 3" in caplog.text
        hub._handle_packet("0", "", "", "")
        hub.wait()
        assert handled == [2, 3]

    def test_waiting_ends_after_the_duration(self) -> None:
        hub = ConnectedHub()
        hub.init_connection()
        hub.wait(duration=0)

    @pytest.mark.parametrize(
        "data", ['{"args": [{"no": "event"}]}', '{"args": ["t"]}', '{"args": []}', "{}"]
    )
    def test_what_is_no_event_is_passed_over(self, data: str) -> None:
        hub = ConnectedHub()
        hub._handle_packet("5", "", "", data)
        assert hub._event_queue.empty()

    def test_heartbeats_are_answered(self) -> None:
        hub = ConnectedHub()
        hub._handle_packet("2", "", "", "")
        assert hub.wire == ["2:::"]

    @pytest.mark.parametrize(("code", "level"), [("7", logging.ERROR), ("3", logging.DEBUG)])
    def test_messages_are_logged(
        self, caplog: pytest.LogCaptureFixture, code: str, level: int
    ) -> None:
        with caplog.at_level(logging.DEBUG):
            ConnectedHub()._handle_packet(code, "", "", "a message")
        (record,) = caplog.records
        assert record.levelno == level
        assert "a message" in record.getMessage()


class TestReplies:
    def test_what_a_callback_returns_is_sent_as_reply(self) -> None:
        hub = ConnectedHub()
        hub._add_subscriber("topic=t", lambda event: {"answer": 42}, {"id": "me"})
        hub._handle(Event("t", id="1", source={"id": "asker"}))
        (reply,) = hub.sent_events()
        assert (reply["topic"], reply["data"]) == ("ftrack.meta.reply", {"answer": 42})
        assert (reply["target"], reply["inReplyToEvent"]) == ("id=asker", "1")
        assert reply["source"]["id"] == "me"

    def test_failing_to_reply_is_logged(
        self, hub: EventHub, caplog: pytest.LogCaptureFixture
    ) -> None:
        hub.subscribe("topic=t", returning(1))
        assert hub._handle(Event("t", source={"id": "asker"})) == [1]
        assert "Error publishing the reply" in caplog.text

    def test_replies_reach_who_asked(self) -> None:
        hub = ConnectedHub()
        hub._add_reply_subscriber()
        answers: list[Any] = []

        def answered(asked: str) -> Callback:
            return lambda reply: answers.append((asked, reply["data"]))

        for identifier in ("1", "2"):
            hub.publish(
                Event("t", id=identifier),
                on_reply=answered(identifier),
            )
        for identifier, data in [("2", "b"), ("1", "a"), ("2", "c"), ("3", "d")]:
            reply = {
                "topic": "ftrack.meta.reply",
                "data": data,
                "target": f"id={hub.id}",
                "inReplyToEvent": identifier,
            }
            hub._handle_packet("5", "", "", json.dumps({"args": [reply]}))
            hub._handle(hub._event_queue.get_nowait())
        assert answers == [("2", "b"), ("1", "a"), ("2", "c")]


def test_subclasses_see_the_steps_of_subscribing_and_replying() -> None:
    class WatchedHub(ConnectedHub):
        """Notes what is called, and names itself in replies."""

        def __init__(self) -> None:
            super().__init__()
            self.seen: list[tuple[str, Any]] = []

        def _notify_server_about_subscriber(self, subscriber: Any) -> None:
            self.seen.append(("notify", subscriber.metadata["id"]))
            super()._notify_server_about_subscriber(subscriber)

        def _on_subscribed(self, subscriber: Any, response: Any) -> None:
            self.seen.append(("subscribed", response["success"]))
            super()._on_subscribed(subscriber, response)

        def _on_unsubscribed(self, subscriber: Any, response: Any) -> None:
            self.seen.append(("unsubscribed", response["success"]))
            super()._on_unsubscribed(subscriber, response)

        def _prepare_reply_event(
            self, event: Event, source_event: Event, source: Any = None
        ) -> None:
            self.seen.append(("reply", source_event["id"]))
            super()._prepare_reply_event(event, source_event, source=source)
            event["data"]["hub"] = "watched"

    hub = WatchedHub()
    identifier = hub.subscribe("topic=test", print)
    hub.acknowledge(hub.wire[-1], {"success": True})
    hub.unsubscribe(identifier)
    hub.acknowledge(hub.wire[-1], {"success": True})
    hub.publish_reply(Event("test", id="asked", source={"id": "asker"}), {"answer": 1})
    assert hub.seen == [
        ("notify", identifier),
        ("subscribed", True),
        ("unsubscribed", True),
        ("reply", "asked"),
    ]
    reply = hub.sent_events()[-1]
    assert reply["data"] == {"answer": 1, "hub": "watched"}
    assert (reply["target"], reply["inReplyToEvent"]) == ("id=asker", "asked")


def test_a_subclass_may_keep_subscribers_from_the_server() -> None:
    class SilentHub(ConnectedHub):
        def _notify_server_about_subscriber(self, subscriber: Any) -> None:
            pass

    hub = SilentHub()
    hub.subscribe("topic=test", print)
    assert hub.wire == []
    assert len(hub._subscribers) == 1


def test_events_that_are_given_up_are_told_of_once_in_a_connection(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(delivery, "MOST_UNACKNOWLEDGED", 2)
    hub = ConnectedHub()
    hub.init_connection()
    for number in range(5):
        hub.publish(Event("test", data={"number": number}))
    (warning,) = [record.getMessage() for record in caplog.records]
    assert "1 by now" in warning
    hub._outstanding.start_connection()
    for number in range(2):
        hub.publish(Event("test", data={"number": number}))
    assert "4 by now" in caplog.records[1].getMessage()
    assert len(caplog.records) == 2
