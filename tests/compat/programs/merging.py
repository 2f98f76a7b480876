"""Entities that come from elsewhere, and keys that the server does not know yet."""

from __future__ import annotations

import json

from registry import cases, program


@cases("Task", "Note", "Membership")
def merging_what_another_session_creates(t, entity_type):
    """It is there with all its values, an entity of the session that took it."""
    session, other = t.session, t.open()
    data = {
        "Task": {"name": "new", "parent_id": t.tree().shot},
        "Note": {"content": "new", "author": session.query("User").first()},
        "Membership": {
            "user": session.query("User").first(),
            "group": session.query("Group").first(),
        },
    }[entity_type]
    entity = session.create(entity_type, data)
    merged = t.note("merge", other.merge, entity)
    t.say("same", [merged is entity, merged == entity, merged.session is other])
    with other.auto_populating(False):
        t.say("values", {name: merged[name] for name in data})
    t.say("again", other.merge(entity) is merged)
    t.say("recorded", len(other.recorded_operations))


@program
def merging_lists_changes(t):
    """Those of plain values come first."""
    session = t.session
    location = session.create("Location", {"name": "new", "label": "New", "description": "d"})
    with session.operation_recording(False):
        fresh = session._create("Location", {}, reconstructing=True)
        changes = fresh.merge(location)
    for change in changes:
        t.say("change", [change[key] for key in ("type", "name", "old_value", "new_value")])


@program
def the_key_of_a_new_entity(t):
    """The server does not know it until the commit."""
    session = t.session
    location = session.create("Location", {"name": t.name("new")})
    attribute = location.attributes.get("id")

    def look():
        values = [attribute.get_local_value(location), attribute.get_remote_value(location)]
        t.say("values", [value == location["id"] for value in values])
        t.say("flags", [attribute.is_modified(location), attribute.is_set(location)])
        for strategy in ("persisted_only", "modified_only", "set_only"):
            t.say(strategy, json.loads(session.encode(location, strategy)))

    look()
    session.commit()
    look()
