"""Hubs that are connected, and disconnected after the test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from event_hubs import Connect

from ftrack_rs.event.hub import EventHub
from ftrack_rs.sandbox import Sandbox


@pytest.fixture
def connect(sandbox: Sandbox) -> Iterator[Connect]:
    """A function that returns a connected hub, of a class and with a server."""
    hubs: list[EventHub] = []

    def connect(kind: type[EventHub] = EventHub, server: Sandbox = sandbox) -> EventHub:
        hub = kind(server.url, server.api_user, server.api_key)
        hub.reconnect_cap = 0.1
        hub.connect()
        hubs.append(hub)
        return hub

    yield connect
    for hub in hubs:
        if hub.health.state != "disconnected":
            hub.disconnect()


@pytest.fixture
def topic() -> str:
    return f"test.{uuid.uuid4().hex}"
