"""Every attribute of every entity type can be selected, and has the type it is declared with."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from ftrack_rs import Session

#: Declared as texts by ftrack itself, which answers lists all the same.
LINKS = ("link", "_link")

NOW = datetime.datetime(2026, 3, 2, 9, 30)


@pytest.fixture
def production(session: Session, version: Any, tmp_path: Path) -> None:
    """What the studio has nothing of."""
    create = session.create
    task, shot, asset = version["task"], version["asset"]["parent"], version["asset"]
    user = session.query("User").first()
    project = session.get("Project", shot["project_id"])
    file = tmp_path / "plate.exr"
    file.write_bytes(b"pixels")
    component = session.create_component(str(file), {"version": version}, location=None)
    create("ContainerComponent", {"name": "parts", "version": version})
    create("SequenceComponent", {"name": "frames", "padding": 4, "version": version})
    create("Episode", {"name": "ep01", "parent": project})
    create("Milestone", {"name": "delivery", "parent": shot})
    create("TypedContextLink", {"from": shot, "to": task})
    other = create("AssetVersion", {"asset": asset, "task": task})
    create("AssetVersionLink", {"from": version, "to": other})
    create("Manager", {"context": shot, "user": user, "type": session.query("ManagerType").first()})
    shot["scopes"].append(create("Scope", {"name": f"scope {shot['id']}"}))
    note = version.create_note("look", user, recipients=[user])
    note.create_reply("looked", user)
    create("NoteComponent", {"note_id": note["id"], "component_id": component["id"]})
    label = session.query("NoteLabel").first()
    create("NoteLabelLink", {"note_id": note["id"], "label_id": label["id"]})
    version["metadata"]["source"] = "plate"
    create("Timelog", {"context": task, "user": user, "start": NOW, "duration": 60})
    create("Timer", {"context": task, "user": create("User", {"username": shot["id"]})})
    holiday = create("CalendarEvent", {"name": "holiday", "start": NOW, "end": NOW})
    create("CalendarEventResource", {"calendar_event": holiday, "resource": user})
    category = session.query("ListCategory").first()
    listed = {"name": "listed", "project": project, "category": category, "owner": user}
    create("TypedContextList", listed)["items"].append(shot)
    create("AssetVersionList", listed)["items"].append(version)
    job = create("Job", {"user": user, "status": "running", "type": "api_job"})
    create("JobComponent", {"job_id": job["id"], "component_id": component["id"]})
    review = create("ReviewSession", {"name": "review", "project": project})
    create("ReviewSessionFolder", {"name": "morning", "project": project})
    create(
        "ReviewSessionInvitee", {"name": "jo", "email": "jo@x.example", "review_session": review}
    )
    create("ReviewSessionObject", {"asset_version": version, "review_session": review, "name": "a"})
    create("UserApplicationState", {"user_id": user["id"], "key": shot["id"], "value": "{}"})
    done = session.query("Status where name is Approved").one()
    task["status"] = version["status"] = done
    session.commit()


def fits(declared: dict[str, Any], value: Any) -> bool:
    """Return whether a value is one of the declared type; any may be missing."""
    if value is None:
        return True
    if "$ref" in declared:
        return isinstance(value, dict) and "__entity_type__" in value
    kind = declared["type"]
    if declared.get("format") == "date-time":
        return isinstance(value, dict) and value["__type__"] == "datetime"
    if kind in ("array", "mapped_array"):
        return isinstance(value, list) and all("__entity_type__" in member for member in value)
    if kind in ("integer", "number"):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    types = {"string": str, "boolean": bool, "object": dict, "variable": object}
    return isinstance(value, types[kind])


@pytest.mark.usefixtures("production")
def test_every_attribute_has_a_value_of_its_declared_type(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Undecoded, and written out: else an entity is told once in an answer, be it below another.
    monkeypatch.setattr(session, "decode", json.loads)
    options = "strict:1;denormalize:1"
    monkeypatch.setitem(session._request.headers, "ftrack-api-options", options)
    seen, unfit = set(), []
    for schema in session.schemas:
        declared = {
            name: attribute
            for name, attribute in schema["properties"].items()
            if not attribute.get("restricted_projection") and name not in LINKS
        }
        expression = f"select {', '.join(declared)} from {schema['id']} limit 20"
        (answer,) = session.call([{"action": "query", "expression": expression}])
        for row in answer["data"]:
            seen.add(schema["id"])
            unfit += [
                f"{schema['id']}.{name}: {row.get(name, 'missing')!r}"
                for name, attribute in declared.items()
                if name not in row or not fits(attribute, row[name])
            ]
    assert unfit == []
    # The others are custom attributes, which would change the site for other tests, and rare.
    assert len(seen) > 80, sorted({schema["id"] for schema in session.schemas} - seen)
