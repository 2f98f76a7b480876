"""People and what is theirs: users, groups, invites, roles, jobs, lists and reviews."""

from __future__ import annotations

import json

import ftrack_api
import ftrack_api.exception

from scenarios.stage import (
    caller,
    elsewhere,
    new_project,
    new_user,
    new_version,
    refused,
    scenario,
    unique,
)


@scenario
def ensure_finds_what_it_made(session):
    username = unique("user")
    first = session.ensure("User", {"username": username})
    second = session.ensure("User", {"username": username, "email": "a@example.com"}, ["username"])
    assert first is second
    assert ftrack_api.Session().get("User", first["id"])["email"] == "a@example.com"


@scenario
def a_new_user_is_unknown_but_for_its_name(session):
    user = new_user(session)
    session.commit()
    assert user["is_active"] is False
    assert elsewhere(user)["resource_type"] == "user"
    session.create("User", {"username": user["username"]})
    with refused("Duplicate"):
        session.commit()
    session.rollback()


@scenario
def a_user_goes_with_all_that_is_theirs(session):
    _, _, _, task = new_project(session)
    user = new_user(session)
    session.create("Appointment", {"context": task, "resource": user, "type": "assignment"})
    session.create("Job", {"user": user, "status": "running"})
    session.create("Timelog", {"user": user, "context": task, "duration": 10})
    session.commit()
    user.start_timer(task)
    session.delete(user)
    session.commit()
    assert elsewhere(user) is None
    assert elsewhere(task)["assignments"][:] == []


@scenario
def invites_are_sent(session):
    users = [new_user(session, email="a@example.com"), new_user(session)]
    project, _, _, _ = new_project(session)
    review = session.create("ReviewSession", {"name": "review", "project": project})
    invitee = session.create(
        "ReviewSessionInvitee",
        {"name": "Client", "email": "client@example.com", "review_session": review},
    )
    session.commit()
    users[0].send_invite()
    session.send_user_invites(users)
    session.send_review_session_invite(invitee)
    session.send_review_session_invites([invitee, invitee])


@scenario
def roles_are_given_and_taken(session):
    user = new_user(session)
    project, _, _, _ = new_project(session)
    session.commit()
    first, second = session.query("SecurityRole").all()[:2]
    identity = {"user_id": user["id"], "role_id": first["id"]}

    def roles():
        expression = (
            "select security_role.name, is_all_projects from UserSecurityRole "
            f'where user_id is "{user["id"]}"'
        )
        return [row["security_role_id"] for row in ftrack_api.Session().query(expression)]

    session.call([{"action": "add_user_security_role", **identity}])
    assert roles() == [first["id"]]
    change = {"action": "update_user_security_role", "new_role_id": second["id"]}
    session.call([{**change, **identity}])
    assert roles() == [second["id"]]
    identity["role_id"] = second["id"]
    for action in ("grant_user_security_role_project", "revoke_user_security_role_project"):
        session.call([{"action": action, "project_id": project["id"], **identity}])
    session.call([{"action": "remove_user_security_role", **identity}])
    assert roles() == []


@scenario
def a_job_tells_how_far_it_is(session):
    data = json.dumps({"description": "My custom job"})
    job = session.create("Job", {"user": caller(session), "status": "running", "data": data})
    session.commit()
    again = elsewhere(job)
    assert (again["type"], again["finished_at"]) == ("api_job", None)
    assert json.loads(again["data"]) == {"description": "My custom job"}
    job["status"] = "done"
    component = session.create("FileComponent", {"name": "log"})
    session.create("JobComponent", {"job_id": job["id"], "component_id": component["id"]})
    session.commit()
    again = elsewhere(job)
    assert again["finished_at"]
    assert [item["component_id"] for item in again["job_components"]] == [component["id"]]


@scenario
def lists_hold_entities_of_their_kind(session):
    project, _, _, task = new_project(session)
    version = new_version(session, task)
    category = session.query("ListCategory").first()
    common = {"project": project, "category": category}
    versions = session.create("AssetVersionList", {"name": unique("dailies"), **common})
    tasks = session.create("TypedContextList", {"name": unique("todo"), **common})
    versions["items"].append(version)
    tasks["items"].append(task)
    session.commit()
    assert [item["id"] for item in elsewhere(versions)["items"]] == [version["id"]]
    assert [item["id"] for item in elsewhere(version)["lists"]] == [versions["id"]]
    assert elsewhere(tasks)["system_type"] == "task"
    versions["items"].remove(version)
    session.commit()
    assert elsewhere(versions)["items"][:] == []
    tasks["items"].append(version)
    with refused(""):
        session.commit()
    session.rollback()


@scenario
def a_review_shows_versions(session):
    project, _, _, task = new_project(session)
    version = new_version(session, task)
    review = session.create(
        "ReviewSession", {"name": "client review", "description": "d", "project": project}
    )
    shown = session.create(
        "ReviewSessionObject",
        {
            "name": "shot",
            "description": "first",
            "version": "Version 1",
            "review_session": review,
            "asset_version": version,
        },
    )
    session.commit()
    assert [item["id"] for item in elsewhere(review)["review_session_objects"]] == [shown["id"]]
    session.delete(review)
    session.commit()
    assert elsewhere(shown) is None


@scenario
def projects_have_managers(session):
    project, _, _, task = new_project(session)
    session.commit()
    user = caller(session)
    assert elsewhere(task)["managers"][:] == []
    manager_type = session.query("ManagerType").first()
    session.create("Manager", {"context": project, "user": user, "type": manager_type})
    session.commit()
    assert [item["user_id"] for item in elsewhere(project)["managers"]] == [user["id"]]
