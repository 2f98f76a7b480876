"""Live events are printed as text or as JSON."""

from __future__ import annotations

import io
import json
import threading

import pytest

from ftrack_rs.event.base import Event
from ftrack_rs.event.hub import EventHub
from ftrack_rs.event.watch import watch
from ftrack_rs.exception import ParseError
from ftrack_rs.sandbox import Sandbox


class AnnouncedHub(EventHub):
    """A hub that publishes an event to itself as soon as it is connected."""

    def connect(self) -> None:
        super().connect()
        self.publish(Event("test.watched", data={"text": "grün"}))
        self.publish(Event("test.other"))


def hub(sandbox: Sandbox) -> EventHub:
    return AnnouncedHub(sandbox.url, sandbox.api_user, sandbox.api_key)


def test_text_tells_topic_user_and_data(sandbox: Sandbox) -> None:
    output = io.StringIO()
    watch(hub(sandbox), "topic=test.watched", count=1, output=output)
    line = output.getvalue()
    assert line.endswith(f' test.watched {sandbox.api_user} {{"text": "grün"}}\n')


def test_json_is_the_event(sandbox: Sandbox) -> None:
    output = io.StringIO()
    watch(hub(sandbox), "topic=test.*", as_json=True, count=2, output=output)
    events = [json.loads(line) for line in output.getvalue().splitlines()]
    assert [event["topic"] for event in events] == ["test.watched", "test.other"]
    assert events[0]["data"] == {"text": "grün"}


def test_an_expression_has_to_be_valid(sandbox: Sandbox) -> None:
    with pytest.raises(ParseError):
        watch(hub(sandbox), "topic")
    assert "ftrack-event-hub" not in [thread.name for thread in threading.enumerate()]
