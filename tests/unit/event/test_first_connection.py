"""A session that connects its hub in the background goes on trying until it can."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from event_hubs import PATIENCE, handle_until

from ftrack_rs import Session
from ftrack_rs.event.base import Event
from ftrack_rs.event.hub import EventHub
from ftrack_rs.exception import EventHubConnectionError
from ftrack_rs.sandbox import Sandbox


@pytest.fixture
def server() -> Iterator[Sandbox]:
    """A server of its own, as others need to connect meanwhile."""
    with Sandbox(seed="empty") as sandbox:
        yield sandbox


@pytest.fixture
def session(server: Sandbox, caplog: pytest.LogCaptureFixture) -> Iterator[Session]:
    """A session whose hub has failed to connect once, and fails until faults are cleared."""
    server.fault("handshake", "refuse")
    with server.session(auto_connect_event_hub=True) as session:
        session.event_hub.reconnect_cap = 0.05
        wait_until(lambda: messages(caplog, logging.WARNING))
        yield session


def wait_until(condition: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.01)


def messages(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == level]


def test_what_is_published_meanwhile_arrives(
    server: Sandbox, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    hub, heard = session.event_hub, list[Event]()
    hub.subscribe("topic=test", heard.append)
    hub.publish(Event("test"))
    assert hub.health.state == "connecting"
    server.clear_faults()
    handle_until(lambda: heard, hub)
    assert hub.health.state == "connected"
    assert len(server.events("test")) == 1
    assert not messages(caplog, logging.WARNING)
    (first,) = caplog.get_records("setup")
    assert first.getMessage().endswith("Trying again in the background.")


@pytest.mark.parametrize("fault", ["refuse", "black_hole"])
def test_closing_the_session_ends_it(server: Sandbox, session: Session, fault: str) -> None:
    server.clear_faults()
    server.fault("handshake", fault)
    thread = session._auto_connect_event_hub_thread
    assert thread is not None
    waiting = threading.Thread(target=session.event_hub.wait)
    waiting.start()
    if fault == "black_hole":
        wait_until(lambda: session.event_hub._connection is not None)
    started = time.monotonic()
    session.close()
    assert time.monotonic() - started < 1
    assert not thread.is_alive()
    waiting.join(PATIENCE)
    assert not waiting.is_alive()
    assert session.event_hub.health.state == "disconnected"


def test_it_can_be_ended_and_the_hub_connected_later(server: Sandbox, session: Session) -> None:
    hub = session.event_hub
    hub.disconnect(unsubscribe=False)
    with pytest.raises(EventHubConnectionError, match="not connected"):
        hub.publish(Event("test"))
    server.clear_faults()
    hub.connect()
    assert hub.health.state == "connected"


def test_somebody_else_may_connect(server: Sandbox, session: Session) -> None:
    hub, thread = session.event_hub, session._auto_connect_event_hub_thread
    hub.reconnect_cap = 30
    server.clear_faults()
    if not hub.connected:
        hub.connect()
    assert thread is not None
    thread.join(PATIENCE)
    assert hub.health.state == "connected"


def test_refused_credentials_end_it(server: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    hub = EventHub(server.url, server.api_user, "wrong-key")
    hub._connect_in_background().join(PATIENCE)
    (error,) = messages(caplog, logging.ERROR)
    assert "refused the credentials" in error
    assert "wrong-key" not in error
    assert hub.health.state == "disconnected"
    with pytest.raises(EventHubConnectionError):
        hub.publish(Event("test"))


def test_a_session_that_closes_tells_of_events_that_were_never_sent(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        session.event_hub.publish(Event("test"))
    caplog.clear()
    session.close()
    (said,) = messages(caplog, logging.WARNING)
    assert said.startswith("Closing session with 3 events that were never sent")
