"""Contexts: hierarchies, their metadata, scopes and dates, and what goes when they go."""

from __future__ import annotations

import ftrack_api
import ftrack_api.exception

from scenarios.stage import (
    elsewhere,
    new_project,
    new_version,
    refused,
    scenario,
    unique,
)


@scenario
def updates_and_deletes_reach_the_server(session):
    _, _, shot, task = new_project(session)
    session.commit()
    task["name"] = "renamed"
    task["description"] = "d"
    session.commit()
    session.delete(task)
    session.commit()
    other = ftrack_api.Session()
    assert other.get("Task", task["id"]) is None
    assert other.get("Shot", shot["id"]) is not None


@scenario
def deleting_a_project_takes_its_tree_along(session):
    project, sequence, _, task = new_project(session)
    version = new_version(session, task)
    session.commit()
    session.delete(sequence)
    session.delete(project)
    session.commit()
    other = ftrack_api.Session()
    for name, entity in (("Project", project), ("Task", task), ("AssetVersion", version)):
        assert other.get(name, entity["id"]) is None, name


@scenario
def metadata_is_a_mapping_that_can_be_set_twice(session):
    _, _, _, task = new_project(session)
    task["metadata"] = {"a": "1", "b": "2"}
    session.commit()
    task["metadata"] = {"a": "3"}
    session.commit()
    task["metadata"]["c"] = "4"
    session.commit()
    other = ftrack_api.Session()
    assert dict(other.get("Task", task["id"])["metadata"]) == {"a": "3", "c": "4"}


@scenario
def every_entity_with_metadata_keeps_it(session):
    project, _, _, task = new_project(session)
    version = new_version(session, task)
    component = session.create("FileComponent", {"version": version, "name": "main"})
    entities = [project, version, version["asset"], component]
    for entity in entities:
        entity["metadata"]["key"] = "value"
    session.commit()
    for entity in entities:
        again = elsewhere(entity)
        assert dict(again["metadata"]) == {"key": "value"}, entity.entity_type
        for item in again["metadata"].collection:
            assert item["parent_type"] in (entity.entity_type, "Component"), item["parent_type"]


@scenario
def new_contexts_have_what_the_workflow_says(session):
    project, sequence, shot, task = new_project(session)
    session.commit()
    again = elsewhere(task)
    allowed = project["project_schema"].get_statuses("Task", again["type_id"])
    assert again["status_id"] in [status["id"] for status in allowed]
    assert again["priority"]["name"]
    assert again["project_id"] == project["id"]
    assert again["created_by"]["username"] == session.api_user
    assert again["created_at"]
    assert (again["bid"], again["description"]) == (0, "")
    for entity in (project, sequence, shot, task):
        link = elsewhere(entity)["link"]
        assert link[0]["id"] == project["id"]
        assert link[-1]["id"] == entity["id"]


@scenario
def a_status_change_is_remembered(session):
    _, _, _, task = new_project(session)
    session.commit()
    before = task["status_id"]
    task["status"] = session.query(f'Status where id is_not "{before}"').first()
    session.commit()
    again = elsewhere(task)
    (change,) = again["status_changes"]
    assert change["from_status_id"] == before
    assert change["status_id"] == again["status_id"] == task["status"]["id"]
    assert change["user"]["username"] == session.api_user


@scenario
def tasks_are_assigned_and_projects_allocated(session):
    project, _, _, task = new_project(session)
    user = session.create("User", {"username": unique("user")})
    group = session.create("Group", {"name": unique("group")})
    session.create("Membership", {"user": user, "group": group})
    session.create("Appointment", {"context": task, "resource": user, "type": "assignment"})
    session.create("Appointment", {"context": project, "resource": group, "type": "allocation"})
    session.commit()
    assert [item["resource"]["id"] for item in elsewhere(task)["assignments"]] == [user["id"]]
    assert [item["resource"]["id"] for item in elsewhere(project)["allocations"]] == [group["id"]]
    found = session.query(
        "Project where allocations.resource[Group].memberships any "
        f'(user.username is "{user["username"]}")'
    )
    assert found.one() is project


@scenario
def scopes_are_added_and_removed(session):
    _, _, _, task = new_project(session)
    scope = session.create("Scope", {"name": unique("scope")})
    task["scopes"].append(scope)
    session.commit()
    expression = f'Task where scopes.name is "{scope["name"]}"'
    assert session.query(expression).all() == [task]
    task["scopes"].remove(scope)
    session.commit()
    assert session.query(expression).all() == []


@scenario
def dates_of_tasks_lie_within_those_of_their_project(session):
    project, _, _, task = new_project(session)
    project["start_date"], project["end_date"] = "2024-01-01", "2024-02-01"
    session.commit()
    task["start_date"] = "2024-03-01"
    with refused("TypedContext dates must be within project start and end dates."):
        session.commit()
    session.rollback()


@scenario
def contexts_move(session):
    project, _, shot, task = new_project(session)
    folder = session.create("Folder", {"name": "folder", "parent": project})
    session.commit()
    shot["parent"] = folder
    session.commit()
    again = elsewhere(task)
    assert [item["name"] for item in again["link"][1:]] == ["folder", "sh010", "compositing"]
    assert {item["name"] for item in again["ancestors"]} == {"folder", "sh010"}


@scenario
def tasks_wait_for_others(session):
    _, _, shot, task = new_project(session)
    first = session.create("Task", {"name": "animation", "parent": shot})
    link = session.create("TypedContextLink", {"from": first, "to": task})
    session.commit()
    assert elsewhere(link)["type"] == "end_to_start"
    assert [item["from_id"] for item in elsewhere(task)["incoming_links"]] == [first["id"]]
    assert [item["to_id"] for item in elsewhere(first)["outgoing_links"]] == [task["id"]]
    session.delete(first)
    session.commit()
    assert elsewhere(task)["incoming_links"][:] == []
