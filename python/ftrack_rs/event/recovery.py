"""Recovers by query what was published while a hub was not connected.

The event server keeps no events, but the database keeps traces of most changes. What they tell is
put into events of the form of ``ftrack.update``; docs/events.md says what they cannot tell.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

from ftrack_rs.event.base import Event
from ftrack_rs.event.lineage import CONTEXT, VERSION, Lineage, queries

#: The only topic of which the database knows anything.
TOPIC = "ftrack.update"

Record = Mapping[str, Any]


class _Trace(NamedTuple):
    """A kind of records that tell of changes."""

    #: Type of the records.
    entity_type: str
    #: Attribute that tells when.
    time: str
    #: Other attributes that are needed.
    attributes: tuple[str, ...]
    #: Returns what a record says, as ``ftrack.update`` would say it.
    describe: Callable[[Record], dict[str, Any]]
    #: Whether the records are the entities that are told of.
    is_new: bool = False

    def query(self, since: datetime) -> str:
        """Return the expression for the records from *since* on."""
        # The server keeps whole seconds, so what happened in the first one has to be asked for.
        start = since.strftime("%Y-%m-%dT%H:%M:%S")
        selected = ", ".join((*self.attributes, self.time))
        return f'select {selected} from {self.entity_type} where {self.time} >= "{start}"'


def recover(
    call: Callable[[bytes], bytes], since: datetime | str, topic: str = TOPIC
) -> list[Event]:
    """Return what the server knows to have changed since a point in time, oldest first.

    Args:
        call: Posts a batch of operations to the server and returns its answer.
        since: The time; UTC if it says nothing else, as text in ISO 8601.
        topic: What the events are about.

    Raises:
        TypeError: If *since* is neither a datetime nor text.
        ValueError: If *topic* is not ``ftrack.update``, or *since* is no time.
    """
    if topic != TOPIC:
        raise ValueError(f"The server keeps no traces of events about {topic!r}, only of {TOPIC}.")
    if not isinstance(since, (datetime, str)):
        raise TypeError(f"since is a datetime, or text in ISO 8601, not {since!r}.")
    start = _as_utc(since)
    answers = _query(call, [trace.query(start) for trace in _TRACES])
    lineage = _lineage(call, answers.records)
    found = [
        (_time_of(record[trace.time]), trace.describe(record), record.get("user_id"))
        for trace, answer in zip(_TRACES, answers.of_each)
        for record in answer
    ]
    found.sort(key=lambda item: item[0])
    for _, entity, _ in found:
        lineage.complete(entity)
    return [_event(*item) for item in found]


class _Answers(NamedTuple):
    """What the server says to several queries."""

    #: The records that each query has found.
    of_each: list[list[Record]]
    #: These, and all that occur in them.
    records: list[Record]


def _query(call: Callable[[bytes], bytes], expressions: list[str]) -> _Answers:
    batch = [{"action": "query", "expression": expression} for expression in expressions]
    answers = json.loads(call(json.dumps(batch).encode())) if batch else []
    known: dict[tuple[str, str], dict[str, Any]] = {}
    _collect(answers, known)
    of_each: list[list[Record]] = [
        [known[_key(record)] for record in answer["data"]] for answer in answers
    ]
    return _Answers(of_each, list(known.values()))


def _collect(value: Any, known: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Put together what *value* says of each entity, which is in full only where it comes first."""
    if isinstance(value, list):
        for item in value:
            _collect(item, known)
    elif isinstance(value, dict):
        if "__entity_type__" in value:
            known.setdefault(_key(value), {}).update(value)
        for item in value.values():
            _collect(item, known)


def _key(record: Record) -> tuple[str, str]:
    return record["__entity_type__"], record["id"]


def _lineage(call: Callable[[bytes], bytes], records: list[Record]) -> Lineage:
    """Return what contains the entities of all records; asks for those that only were changed."""
    lineage = Lineage()
    traces = {trace.entity_type for trace in _TRACES if not trace.is_new}
    for record in records:
        if record["__entity_type__"] not in traces:
            lineage.learn(record)
    parents = {record.get("parent_id") for record in records}
    unknown = {parent for parent in parents if parent and parent not in lineage}
    for record in _query(call, list(queries(unknown))).records:
        lineage.learn(record)
    return lineage


def _created(table: str) -> Callable[[Record], dict[str, Any]]:
    """Return what describes the creation of an entity that the server keeps in *table*."""

    def describe(record: Record) -> dict[str, Any]:
        return {"action": "add", "entityType": table, "entityId": record["id"]}

    return describe


def _status_changed(record: Record) -> dict[str, Any]:
    change = {"old": record["from_status_id"], "new": record["status_id"]}
    return {
        "action": "update",
        "entityType": record["parent_type"],
        "entityId": record["parent_id"],
        "keys": ["statusid"],
        "changes": {"statusid": change},
    }


def _logged(record: Record) -> dict[str, Any]:
    """Describe an entry of the activity feed; what it means is known to who reads it."""
    return {
        "action": "update",
        "entityType": record["parent_type"],
        "entityId": record["parent_id"],
        "activity": {name: record[name] for name in ("action", "insert", "data")},
    }


_TRACES = (
    _Trace("Project", "created_at", ("id",), _created("show"), is_new=True),
    _Trace("TypedContext", "created_at", CONTEXT, _created("task"), is_new=True),
    _Trace("AssetVersion", "date", VERSION, _created("assetversion"), is_new=True),
    _Trace("Note", "date", ("id", "parent_id"), _created("note"), is_new=True),
    _Trace(
        "StatusChange",
        "date",
        ("parent_id", "parent_type", "from_status_id", "status_id", "user_id"),
        _status_changed,
    ),
    _Trace(
        "Event",
        "created_at",
        ("parent_id", "parent_type", "action", "insert", "data", "user_id"),
        _logged,
    ),
)


def _event(time: datetime, entity: dict[str, Any], user_id: str | None) -> Event:
    data = {"entities": [entity], "recovered": True}
    source = {"id": None, "user": {"username": None, "id": user_id}}
    return Event(TOPIC, data=data, sent=time.isoformat(), source=source)


def _as_utc(time: datetime | str) -> datetime:
    parsed = _parse(time) if isinstance(time, str) else time
    if parsed.tzinfo is None:
        return parsed.replace(tzinfo=timezone.utc)
    return parsed.astimezone(timezone.utc)


def _time_of(value: Mapping[str, str] | str) -> datetime:
    """Return a time as the server sends it, tagged or as text."""
    return _as_utc(value if isinstance(value, str) else value["value"])


def _parse(text: str) -> datetime:
    # Python 3.9 does not know the Z.
    return datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith("Z") else text)
