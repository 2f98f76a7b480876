"""An event is a mapping, and is handed on as the object it is."""

from __future__ import annotations

import json

from ftrack_rs.event.base import Event


def test_keys_are_in_the_order_of_the_wire() -> None:
    event = Event("ftrack.test", id="1", sent="now", target="id=2", in_reply_to_event="3")
    assert list(event) == ["id", "data", "topic", "sent", "source", "target", "in_reply_to_event"]
    assert dict(event) == event._data
    assert json.loads(json.dumps(event._data))["in_reply_to_event"] == "3"
    assert Event(**event)["id"] == "1"


def test_defaults() -> None:
    one, other = Event("a"), Event("a")
    assert one["id"] != other["id"]
    assert (one["data"], one["source"], one["target"], one["sent"]) == ({}, {}, "", None)
    one["data"]["x"] = 1
    assert other["data"] == {}


def test_data_is_not_copied() -> None:
    data = {"values": object()}
    assert Event("a", data=data)["data"] is data


def test_event_changes_like_a_dictionary() -> None:
    event = Event("a")
    event["extra"] = 1
    del event["sent"]
    assert event.get("extra") == 1
    assert "sent" not in event
    assert len(event) == 7


def test_stop() -> None:
    event = Event("a")
    assert not event.is_stopped()
    event.stop()
    assert event.is_stopped()


def test_text_shows_the_content() -> None:
    assert str(Event("ftrack.test")).startswith("<Event {'id': ")
