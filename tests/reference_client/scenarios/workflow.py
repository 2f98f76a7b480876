"""Workflows: the statuses and types that a project schema allows."""

from __future__ import annotations

from scenarios.stage import elsewhere, new_project, new_version, scenario


@scenario
def a_schema_allows_statuses_and_types(session):
    schema = session.query("ProjectSchema").first()
    for kind in ("Task", "AssetVersion", "Shot"):
        statuses = schema.get_statuses(kind)
        assert statuses, kind
        assert all(status["name"] and status["state"]["short"] for status in statuses), kind
    types = schema.get_types("Task")
    assert {"name", "color"} <= set(types[0].keys())
    for one_type in types:
        assert schema.get_statuses("Task", one_type["id"])
    assert {item["name"] for item in schema["object_types"]} >= {"Shot", "Task"}


@scenario
def the_first_status_of_the_workflow_is_that_of_new_entities(session):
    project, _, shot, task = new_project(session)
    version = new_version(session, task)
    session.commit()
    schema = project["project_schema"]
    for kind, entity in (("Shot", shot), ("AssetVersion", version)):
        first = schema.get_statuses(kind)
        assert elsewhere(entity)["status_id"] in [status["id"] for status in first], kind


@scenario
def projects_use_their_schema_by_its_name(session):
    project, _, _, _ = new_project(session)
    session.commit()
    name = project["project_schema"]["name"]
    where = f'project_schema.name is "{name}" and id is "{project["id"]}"'
    assert session.query(f"Project where {where}").one() is project


@scenario
def statuses_have_states_and_colors(session):
    names = {state["name"] for state in session.query("State")}
    assert len(names) >= 3
    done = session.query('Status where name is "approved"').one()
    assert done["color"].startswith("#")
    assert done["state"]["name"]
    for name in ("Priority", "Type", "ObjectType", "AssetType", "NoteCategory", "ListCategory"):
        assert session.query(f"select name from {name}").first()["name"], name
