"""What was missed is recovered from the database, as far as it is there."""

from __future__ import annotations

import json
import uuid
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from ftrack_rs import Session
from ftrack_rs.event.base import Event
from ftrack_rs.event.hub import EventHub
from ftrack_rs.event.recovery import recover
from ftrack_rs.exception import ServerError
from ftrack_rs.sandbox import Sandbox


@pytest.fixture
def hub(sandbox: Sandbox) -> EventHub:
    """A hub without a connection: what was missed is known without one."""
    return EventHub(sandbox.url, sandbox.api_user, sandbox.api_key)


@pytest.fixture
def since() -> datetime:
    return datetime.now(timezone.utc)


def entities(events: list[Event], identifier: str) -> list[dict[str, Any]]:
    """Return what *events* say of one entity."""
    found = [event["data"]["entities"][0] for event in events]
    return [entity for entity in found if entity["entityId"] == identifier]


def line(*records: Any) -> list[dict[str, Any]]:
    """Return what `parents` is to say of entities, each of which is contained in the next."""
    tables = {"Project": "show", "Asset": "asset", "AssetVersion": "assetversion", "Note": "note"}
    identifiers = [record["id"] for record in records]
    return [
        {
            "entityId": record["id"],
            "entityType": tables.get(record.entity_type, "task"),
            "entity_type": record.entity_type,
            "parentId": parent,
        }
        for record, parent in zip(records, [*identifiers[1:], None])
    ]


def test_new_entities_are_known(hub: EventHub, since: datetime, shot: Any, version: Any) -> None:
    events = hub.catch_up("ftrack.update", since=since)
    assert entities(events, shot["id"]) == [
        {
            "action": "add",
            "entityType": "task",
            "entity_type": "Shot",
            "entityId": shot["id"],
            "parentId": shot["parent_id"],
            "parents": line(shot, shot["project"]),
        }
    ]
    (added,) = entities(events, version["id"])
    assert (added["action"], added["entityType"]) == ("add", "assetversion")
    assert added["parents"] == line(version, version["asset"], shot, shot["project"])


def test_what_contains_changed_entities_is_asked_for(
    hub: EventHub, session: Session, version: Any, task: Any, shot: Any
) -> None:
    # What is told of has been there before.
    note = version.create_note("Late", session.query("User").first())
    task["status"] = session.query("Status where name is Omitted").one()
    session.commit()
    answers = []

    def call(body: bytes) -> bytes:
        batch = json.loads(body)
        if not answers:
            for operation in batch:
                if " from TypedContext " in operation["expression"]:
                    operation["expression"] += " and id is 'nothing'"
                if " from AssetVersion " in operation["expression"]:
                    operation["expression"] += " and id is 'nothing'"
        answers.append(session._client().call(json.dumps(batch).encode()))
        return answers[-1]

    events = recover(call, datetime.now(timezone.utc) - timedelta(seconds=30))
    assert len(answers) == 2
    containers = (version["asset"], shot, shot["project"])
    (added,) = entities(events, note["id"])
    assert added["parents"] == line(note, version, *containers)
    (changed,) = entities(events, task["id"])
    assert changed["entity_type"] == "Task"
    assert changed["parentId"] == shot["id"]
    assert changed["parents"] == line(task, shot, shot["project"])


def test_changes_of_status_are_known(
    hub: EventHub, since: datetime, session: Session, task: Any
) -> None:
    statuses = session.query("Status").all()
    old = task["status_id"]
    new = next(status["id"] for status in statuses if status["id"] != old)
    task["status_id"] = new
    session.commit()
    events = hub.catch_up(since=since.isoformat())
    changes = [entity for entity in entities(events, task["id"]) if entity["action"] == "update"]
    assert [(change["entityType"], change["keys"], change["changes"]) for change in changes] == [
        ("task", ["statusid"], {"statusid": {"old": old, "new": new}})
    ]


def test_entries_of_activity_feeds_are_handed_on(
    hub: EventHub, since: datetime, session: Session, shot: Any
) -> None:
    entry = {
        "id": uuid.uuid4().int >> 96,
        "parent_id": shot["id"],
        "parent_type": "task",
        "action": "studio.approved",
        "insert": "insert",
        "data": json.dumps({"by": "jane"}),
        "created_at": datetime.now(timezone.utc).isoformat(),
    }
    session.call([{"action": "create", "entity_type": "Event", "entity_data": entry}])
    told = entities(hub.catch_up(since=since), shot["id"])
    assert {"action": "studio.approved", "insert": "insert", "data": entry["data"]} in [
        entity.get("activity") for entity in told
    ]


def test_the_time_is_that_of_the_change(hub: EventHub, since: datetime, task: Any) -> None:
    times = [datetime.fromisoformat(event["sent"]) for event in hub.catch_up(since=since)]
    assert times == sorted(times)
    # The database keeps whole seconds.
    assert all(time > since - timedelta(seconds=1) for time in times)


def test_what_lies_before_is_left_out(hub: EventHub, task: Any) -> None:
    assert hub.catch_up(since=datetime.now() + timedelta(days=2)) == []


@pytest.mark.parametrize(
    ("since", "asked"),
    [
        ("2026-03-01T12:00:00.500Z", "2026-03-01T12:00:00"),
        ("2026-03-01T12:00:00+02:00", "2026-03-01T10:00:00"),
        (datetime(2026, 3, 1, 12), "2026-03-01T12:00:00"),
    ],
)
def test_the_server_is_asked_in_utc(since: datetime | str, asked: str) -> None:
    batches: list[list[dict[str, str]]] = []

    def call(body: bytes) -> bytes:
        batches.append(json.loads(body))
        return json.dumps([{"action": "query", "data": []}] * len(batches[0])).encode()

    assert recover(call, since) == []
    (batch,) = batches
    assert all(operation["expression"].endswith(f'>= "{asked}"') for operation in batch)


def test_other_topics_leave_no_traces(hub: EventHub) -> None:
    with pytest.raises(ValueError, match="no traces"):
        hub.catch_up("ftrack.action.launch", since="2026-03-01")


def test_the_time_has_to_be_one(hub: EventHub) -> None:
    with pytest.raises(ValueError, match="yesterday"):
        hub.catch_up(since="yesterday")


@pytest.mark.parametrize("since", [None, 1767225600, 1.5, date(2026, 3, 1)])
def test_the_time_has_to_be_of_the_right_type(hub: EventHub, since: Any) -> None:
    with pytest.raises(TypeError, match="since is a datetime, or text in ISO 8601, not"):
        hub.catch_up(since=since)


def test_credentials_are_needed(sandbox: Sandbox) -> None:
    hub = EventHub(sandbox.url, sandbox.api_user, "wrong-key")
    with pytest.raises(ServerError) as caught:
        hub.catch_up(since="2026-03-01")
    assert "wrong-key" not in str(caught.value)
