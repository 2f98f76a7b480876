"""Sessions: signing in, schemas, batches, and the actions that are not about entities."""

from __future__ import annotations

import os
import tempfile
import urllib.request

import ftrack_api
import ftrack_api.exception
import ftrack_api.symbol

from scenarios.stage import (
    caller,
    elsewhere,
    new_project,
    new_user,
    new_version,
    one,
    refused,
    scenario,
    unique,
)


@scenario
def session_starts_and_knows_the_builtin_locations(session):
    assert len(session.types) > 100
    assert session.server_information["schema_hash"]
    names = {location["name"] for location in session.query("select name from Location")}
    assert {"ftrack.origin", "ftrack.unmanaged", "ftrack.review", "ftrack.server"} <= names
    server = session.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
    assert server["name"] == "ftrack.server"
    assert server.accessor


@scenario
def schemas_are_cached_by_their_hash(session):
    assert session._read_schemas_from_cache is not None
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "schemas.json")
        session._write_schemas_to_cache(session.schemas, path)
        schemas, digest = session._read_schemas_from_cache(path)
    assert digest == session.server_information["schema_hash"]
    assert len(schemas) == len(session.schemas)


@scenario
def a_wrong_key_or_user_is_refused(session):
    for arguments in ({"api_key": "wrong"}, {"api_user": "nobody"}):
        with refused("InvalidCredentialsError"):
            ftrack_api.Session(**arguments)


@scenario
def a_failing_batch_leaves_nothing(session):
    name = unique("seq")
    project, _, _, _ = new_project(session)
    session.commit()
    session.create("Sequence", {"name": name, "parent": project})
    session.create("Sequence", {"name": name, "parent": project})
    with refused("Duplicate"):
        session.commit()
    session.rollback()
    assert session.query(f'Sequence where name is "{name}"').all() == []


@scenario
def a_strict_session_is_told_of_mistakes_as_others_are(session):
    strict = ftrack_api.Session(strict_api=True)
    project, _, _, _ = new_project(strict)
    strict.commit()
    assert strict.get("Project", project["id"])["name"] == project["name"]
    with refused("No attribute 'nme' exists for schema 'Task'."):
        strict.query("select nme from Task").all()
    with refused("Invalid action u'make_coffee'"):
        strict.call([{"action": "make_coffee"}])
    strict.create("Sequence", {"name": "SEQ010", "parent": project})
    with refused("Duplicate"):
        strict.commit()


@scenario
def what_a_batch_refers_to_may_come_later_in_it(session):
    scope, name = session.create("Scope", {"name": None}), unique("scope")
    session.create("Scope", {"name": unique("scope")})
    scope["name"] = name
    session.commit()
    assert elsewhere(scope)["name"] == name


@scenario
def widgets_have_pages(session):
    _, _, _, task = new_project(session)
    session.commit()
    for name, entity in (("info", task), ("tasks", None), ("tasks_browser", None)):
        for theme in (None, "light", "dark"):
            url = session.get_widget_url(name, entity=entity, theme=theme)
            with urllib.request.urlopen(url, timeout=10) as page:
                assert page.status == 200, name


@scenario
def a_new_api_key_replaces_the_old_one(session):
    user = new_user(session, is_active=True)
    session.commit()
    first, second = user.reset_api_key(), user.reset_api_key()
    assert first != second
    own = ftrack_api.Session(api_user=user["username"], api_key=second)
    assert own.query("Location").first()
    with refused("InvalidCredentialsError"):
        ftrack_api.Session(api_user=user["username"], api_key=first)


@scenario
def a_reset_of_an_unknown_kind_is_refused(session):
    user = caller(session)
    for kind in (["id"], ["email"], "coffee"):
        with refused(""):
            session.reset_remote(kind, entity=user)


@scenario
def a_delayed_job_is_answered_as_an_entity(session):
    operation = {"action": "delayed_job", "job_type": "SYNC_USERS_LDAP"}
    job = one(session.call([operation]))["data"]
    assert job.entity_type == "Job"
    assert session.get("Job", job["id"])["status"] in {"queued", "running", "done"}


@scenario
def permissions_and_rollups_are_answered(session):
    permissions, rollups = session.call(
        [{"action": "permissions"}, {"action": "compute_rollups", "entity_type": "Task"}]
    )
    assert isinstance(permissions["data"], dict)
    assert rollups["data"] == []


@scenario
def more_is_told_of_the_server_when_it_is_asked_for(session):
    values = ["default_colors", "week_startday", "workday_length", "user_information"]
    answer = one(session.call([{"action": "query_server_information", "values": values}]))
    assert answer["user_information"]["username"] == session.api_user
    assert isinstance(answer["default_colors"], list)


@scenario
def settings_are_found_by_group_and_name(session):
    setting = session.query('Setting where group is "STORAGE" and name is "storage_scenario"').one()
    assert setting["value"]


@scenario
def a_reset_session_forgets_and_asks_again(session):
    _, _, _, task = new_project(session)
    new_version(session, task)
    session.commit()
    session.reset()
    assert session.get("Task", task["id"])["name"] == "compositing"
