"""What the official client's event hub does against the embedded server, one function a scenario.

Runs in the official client's own virtual environment, where nothing but that client is installed:
`python event_scenarios.py` runs every scenario with the server named by the FTRACK_* variables and
writes one JSON line for each: its name and, when it failed, the traceback.
"""

from __future__ import annotations

import json
import logging
import time
import traceback
import uuid

import ftrack_api
import ftrack_api.event.base
import ftrack_api.event.hub
import ftrack_api.exception
import ftrack_api.symbol

SCENARIOS = {}

#: Seconds that anything may take; nothing takes as long.
PATIENCE = 20


def scenario(function):
    """Register *function*, which takes a new session whose hub is connected."""
    SCENARIOS[function.__name__] = function
    return function


class Complaints(logging.Handler):
    """What the hub has logged because the server did not answer as it should.

    A hub that connects in the background tells the server twice of the subscribers it had before,
    so that it is refused the second time; that is the client's own doing.
    """

    def __init__(self):
        super().__init__(logging.WARNING)
        self.texts = []

    def emit(self, record):
        """Keep *record*."""
        text = record.getMessage()
        if "is subscribed already" not in text:
            self.texts.append(text)


def unique(prefix):
    """Return a topic nothing else has."""
    return f"{prefix}.{uuid.uuid4().hex[:8]}"


def new_session(**arguments):
    """Return a session whose hub is connected."""
    session = ftrack_api.Session(auto_connect_event_hub=True, **arguments)
    session._auto_connect_event_hub_thread.join(PATIENCE)
    assert session.event_hub.connected
    return session


def wait_until(hub, condition):
    """Handle events of *hub* until *condition* holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "nothing came"
        hub.wait(0)


def settle(hub):
    """Handle events of *hub* until one that is published now has come back.

    The server handles the packets of a connection in order.
    """
    topic, heard = unique("test.settle"), []
    with hub.subscription(f"topic={topic}", heard.append):
        hub.publish(ftrack_api.event.base.Event(topic))
        wait_until(hub, lambda: heard)


@scenario
def a_connected_hub_tells_so(session):
    heard = []
    session.event_hub.subscribe("topic=ftrack.meta.connected", heard.append)
    wait_until(session.event_hub, lambda: heard)
    assert heard[0]["source"]["id"] == session.event_hub.id


@scenario
def an_event_comes_back_to_its_publisher(session):
    topic, heard = unique("test"), []
    session.event_hub.subscribe(f"topic={topic}", heard.append)
    event = ftrack_api.event.base.Event(topic, data={"text": "grün", "list": [1, None]})
    session.event_hub.publish(event)
    wait_until(session.event_hub, lambda: heard)
    received = dict(heard[0])
    assert received.pop("source") == {
        "id": session.event_hub.id,
        "host": event["source"]["host"],
        "user": {
            "username": session.api_user,
            "id": session.query(f'User where username is "{session.api_user}"').one()["id"],
        },
    }
    assert received == {
        "id": event["id"],
        "topic": topic,
        "data": {"text": "grün", "list": [1, None]},
        "target": "",
        "sent": None,
        "in_reply_to_event": None,
    }


@scenario
def subscriptions_select_events(session):
    hub, topic = session.event_hub, unique("test")
    heard = {}
    for subscription in (
        f"topic={topic}.a and data.text>a",
        f"topic={topic}.*",
        f'topic={topic}.a or topic="{topic}.b"',
        f"topic={topic}.a and not data.kind=x",
        f"topic={topic}.b and source.user.username={session.api_user}",
    ):
        heard[subscription] = []
        hub.subscribe(subscription, heard[subscription].append)
    for name, data in (("a", {"text": "b", "kind": "x"}), ("b", {}), ("c", {})):
        hub.publish(ftrack_api.event.base.Event(f"{topic}.{name}", data=data))
    settle(hub)
    assert [len(events) for events in heard.values()] == [1, 3, 2, 0, 1]


@scenario
def a_reply_reaches_the_one_who_asked(session):
    other = new_session()
    topic, replies = unique("test.question"), []
    other.event_hub.subscribe(f"topic={topic}", lambda event: {"echo": event["data"]["text"]})
    settle(other.event_hub)
    event = ftrack_api.event.base.Event(topic, data={"text": "hello"})
    session.event_hub.publish(event, on_reply=replies.append)
    end = time.monotonic() + PATIENCE
    while not replies and time.monotonic() < end:
        other.event_hub.wait(0)
        session.event_hub.wait(0)
    other.close()
    assert replies[0]["data"] == {"echo": "hello"}
    assert replies[0]["in_reply_to_event"] == event["id"]
    assert replies[0]["topic"] == "ftrack.meta.reply"


@scenario
def a_target_selects_subscribers(session):
    hub, topic = session.event_hub, unique("test")
    heard = {"nuke": [], "maya": []}
    for name, events in heard.items():
        subscriber = {"id": unique(name), "applicationId": name}
        hub.subscribe(f"topic={topic}", events.append, subscriber=subscriber)
    hub.publish(ftrack_api.event.base.Event(topic, target="applicationId=maya"))
    wait_until(hub, lambda: heard["maya"])
    settle(hub)
    assert (len(heard["nuke"]), len(heard["maya"])) == (0, 1)


@scenario
def what_is_unsubscribed_stays_away(session):
    hub, topic = session.event_hub, unique("test")
    heard, others = [], []
    subscriber = hub.subscribe(f"topic={topic}", heard.append)
    hub.subscribe(f"topic={topic}", others.append)
    hub.unsubscribe(subscriber)
    hub.publish(ftrack_api.event.base.Event(topic))
    wait_until(hub, lambda: others)
    assert heard == []


@scenario
def many_events_arrive_in_order(session):
    hub, topic = session.event_hub, unique("test")
    heard = []
    hub.subscribe(f"topic={topic}", lambda event: heard.append(event["data"]["number"]))
    for number in range(200):
        hub.publish(ftrack_api.event.base.Event(topic, data={"number": number}))
    wait_until(hub, lambda: len(heard) == 200)
    assert heard == list(range(200))


@scenario
def a_commit_is_told_to_other_sessions(session):
    other = new_session()
    heard = []
    other.event_hub.subscribe("topic=ftrack.update", heard.append)
    settle(other.event_hub)
    schema = session.query("ProjectSchema").first()
    name = f"project_{uuid.uuid4().hex[:8]}"
    project = session.create("Project", {"name": name, "full_name": name, "project_schema": schema})
    task = session.create("Folder", {"name": "folder", "parent": project})
    session.commit()
    task["description"] = "changed"
    session.commit()
    session.delete(project)
    session.commit()

    def entities(action):
        found = [entity for event in heard for entity in event["data"]["entities"]]
        return [entity for entity in found if entity["action"] == action and "entityId" in entity]

    wait_until(other.event_hub, lambda: entities("remove"))
    other.close()
    added = {entity["entityId"]: entity for entity in entities("add")}
    assert added[project["id"]]["entityType"] == "show"
    assert added[task["id"]]["entity_type"] == "Folder"
    assert [parent["entityId"] for parent in added[task["id"]]["parents"]] == [
        task["id"],
        project["id"],
    ]
    (updated,) = entities("update")
    assert updated["changes"] == {"description": {"old": "", "new": "changed"}}
    assert entities("remove")[0]["entityId"] == project["id"]


@scenario
def a_session_is_kept_in_step_by_events(session):
    other = new_session()
    schema = session.query("ProjectSchema").first()
    name = f"project_{uuid.uuid4().hex[:8]}"
    project = session.create("Project", {"name": name, "full_name": name, "project_schema": schema})
    folder = session.create("Folder", {"name": "before", "parent": project})
    session.commit()
    seen = other.get("Folder", folder["id"])
    assert seen["name"] == "before"

    def forget(event):
        for changed in event["data"]["entities"]:
            if changed.get("entityId") == seen["id"]:
                for key in changed["keys"]:
                    attribute = seen.attributes.get(key)
                    attribute.set_remote_value(seen, ftrack_api.symbol.NOT_SET)

    other.event_hub.subscribe("topic=ftrack.update", forget)
    settle(other.event_hub)
    folder["name"] = "after"
    session.commit()
    wait_until(other.event_hub, lambda: seen["name"] == "after")
    other.close()


@scenario
def a_published_component_is_announced(session):
    heard = []
    session.event_hub.subscribe("topic=ftrack.location.component-added", heard.append)
    location = session.get("Location", ftrack_api.symbol.UNMANAGED_LOCATION_ID)
    component = session.create_component(__file__, location=location)
    expected = {"component_id": component["id"], "location_id": location["id"]}
    wait_until(session.event_hub, lambda: expected in [event["data"] for event in heard])


@scenario
def a_hub_comes_back_with_its_subscriptions(session):
    hub, topic = session.event_hub, unique("test")
    heard = []
    hub.subscribe(f"topic={topic}", heard.append)
    hub.reconnect(attempts=3, delay=0.1)
    hub.publish(ftrack_api.event.base.Event(topic))
    wait_until(hub, lambda: heard)
    assert len(heard) == 1


@scenario
def a_wrong_key_is_refused(session):
    hub = ftrack_api.event.hub.EventHub(session.server_url, session.api_user, "wrong")
    hub.init_connection()
    try:
        hub.connect()
    except ftrack_api.exception.EventHubConnectionError:
        pass
    else:
        raise AssertionError("accepted a wrong key")


def main():
    """Run every scenario with a session of its own; a complaint of the client is a failure, too."""
    complaints = Complaints()
    logging.getLogger("ftrack_api.event").addHandler(complaints)
    for name, function in SCENARIOS.items():
        outcome = {"name": name, "failure": None}
        complaints.texts.clear()
        try:
            with new_session() as session:
                function(session)
            assert not complaints.texts, complaints.texts
        except BaseException:
            outcome["failure"] = traceback.format_exc()
        print(json.dumps(outcome), flush=True)


if __name__ == "__main__":
    main()
