"""What the official client does against the embedded server, one function a scenario.

Runs in the official client's own virtual environment, where nothing but that client is installed: `python scenarios.py` runs every scenario with the server named by the
FTRACK_* variables and writes one JSON line for each: its name and, when it failed, the traceback.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
import uuid

import arrow
import ftrack_api
import ftrack_api.exception
import ftrack_api.inspection
import ftrack_api.symbol

SCENARIOS = {}


def scenario(function):
    """Register *function*, which takes a new session."""
    SCENARIOS[function.__name__] = function
    return function


def unique(prefix):
    """Return a name nothing else has."""
    return f"{prefix}_{uuid.uuid4().hex[:8]}"


def new_project(session):
    """Create a project with one sequence, shot and task, uncommitted."""
    schema = session.query("ProjectSchema").first()
    name = unique("project")
    project = session.create(
        "Project", {"name": name, "full_name": f"{name} full", "project_schema": schema}
    )
    sequence = session.create("Sequence", {"name": "seq010", "parent": project})
    shot = session.create("Shot", {"name": "sh010", "parent": sequence})
    task = session.create("Task", {"name": "compositing", "parent": shot})
    return project, sequence, shot, task


def new_version(session, task):
    """Create an asset below the parent of *task* and a version of it, uncommitted."""
    asset = session.create(
        "Asset",
        {
            "name": unique("asset"),
            "parent": task["parent"],
            "type": session.query("AssetType").first(),
        },
    )
    return session.create("AssetVersion", {"asset": asset, "task": task, "comment": "first"})


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


EXPRESSIONS = """
select name from Project where status is active and (name like "%x%" or full_name like '%thrones')
select id, name from Task where assignments any (resource.username = "jenkins") and status.state.name not_in ("Done","Blocked") order by name desc limit 5 offset 10
User where is_active is True and not (timelogs any (start >= "2015-06-01"))
Note where author has (first_name is "Jane" and last_name is "Doe")
Project where children any ()
Task where not children any ()
select versions.components.name from Asset where id is {asset}
select version.asset.versions from Component where id is "{component}"
select asset.parent from AssetVersion where asset is_not None limit 10
select status from Task where project_id is {project} limit 10
select children, children.children, children.children.children, children.children.children.assignments, children.children.children.assignments.resource from Project where id is "{project}"
select versions.custom_attributes from Asset where id is "{asset}"
select task_status from SchemaStatus where schema_id is {project}
select _overrides.type_id, _overrides.workflow_schema.statuses.name, _schemas.statuses.task_status.color from ProjectSchema where id is {schema}
select link from AssetVersion where id is "{version}"
Location where name is 'ftrack.server'
select default, label, key, object_type.name, type.name from CustomAttributeConfiguration order by sort
Status where name="Done"
Component where version.asset.parent.project_id is "{project}" and component_locations any (location_id is "{component}")
User where is_active = True and (id = '{project}' or id = '{asset}')
Asset where name is "a" and type.short is "b" and parent.id is "{project}"
Timelog where start is "2015-11-18T15:24:09" and duration is 10 and user_id is "{project}" and context_id is "{project}"
select email from User where id in ({project},{asset})
select value from Metadata where (parent_id is "X"and key is "k")
ObjectType where name is "task"
select name from Task where parent[Shot].name like "sh%" and ancestors any (name is "nothing")
select parent[Shot].parent[Sequence].name from Task limit 3
Project where descendants any (name like "x%")
Task where custom_attributes any (key is "fstart" and value is "1001")
Shot where custom_attributes.configuration.key is fstart
User where not timelogs any ()
Task where metadata any (key=some_key and value=some_value)
AssetVersion where asset.id={asset} and task.id={project} and is_latest_version is true
AssetVersion where date after "2015-11-18T15:24:09+00:00" order by version descending
select id, components, asset , asset.name from AssetVersion where id is "{version}"
Task where status.type.name is "Done" order by status.sort, id
Job where status is running and created_at < "2040-01-01"
Context where parent_id in (select id from Project where name like "%")
Component where id is non-existant-id
"""


@scenario
def every_documented_expression_is_answered(session):
    project, _, shot, task = new_project(session)
    version = new_version(session, task)
    component = session.create("FileComponent", {"version": version, "name": "main"})
    session.commit()
    known = {
        "project": project["id"],
        "asset": version["asset_id"],
        "component": component["id"],
        "version": version["id"],
        "schema": project["project_schema_id"],
    }
    for line in EXPRESSIONS.strip().splitlines():
        expression = line.format(**known)
        try:
            session.call([{"action": "query", "expression": expression}])
        except ftrack_api.exception.ServerError as error:
            raise AssertionError(f"{expression}\n{error}") from error
    (asset,) = session.query(f'select versions.components.name from Asset where id is {known["asset"]}')
    assert asset["versions"][0]["components"][0]["name"] == "main"
    names = [link["name"] for link in version["link"]]
    assert names[1:-1] == ["seq010", "sh010"], names
    assert shot["children"][0] is task


@scenario
def a_publish_hierarchy_is_created_in_one_commit(session):
    project, sequence, shot, task = new_project(session)
    version = new_version(session, task)
    session.commit()
    other = ftrack_api.Session()
    again = other.get("AssetVersion", version["id"])
    assert again["version"] == 1
    assert again["comment"] == "first"
    assert again["task"]["id"] == task["id"]
    assert again["asset"]["parent"]["id"] == shot["id"]
    assert again["task"]["project"]["name"] == project["name"]
    assert again["task"]["status"]["name"]
    assert again["user"]["username"] == other.api_user
    assert isinstance(again["date"], arrow.Arrow)
    assert other.get("Sequence", sequence["id"])["parent"]["id"] == project["id"]


@scenario
def versions_of_an_asset_count_up(session):
    _, _, _, task = new_project(session)
    first = new_version(session, task)
    session.commit()
    second = session.create("AssetVersion", {"asset": first["asset"], "task": task})
    session.commit()
    assert (first["version"], second["version"]) == (1, 2)
    session.populate(first["asset"], "latest_version")
    assert first["asset"]["latest_version"] is second


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
def a_failing_batch_leaves_nothing(session):
    name = unique("seq")
    project, _, _, _ = new_project(session)
    session.commit()
    session.create("Sequence", {"name": name, "parent": project})
    session.create("Sequence", {"name": name, "parent": project})
    try:
        session.commit()
    except ftrack_api.exception.ServerError as error:
        assert "Duplicate" in str(error)
    else:
        raise AssertionError("two siblings of one name were accepted")
    session.rollback()
    assert session.query(f'Sequence where name is "{name}"').all() == []


@scenario
def mistakes_are_told_as_the_real_server_does(session):
    for expression, text in (
        ("select nme from Task", "No attribute 'nme' exists for schema 'Task'."),
        ("select asset.parent.project from AssetVersion", "No attribute 'project' exists for schema 'Context'."),
        ("select name from Task where name is", "ParseError"),
        ("select name from Nothing", "Nothing"),
    ):
        try:
            session.call([{"action": "query", "expression": expression}])
        except ftrack_api.exception.ServerError as error:
            assert text in str(error), (expression, str(error))
        else:
            raise AssertionError(f"accepted: {expression}")
    try:
        session.call([{"action": "make_coffee"}])
    except ftrack_api.exception.ServerError as error:
        assert "Invalid action u'make_coffee'" in str(error)


@scenario
def a_wrong_key_or_user_is_refused(session):
    for arguments in ({"api_key": "wrong"}, {"api_user": "nobody"}):
        try:
            ftrack_api.Session(**arguments)
        except ftrack_api.exception.ServerError as error:
            assert "InvalidCredentialsError" in str(error), str(error)
        else:
            raise AssertionError(f"accepted {arguments}")


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
def custom_attributes_are_dense_and_can_be_set(session):
    _, _, shot, _ = new_project(session)
    session.commit()
    assert {"fstart", "fend"} <= set(shot["custom_attributes"].keys())
    shot["custom_attributes"]["fstart"] = 1001
    session.commit()
    other = ftrack_api.Session()
    assert other.get("Shot", shot["id"])["custom_attributes"]["fstart"] == 1001
    found = other.query('select id from Shot where custom_attributes any (key is "fstart" and value is "1001")')
    assert shot["id"] in [entity["id"] for entity in found]


@scenario
def every_attribute_of_a_task_can_be_read(session):
    _, _, _, task = new_project(session)
    session.commit()
    other = ftrack_api.Session()
    task = other.get("Task", task["id"])
    for attribute in task.keys():
        assert task[attribute] is not ftrack_api.symbol.NOT_SET, attribute


@scenario
def results_come_in_pages_without_gaps(session):
    project, _, _, _ = new_project(session)
    names = [f"f{index:02}" for index in range(23)]
    for name in names:
        session.create("Folder", {"name": name, "parent": project})
    session.commit()
    expression = f'select name from Folder where parent.id is "{project["id"]}" order by name'
    assert [folder["name"] for folder in session.query(expression, page_size=5)] == names
    assert session.query(expression).first()["name"] == "f00"


@scenario
def datetimes_keep_microseconds_in_answers_and_seconds_in_queries(session):
    username = unique("user")
    user = session.create("User", {"username": username})
    start = arrow.utcnow()
    timelog = session.create("Timelog", {"user": user, "start": start, "duration": 10})
    session.commit()
    assert timelog["start"] == start
    other = ftrack_api.Session()
    assert other.get("Timelog", timelog["id"])["start"] == start.replace(microsecond=0)


@scenario
def ensure_finds_what_it_made(session):
    username = unique("user")
    first = session.ensure("User", {"username": username})
    second = session.ensure("User", {"username": username, "email": "a@example.com"}, ["username"])
    assert first is second
    assert ftrack_api.Session().get("User", first["id"])["email"] == "a@example.com"


@scenario
def notes_have_their_author_as_recipient(session):
    _, _, _, task = new_project(session)
    author = session.query(f'User where username is "{session.api_user}"').one()
    session.commit()
    note = task.create_note("Hello", author)
    session.commit()
    note.create_reply("And back", author)
    session.commit()
    other = ftrack_api.Session()
    note = other.get("Note", note["id"])
    assert note["content"] == "Hello"
    assert [reply["content"] for reply in note["replies"]] == ["And back"]
    assert author["id"] in [recipient["resource_id"] for recipient in note["recipients"]]


@scenario
def a_file_is_published_to_the_server_and_read_back(session):
    _, _, _, task = new_project(session)
    version = new_version(session, task)
    session.commit()
    content = os.urandom(300_000)
    with tempfile.NamedTemporaryFile(suffix=".bin") as source:
        source.write(content)
        source.flush()
        server = session.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
        component = version.create_component(source.name, {"name": "main"}, location=server)
    assert server.get_component_availability(component) == 100.0
    resource = server.accessor.open(server.get_resource_identifier(component), "rb")
    assert resource.read() == content
    assert component["file_type"] == ".bin"
    assert component["size"] == len(content)


@scenario
def a_sequence_is_published_to_the_server_and_read_back(session):
    _, _, _, task = new_project(session)
    version = new_version(session, task)
    session.commit()
    with tempfile.TemporaryDirectory() as folder:
        contents = {}
        for index in (1, 2, 3):
            contents[index] = os.urandom(1000 + index)
            with open(os.path.join(folder, f"frame.{index:04}.exr"), "wb") as frame:
                frame.write(contents[index])
        server = session.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
        path = os.path.join(folder, "frame.%04d.exr [1-3]")
        component = version.create_component(path, {"name": "main"}, location=server)
    other = ftrack_api.Session()
    component = other.get("SequenceComponent", component["id"])
    server = other.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
    assert component["padding"] == 4
    assert server.get_component_availability(component) == 100.0
    for member in component["members"]:
        resource = server.accessor.open(server.get_resource_identifier(member), "rb")
        assert resource.read() == contents[int(member["name"])]


@scenario
def a_removed_component_is_gone(session):
    with tempfile.NamedTemporaryFile(suffix=".txt") as source:
        source.write(b"text")
        source.flush()
        server = session.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
        component = session.create_component(source.name, location=server)
    identifier = server.get_resource_identifier(component)
    server.remove_component(component)
    assert server.get_component_availability(component) == 0.0
    try:
        server.accessor.open(identifier, "rb").read()
    except ftrack_api.exception.AccessorOperationFailedError:
        pass
    else:
        raise AssertionError("a removed component can still be read")


@scenario
def a_still_is_encoded_and_becomes_the_thumbnail(session):
    _, _, _, task = new_project(session)
    version = new_version(session, task)
    session.commit()
    job = version.encode_media(os.environ["SCENARIO_STILL"])
    for _ in range(600):
        session.populate(job, "status")
        if job["status"] in ("done", "failed"):
            break
        del job["status"]
        session._local_cache.remove(
            session.cache_key_maker.key(ftrack_api.inspection.identity(job))
        )
        job = session.get("Job", job["id"])
    assert job["status"] == "done", job["data"]
    other = ftrack_api.Session()
    assert other.get("AssetVersion", version["id"])["thumbnail_id"]
    data = json.loads(other.get("Job", job["id"])["data"])
    assert {"format", "component_id"} <= set(data["output"][0])


def main():
    """Run every scenario with a session of its own."""
    for name, function in SCENARIOS.items():
        outcome = {"name": name, "failure": None}
        try:
            with ftrack_api.Session() as session:
                function(session)
        except BaseException:
            outcome["failure"] = traceback.format_exc()
        print(json.dumps(outcome), flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        print("\n".join(SCENARIOS))
    else:
        main()
