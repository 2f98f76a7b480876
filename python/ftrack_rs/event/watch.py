"""Prints events as they come."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import TextIO

from ftrack_rs.event.base import Event
from ftrack_rs.event.hub import EventHub


def watch(
    hub: EventHub,
    expression: str = "topic=*",
    as_json: bool = False,
    count: int | None = None,
    output: TextIO | None = None,
) -> None:
    """Connect *hub* and print the events that *expression* includes, until it is disconnected.

    Args:
        hub: A hub that is not connected.
        expression: What a subscription takes.
        as_json: Print each event as a line of JSON rather than as a line of text.
        count: Number of events after which to return; None for no limit.
        output: Where to print to; the standard output if None.

    Raises:
        EventHubConnectionError: If the server cannot be reached.
        OSError: If what is printed cannot be written, as when its reader has gone.
        ParseError: If *expression* cannot be parsed.
    """
    target = output or sys.stdout
    printed = 0
    failures: list[OSError] = []

    def show(event: Event) -> None:
        nonlocal printed
        if failures or printed == count:
            return
        try:
            print(_as_json(event) if as_json else _as_text(event), file=target, flush=True)
            printed += 1
        except OSError as error:
            # The hub would log it and go on.
            failures.append(error)
            hub.disconnect()

    hub.subscribe(expression, show)
    hub.connect()
    try:
        if count is None:
            hub.wait()
        while count is not None and printed < count and not failures:
            hub.wait(duration=0)
    finally:
        if hub.health.state != "disconnected":
            hub.disconnect()
    if failures:
        raise failures[0]


def _as_json(event: Event) -> str:
    return json.dumps(dict(event), ensure_ascii=False, default=str)


def _as_text(event: Event) -> str:
    user = event["source"].get("user") or {}
    data = json.dumps(event["data"], ensure_ascii=False, default=str)
    return f"{datetime.now():%H:%M:%S} {event['topic']} {user.get('username') or '-'} {data}"
