"""What tests of hubs on the network have in common."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

from ftrack_rs.event.base import Event
from ftrack_rs.event.hub import EventHub

# Seconds that anything may take; nothing takes as long.
PATIENCE = 20

Connect = Callable[..., EventHub]


def handle_until(condition: Callable[[], object], *hubs: EventHub) -> None:
    """Handle the events of *hubs* until *condition* holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "nothing came"
        for hub in hubs:
            hub.wait(duration=0)


def settle(hub: EventHub) -> None:
    """Handle events until the server has handled everything that *hub* has sent."""
    topic, heard = f"test.settle.{uuid.uuid4().hex}", list[Event]()
    with hub.subscription(f"topic={topic}", heard.append):
        hub.publish(Event(topic))
        handle_until(lambda: heard, hub)


def collect(hub: EventHub, topic: str) -> list[Any]:
    """Subscribe to *topic* and return the list that the data of its events will be in."""
    collected: list[Any] = []
    hub.subscribe(f"topic={topic}", lambda event: collected.append(event["data"]))
    return collected
