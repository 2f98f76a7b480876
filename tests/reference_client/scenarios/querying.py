"""Queries: the language, paging, casts, grouping, searching, and how mistakes are told."""

from __future__ import annotations

import re

import ftrack_api
import ftrack_api.exception
import ftrack_api.symbol

from scenarios.stage import (
    caller,
    new_project,
    new_version,
    one,
    refused,
    scenario,
    unique,
)

#: One a line; indented lines go on with the one before.
EXPRESSIONS = """
select name from Project where status is active and (name like "%x%" or full_name like '%thrones')
select id, name from Task where assignments any (resource.username = "jenkins") and
  status.state.name not_in ("Done","Blocked") order by name desc limit 5 offset 10
User where is_active is True and not (timelogs any (start >= "2015-06-01"))
Note where author has (first_name is "Jane" and last_name is "Doe")
Project where children any ()
Task where not children any ()
select versions.components.name from Asset where id is {asset}
select version.asset.versions from Component where id is "{component}"
select asset.parent from AssetVersion where asset is_not None limit 10
select status from Task where project_id is {project} limit 10
select children, children.children, children.children.children,
  children.children.children.assignments, children.children.children.assignments.resource from
  Project where id is "{project}"
select versions.custom_attributes from Asset where id is "{asset}"
select task_status from SchemaStatus where schema_id is {project}
select _overrides.type_id, _overrides.workflow_schema.statuses.name,
  _schemas.statuses.task_status.color from ProjectSchema where id is {schema}
select link from AssetVersion where id is "{version}"
Location where name is 'ftrack.server'
select default, label, key, object_type.name, type.name from CustomAttributeConfiguration order
  by sort
Status where name="Done"
Component where version.asset.parent.project_id is "{project}" and component_locations any
  (location_id is "{component}")
User where is_active = True and (id = '{project}' or id = '{asset}')
Asset where name is "a" and type.short is "b" and parent.id is "{project}"
Timelog where start is "2015-11-18T15:24:09" and duration is 10 and user_id is "{project}" and
  context_id is "{project}"
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
    for line in re.split(r"\n(?! )", EXPRESSIONS.strip()):
        expression = line.format(**known)
        try:
            session.call([{"action": "query", "expression": expression}])
        except ftrack_api.exception.ServerError as error:
            raise AssertionError(f"{expression}\n{error}") from error
    (asset,) = session.query(
        f"select versions.components.name from Asset where id is {known['asset']}"
    )
    assert asset["versions"][0]["components"][0]["name"] == "main"
    names = [link["name"] for link in version["link"]]
    assert names[1:-1] == ["seq010", "sh010"], names
    assert shot["children"][0] is task


@scenario
def mistakes_are_told_as_the_real_server_does(session):
    for expression, text in (
        ("select nme from Task", "No attribute 'nme' exists for schema 'Task'."),
        (
            "select asset.parent.project from AssetVersion",
            "No attribute 'project' exists for schema 'Context'.",
        ),
        ("select name from Task where name is", "ParseError"),
        ("select name from Nothing", "Nothing"),
    ):
        with refused(text):
            session.call([{"action": "query", "expression": expression}])
    with refused("Invalid action u'make_coffee'"):
        session.call([{"action": "make_coffee"}])


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
def every_attribute_of_a_task_can_be_read(session):
    _, _, _, task = new_project(session)
    session.commit()
    other = ftrack_api.Session()
    task = other.get("Task", task["id"])
    for attribute in task:
        assert task[attribute] is not ftrack_api.symbol.NOT_SET, attribute


def names(session, expression):
    """Return the names of what *expression* finds."""
    return [entity["name"] for entity in session.query(expression)]


@scenario
def every_attribute_of_a_user_can_be_read(session):
    user = caller(session)
    for attribute in user:
        assert user[attribute] is not ftrack_api.symbol.NOT_SET, attribute


@scenario
def texts_are_compared_as_people_do(session):
    project, _, _, _ = new_project(session)
    session.commit()
    for name in (project["name"].upper(), f"{project['name']}  "):
        assert names(session, f'Project where name is "{name}"') == [project["name"]], name
        assert names(session, f'Project where name in ("{name}")') == [project["name"]], name
    assert names(session, f'Project where name is " {project["name"]}"') == []


@scenario
def quotes_and_wildcards_can_be_searched_for(session):
    project, _, _, _ = new_project(session)
    odd = '50% \\ of "it" isn\'t'
    session.create("Folder", {"name": odd, "parent": project})
    session.create("Folder", {"name": "500 of it", "parent": project})
    session.commit()
    below = f'Folder where parent.id is "{project["id"]}"'
    quoted = odd.replace('"', '\\"')
    assert names(session, f'{below} and name is "{quoted}"') == [odd]
    assert names(session, f'{below} and name like "50\\% %"') == [odd]
    assert len(names(session, f'{below} and name like "50%"')) == 2
    assert names(session, f"{below} and name like '%isn\\'t'") == [odd]


@scenario
def conditions_follow_relations_both_ways(session):
    project, sequence, shot, task = new_project(session)
    version = new_version(session, task)
    session.commit()
    inside = f'project_id is "{project["id"]}"'
    for expression, expected in (
        (f"Task where {inside} and parent[Shot].parent[Sequence].name is seq010", task),
        (f'Task where {inside} and ancestors any (id is "{sequence["id"]}")', task),
        (f"Sequence where {inside} and descendants any (name is compositing)", sequence),
        (f"Shot where {inside} and assets any ()", shot),
        (f"Shot where {inside} and not ancestors.name is_not seq010", shot),
        (f"Shot where id in (select parent_id from Task where {inside})", shot),
        (f'Asset where versions.task.id is "{task["id"]}"', version["asset"]),
        (f'AssetVersion where asset.parent.project_id is "{project["id"]}"', version),
        (f"AssetVersion where asset has (parent has ({inside}))", version),
    ):
        assert session.query(expression).one() is expected, expression


@scenario
def what_is_selected_comes_with_the_answer(session):
    project, _, _, task = new_project(session)
    task["metadata"] = {"some_key": "some_value"}
    session.commit()
    other = ftrack_api.Session(auto_populate=False)
    found = other.query(
        "select parent.name, parent[Shot].parent.name, status.state.name, metadata.key, "
        f'metadata.value, link, project.name from Task where id is "{task["id"]}"'
    ).one()
    assert found["parent"]["parent"]["name"] == "seq010"
    assert found["status"]["state"]["name"]
    assert found["metadata"]["some_key"] == "some_value"
    assert found["project"]["name"] == project["name"]
    assert [item["name"] for item in found["link"][1:]] == ["seq010", "sh010", "compositing"]
    assert found["description"] is ftrack_api.symbol.NOT_SET


@scenario
def an_offset_and_a_limit_cut_a_slice(session):
    project, _, _, _ = new_project(session)
    for index in range(10):
        session.create("Folder", {"name": f"f{index}", "parent": project})
    session.commit()
    ordered = f'Folder where parent.id is "{project["id"]}" order by name desc'
    assert names(session, f"{ordered} limit 3 offset 2") == ["f7", "f6", "f5"]
    assert names(session, f"{ordered} offset 8 limit 5") == ["f1", "f0"]
    unordered = ordered.replace(" order by name desc", "")
    assert names(session, f"{unordered} limit 4") == names(session, unordered)[:4]


@scenario
def rows_are_grouped_for_strict_sessions(session):
    project, _, shot, _ = new_project(session)
    session.create("Task", {"name": "second", "parent": shot, "bid": 7200})
    session.commit()
    where = f'where project_id is "{project["id"]}"'
    operation = {
        "action": "query",
        "expression": f"select count(id), sum(bid), max(bid) from Task {where} group by project_id",
    }
    strict = ftrack_api.Session(strict_api=True)
    row = one(one(strict.call([operation]))["data"])
    assert row["count_id"] == 2
    assert row["sum_bid"] == 7200
    assert row["max_bid"] == 7200
    assert row["project_id"] == project["id"]
    with refused(""):
        session.call([operation])


@scenario
def a_search_finds_every_word(session):
    project, _, shot, task = new_project(session)
    session.commit()

    def search(*terms):
        operation = {
            "action": "search",
            "entity_type": "TypedContext",
            "expression": "select id from TypedContext",
            "terms": list(terms),
            "context_id": project["id"],
            "object_type_ids": None,
        }
        return {entity["id"] for entity in one(session.call([operation]))["data"]}

    assert task["id"] in search("comp")
    assert shot["id"] not in search("comp")
    assert search("sh010", unique("nothing")) == set()


@scenario
def a_query_is_understood_without_being_answered(session):
    operation = {"action": "parse_query", "expression": "select name from Task"}
    assert one(session.call([operation]))
    with refused("ParseError"):
        session.call([{"action": "parse_query", "expression": "select from"}])
