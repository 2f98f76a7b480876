"""One of two programs that exchange events: `event_exchange.py MODULE ROLE TOPIC`.

Each runs with the client named by MODULE (`ftrack_api` or `ftrack_rs`), so that either may be at
either end. The listener prints `ready`, and both print as JSON what they saw when all is over.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
import time

#: Seconds that anything may take; nothing takes as long.
PATIENCE = 20

#: What is published: the last part of the topic, data, and further arguments of the event.
PUBLISHED = [
    ("plain", {"text": "grün", "quote": "\"'\\", "lines": "a\nb\r\n\t\u2028", "nothing": None}),
    ("plain", {"numbers": [0, -1, 2**53, 1.5, 1e-7], "flags": [True, False]}),
    ("plain", {"nested": {"list": [{"deep": {"er": []}}], "empty": {}}, "": "no name"}),
    ("plain", {"inReplyToEvent": "kept", "in_reply_to_event": "too"}),
    ("plain", ["a", "list"]),
    ("plain", "a text"),
    ("plain", {}),
    ("plain", {"emoji": "\U0001f600", "long": "x" * 70_000}),
    ("other.deeper", {"number": 1}),
    ("question", {"value": 21}),
    ("question", {"value": "text"}),
    ("question", {"value": None}),
    ("stopped", {"value": 1}),
    ("failing", {"value": 1}),
    ("compared", {"version": "3", "kind": "shot"}),
    ("compared", {"version": "10", "kind": "shot"}),
    ("compared", {"version": "3", "kind": "task"}),
    ("targeted", {"to": "maya"}, {"target": "applicationId=maya"}),
    ("targeted", {"to": "both"}, {"target": "applicationId=maya or applicationId=nuke"}),
    ("targeted", {"to": "wild"}, {"target": "applicationId=ma*"}),
    ("targeted", {"to": "nobody"}, {"target": "applicationId=houdini"}),
    ("targeted", {"to": "somebody else"}, {"target": "not applicationId=maya"}),
    ("sourced", {}, {"source": {"applicationId": "test", "user": {"username": "somebody"}}}),
    ("sourced", {}, {"source": {"id": "given", "user": {"username": "x", "id": "5"}}}),
    ("answer", {"to": "nothing"}, {"in_reply_to_event": "unknown"}),
    ("dated", {}, {"sent": "2026-01-01T00:00:00"}),
]


class Messages(logging.Handler):
    """What the hub has complained about, without the words of either client."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.levels = []

    def emit(self, record):
        """Keep the level of *record*."""
        self.levels.append(record.levelname)


def main():
    """Play the role."""
    module, role, topic = sys.argv[1:]
    messages = Messages()
    logging.getLogger("ftrack_api").addHandler(messages)
    client = importlib.import_module(module)
    importlib.import_module(f"{module}.event.base")
    hub = importlib.import_module(f"{module}.event.hub").EventHub(
        *(os.environ[name] for name in ("FTRACK_SERVER", "FTRACK_API_USER", "FTRACK_API_KEY"))
    )
    hub.connect()
    seen = {"listener": listen, "publisher": publish}[role](client, hub, topic)
    hub.disconnect()
    print(json.dumps({"seen": seen, "complaints": messages.levels}))


def listen(client, hub, topic):
    """Subscribe in many ways, and return which callbacks were called with what, in order."""
    calls = []

    def callback(name, act=None):
        def call(event):
            calls.append([name, described(event)])
            return act(event) if act else None

        return call

    def double(event):
        return {"doubled": event["data"]["value"] * 2}

    def fail(event):
        raise RuntimeError("as a callback may")

    subscriptions = [
        ("all", f"topic={topic}.*", None, 100, None),
        ("first", f"topic={topic}.plain", None, 1, None),
        ("last", f'topic="{topic}.plain"', None, 200, None),
        ("deep", f"topic={topic}.other.*", None, 100, None),
        ("double", f"topic={topic}.question", double, 100, None),
        ("same", f"topic={topic}.question", lambda event: event["data"], 101, None),
        ("false", f"topic={topic}.question", lambda event: False, 102, None),
        ("stop", f"topic={topic}.stopped", lambda event: event.stop(), 50, None),
        ("fail", f"topic={topic}.failing", fail, 50, None),
        ("above", f"topic={topic}.compared and data.version>2", None, 100, None),
        ("shots", f"topic={topic}.compared and (data.kind=shot or data.x=y)", None, 100, None),
        ("no shots", f"topic={topic}.compared and not data.kind=shot", None, 100, None),
        ("nuke", f"topic={topic}.targeted", lambda event: "nuke", 10, {"applicationId": "nuke"}),
        ("maya", f"topic={topic}.targeted", lambda event: "maya", 11, {"applicationId": "maya"}),
    ]
    for name, subscription, act, priority, subscriber in subscriptions:
        hub.subscribe(subscription, callback(name, act), subscriber, priority)
    ended = []
    hub.subscribe(f"topic={topic}.end", lambda event: ended.append(event) or "end")
    settle(client, hub)
    print("ready", flush=True)
    wait_until(hub, lambda: ended)
    return calls


def publish(client, hub, topic):
    """Publish everything, and return the replies and what could not be published."""
    replies, errors = [], []

    def reply_to(number):
        return lambda event: replies.append([number, described(event)])

    Event = client.event.base.Event
    for number, (name, data, *more) in enumerate(PUBLISHED):
        event = Event(f"{topic}.{name}", id=f"{topic}.{number}", data=data, **(more or [{}])[0])
        hub.publish(event, on_reply=reply_to(number))
    for number, (arguments, options) in enumerate(
        [
            ({"data": {"no": "JSON", "at": object()}}, {}),
            ({"data": {"no": "JSON", "at": object()}}, {"on_error": "ignore"}),
            ({"target": "not an expression"}, {}),
        ]
    ):
        try:
            hub.publish(Event(f"{topic}.plain", **arguments), **options)
        except Exception as error:
            errors.append([number, type(error).__name__])
    # Replies come in the order of the events, so that this one is the last.
    last = []
    hub.publish(Event(f"{topic}.end", id=f"{topic}.end"), on_reply=last.append)
    wait_until(hub, lambda: last)
    return {"replies": replies, "errors": errors}


def described(event):
    """Return what *event* holds, without what no two runs have in common."""
    content = {key: event[key] for key in event}
    source = dict(content["source"])
    own = source.get("id") not in ("given", None)
    content["source"] = {**source, "id": "a hub" if own else source.get("id")}
    if content["topic"] == "ftrack.meta.reply":
        content["id"] = content["target"] = "of a reply"
    return content


def settle(client, hub):
    """Handle events until one that is published now has come back."""
    own, heard = f"settled.{hub.id}", []
    with hub.subscription(f"topic={own}", heard.append):
        hub.publish(client.event.base.Event(own))
        wait_until(hub, lambda: heard)


def wait_until(hub, condition):
    """Handle events of *hub* until *condition* holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "nothing came"
        hub.wait(0)


if __name__ == "__main__":
    main()
