"""Live events are printed as text or as JSON."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from event_hubs import PATIENCE, Connect

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
    watched = hub(sandbox)
    with pytest.raises(ParseError):
        watch(watched, "topic")
    assert watched.health.state == "disconnected"


def test_output_that_cannot_be_written_ends_it(sandbox: Sandbox) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError("no space left")

    watched = hub(sandbox)
    with pytest.raises(OSError, match="no space left"):
        watch(watched, "topic=test.*", output=Full())
    assert watched.health.state == "disconnected"


@contextlib.contextmanager
def command(sandbox: Sandbox, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run `ftrack-rs events`."""
    words = [sys.executable, "-m", "ftrack_rs", "events", *arguments]
    environment = {**os.environ, **sandbox.env(), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def next_line(process: subprocess.Popen[str], publisher: EventHub, topic: str) -> str:
    """Publish events until *process* has printed one."""
    printed = threading.Event()

    def publish() -> None:
        while not printed.wait(0.02):
            publisher.publish(Event(topic))

    publishing = threading.Thread(target=publish)
    publishing.start()
    try:
        assert process.stdout is not None
        return process.stdout.readline()
    finally:
        printed.set()
        publishing.join(PATIENCE)


def test_the_command_ends_with_ctrl_c(sandbox: Sandbox, connect: Connect, topic: str) -> None:
    with command(sandbox, f"topic={topic}", "--json") as process:
        assert json.loads(next_line(process, connect(), topic))["topic"] == topic
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
        assert process.stderr is not None
        assert process.stderr.read().splitlines()[-1] == "interrupted"


def test_the_command_ends_with_its_reader(sandbox: Sandbox, connect: Connect, topic: str) -> None:
    with command(sandbox, f"topic={topic}") as process:
        publisher = connect()
        assert topic in next_line(process, publisher, topic)
        assert process.stdout is not None
        process.stdout.close()
        while process.poll() is None:
            publisher.publish(Event(topic))
            threading.Event().wait(0.02)
        assert process.stderr is not None
        complaints = [line for line in process.stderr.read().splitlines() if "debug" not in line]
        assert (process.returncode, complaints) == (0, [])
