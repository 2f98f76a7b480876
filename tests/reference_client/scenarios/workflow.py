"""Workflows: the statuses and types that a project schema allows."""

from __future__ import annotations

from scenarios.stage import elsewhere, new_project, new_version, refused, scenario, unique


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


@scenario
def a_schema_is_built_of_its_parts(session):
    statuses = session.query("Status order by name").all()[:4]
    types = session.query("Type order by name").all()[:2]
    kinds = {kind["name"]: kind["id"] for kind in session.query("select name from ObjectType")}

    def workflow(*allowed):
        made = session.create("WorkflowSchema", {"name": unique("workflow")})
        for status in allowed:
            ids = {"workflow_schema_id": made["id"], "status_id": status["id"]}
            session.create("WorkflowSchemaStatus", ids)
        return made

    type_schema = session.create("TaskTypeSchema", {"name": unique("types")})
    for kind in types:
        ids = {"task_type_schema_id": type_schema["id"], "type_id": kind["id"]}
        session.create("TaskTypeSchemaType", ids)
    schema = session.create(
        "ProjectSchema",
        {
            "name": unique("schema"),
            "task_workflow_schema": workflow(statuses[0]),
            "asset_version_workflow_schema": workflow(statuses[1]),
            "task_type_schema": type_schema,
        },
    )
    session.create(
        "ProjectSchemaOverride",
        {
            "project_schema_id": schema["id"],
            "type_id": types[1]["id"],
            "workflow_schema": workflow(statuses[2]),
        },
    )
    for name in ("Task", "Shot"):
        ids = {"project_schema_id": schema["id"], "object_type_id": kinds[name]}
        session.create("ProjectSchemaObjectType", ids)
    of_shots = session.create(
        "Schema", {"project_schema_id": schema["id"], "type_id": kinds["Shot"]}
    )
    ids = {"schema_id": of_shots["id"], "status_id": statuses[3]["id"]}
    session.create("SchemaStatus", ids)
    session.commit()

    built = elsewhere(schema)

    def allowed(*arguments):
        return [status["id"] for status in built.get_statuses(*arguments)]

    assert allowed("Task") == [statuses[0]["id"]]
    assert allowed("AssetVersion") == [statuses[1]["id"]]
    assert allowed("Task", types[1]["id"]) == [statuses[2]["id"]]
    assert allowed("Shot") == [statuses[3]["id"]]
    assert {kind["id"] for kind in built.get_types("Task")} == {kind["id"] for kind in types}
    assert {kind["name"] for kind in built["object_types"]} == {"Task", "Shot"}

    name = unique("project")
    project = session.create("Project", {"name": name, "full_name": name, "project_schema": schema})
    shot = session.create("Shot", {"name": "sh010", "parent": project})
    task = session.create("Task", {"name": "second", "parent": shot, "type": types[1]})
    version = new_version(session, task)
    session.commit()
    given = [elsewhere(entity)["status_id"] for entity in (version, task, shot)]
    assert given == [status["id"] for status in statuses[1:]]
    session.create("Sequence", {"name": "sq010", "parent": project})
    with refused("The object type is not allowed by the schema of the project."):
        session.commit()
    session.rollback()


@scenario
def templates_name_the_tasks_of_new_entities(session):
    schema = session.query("ProjectSchema").first()
    types = session.query("Type order by name").all()[:2]
    template = session.create("TaskTemplate", {"name": unique("vfx"), "project_schema": schema})
    for kind in types:
        session.create("TaskTemplateItem", {"template": template, "task_type": kind})
    session.commit()
    (found,) = [
        item for item in elsewhere(schema)["task_templates"] if item["id"] == template["id"]
    ]
    assert {item["task_type"]["id"] for item in found["items"]} == {kind["id"] for kind in types}
