"""What is measured of events, for both clients: `event_program.py MODULE CASE COUNT ROUNDS`.

Runs in a process of its own with the client named by MODULE (`ftrack_api` or `ftrack_rs`) and
prints one JSON object: seconds of each round, and how many callbacks were called.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import uuid

SUBSCRIBERS = 1_000


def match(client, count, rounds):
    """Find who of 1,000 subscribers wants each of so many events: one of them, for one in ten."""
    hub = new_hub(client)
    called = []
    for number in range(SUBSCRIBERS):
        hub.subscribe(subscription(number), called.append)
    events = [new_event(client, number) for number in range(count)]
    seconds = []
    for _ in range(rounds):
        called.clear()
        started = time.perf_counter()
        for event in events:
            hub._handle(event, synchronous=True)
        seconds.append(time.perf_counter() - started)
    return {"seconds": seconds, "called": len(called)}


def subscription(number):
    """Return what a listener of a studio asks for, of the kinds that there are."""
    user = f"user{number % 200}"
    kinds = (
        f"topic=ftrack.action.discover and source.user.username={user}",
        f"topic=ftrack.action.launch and data.actionIdentifier=action{number}",
        f"topic=studio.{number}.*",
        f"topic=ftrack.update and data.number={number}",
    )
    return kinds[number % len(kinds)]


def new_event(client, number):
    """Return an event as the server sends it."""
    wanted = 4 * (number // 10 % 250) + 3
    data = {"number": str(wanted) if number % 10 == 0 else "none", "entities": []}
    source = {"id": "server", "user": {"username": "somebody", "id": "1"}}
    return event_class(client)("ftrack.update", data=data, source=source)


def exchange(client, count, rounds):
    """Publish so many events, and receive each of them by way of the server."""
    hub, seconds, received = new_hub(client), [], []
    topic = f"bench.{uuid.uuid4().hex}"
    hub.connect()
    hub.subscribe(f"topic={topic}", received.append)
    for _ in range(rounds):
        received.clear()
        events = [event_class(client)(topic, data={"text": "x" * 200}) for _ in range(count)]
        started = time.perf_counter()
        for event in events:
            hub.publish(event)
        while len(received) < count:
            hub.wait(0)
        seconds.append(time.perf_counter() - started)
    hub.disconnect()
    return {"seconds": seconds, "called": len(received)}


def event_class(client):
    """Return the class of events."""
    return importlib.import_module(f"{client.__name__}.event.base").Event


def new_hub(client):
    """Return a hub that is not connected."""
    module = importlib.import_module(f"{client.__name__}.event.hub")
    names = ("FTRACK_SERVER", "FTRACK_API_USER", "FTRACK_API_KEY")
    return module.EventHub(*(os.environ[name] for name in names))


def main():
    """Run the case and print the outcome."""
    module, case, count, rounds = sys.argv[1:]
    measure = {"match": match, "exchange": exchange}[case]
    print(json.dumps(measure(importlib.import_module(module), int(count), int(rounds))))


if __name__ == "__main__":
    main()
