"""Recorded operations, commits and rollbacks."""

from __future__ import annotations

from collections import OrderedDict

from registry import cases, family, program


def steps(**functions):
    return list(functions.items())


CHANGES = """
create
create, set
create, set, set
create, delete
create, set, delete
set
set, set
set name, set description
set, revert
set, delete
delete
delete, delete
create parent, create child
create child, set parent
set one, set other, set one
create, set reference
set to none
create two, delete first
set, rollback, set
create, rollback
delete, rollback
create, commit, set
create, commit, delete
set, commit, set
set, clear, set
create, append note
""".strip().splitlines()


@cases(*CHANGES)
def sequences_of_changes(t, script):
    """What a sequence of changes records, what a commit writes, and what is left."""
    tree = t.entities()
    session = t.session
    world = {"first": tree.task, "new": None, "child": None}
    actions = {
        "create": lambda: world.update(
            new=session.create("Task", {"name": "new", "parent": tree.shot})
        ),
        "create parent": lambda: world.update(
            new=session.create("Shot", {"name": "new", "parent": tree.sequence})
        ),
        "create child": lambda: world.update(
            child=session.create("Task", {"name": "child", "parent": world["new"] or tree.shot})
        ),
        "create two": lambda: world.update(
            new=session.create("Task", {"name": "one", "parent": tree.shot}),
            child=session.create("Task", {"name": "two", "parent": tree.shot}),
        ),
        "set": lambda: subject().__setitem__("name", f"name{len(session.recorded_operations)}"),
        "set name": lambda: subject().__setitem__("name", "renamed"),
        "set description": lambda: subject().__setitem__("description", "described"),
        "set one": lambda: tree.task.__setitem__("bid", len(session.recorded_operations)),
        "set other": lambda: tree.shot.__setitem__("bid", 5),
        "set parent": lambda: world["child"].__setitem__("parent", tree.sequence),
        "set reference": lambda: subject().__setitem__(
            "priority", session.query("Priority where name is 'High'").one()
        ),
        "set to none": lambda: subject().__setitem__("description", None),
        "revert": lambda: subject().__delitem__("name"),
        "clear": lambda: subject().clear(),
        "delete": lambda: session.delete(subject()),
        "delete first": lambda: session.delete(world["new"]),
        "append note": lambda: subject()["notes"].append(
            session.create(
                "Note", {"content": "c", "author": session.query("User order by username").first()}
            )
        ),
        "commit": session.commit,
        "rollback": session.rollback,
    }

    def subject():
        return world["new"] or tree.task

    for action in script.split(", "):
        t.note(action, lambda action=action: actions[action]() and None)
    t.say("recorded", [describe(operation) for operation in session.recorded_operations])
    t.say("created", sorted(str(type(e).__name__) for e in session.created))
    t.say("modified", len(session.modified))
    t.say("deleted", len(session.deleted))
    t.note("commit", session.commit)
    t.say("left", len(session.recorded_operations))
    t.note("state", t.api.inspection.state, subject())
    t.note("name", lambda: subject()["name"])
    other = t.open()
    found = other.query(
        f"select name, description from Context where project_id is {tree.project['id']}"
    )
    t.note("others", lambda: sorted([item["name"], item["description"]] for item in found))


def describe(operation):
    kind = type(operation).__name__
    if kind == "UpdateEntityOperation":
        return [kind, operation.entity_type, operation.attribute_name, operation.new_value]
    return [kind, operation.entity_type]


@program
def operations_by_hand(t):
    module = t.api.operation
    operations = module.Operations()
    t.say("empty", [len(operations), bool(operations), list(operations)])
    t.note("pop", operations.pop)
    one = module.CreateEntityOperation("Task", OrderedDict(id="x"), {"name": "n"})
    two = module.UpdateEntityOperation("Task", OrderedDict(id="x"), "name", "a", "b")
    three = module.DeleteEntityOperation("Task", OrderedDict(id="x"))
    for operation in (one, two, three):
        operations.push(operation)
    t.say("order", [type(item).__name__ for item in operations])
    t.say("created", [one.entity_type, one.entity_key, one.entity_data])
    t.say("updated", [two.attribute_name, two.old_value, two.new_value])
    t.say("deleted", [three.entity_type, three.entity_key])
    t.say("last", operations.pop() is three)
    operations.clear()
    t.say("cleared", len(operations))
    t.note("not an operation", operations.push, 5)
    t.say("bases", [base.__name__ for base in module.CreateEntityOperation.__mro__][:2])


@cases(
    "create",
    "update",
    "delete",
    "update twice",
    "create and update",
    "create and delete",
    "composite key",
    "dict key",
    "nonsense",
)
def raw_operations(t, kind):
    """Operations pushed for entities that are not in the session."""
    ids = t.tree()
    session = t.session
    module = t.api.operation
    push = session.recorded_operations.push
    key = OrderedDict(id=t.id("raw"))
    data = {"id": key["id"], "name": "raw", "parent_id": ids.shot}
    update = module.UpdateEntityOperation
    if kind.startswith("create"):
        push(module.CreateEntityOperation("Task", key, data))
    if kind == "create and update":
        push(update("Task", key, "name", t.api.symbol.NOT_SET, "other"))
    if kind == "create and delete":
        push(module.DeleteEntityOperation("Task", key))
    if kind.startswith("update"):
        push(update("Task", OrderedDict(id=ids.task), "name", "comp", "raw"))
    if kind == "update twice":
        push(update("Task", OrderedDict(id=ids.task), "name", "raw", "rawer"))
        push(update("Task", OrderedDict(id=ids.task), "bid", 0, 5))
    if kind == "delete":
        push(module.DeleteEntityOperation("Task", OrderedDict(id=ids.task)))
    if kind == "composite key":
        composite = OrderedDict([("parent_id", ids.task), ("key", "a")])
        push(
            module.CreateEntityOperation(
                "Metadata",
                composite,
                {"parent_id": ids.task, "parent_type": "task", "key": "a", "value": "1"},
            )
        )
        push(update("Metadata", composite, "value", "1", "2"))
    if kind == "dict key":
        push(update("Task", {"id": ids.task}, "name", "comp", "raw"))
    if kind == "nonsense":
        push(update("Nonsense", OrderedDict(id="x"), "name", "comp", "raw"))
    t.say("created", session.created)
    t.say("modified", session.modified)
    t.note("commit", session.commit)
    t.say("left", len(session.recorded_operations))
    session.recorded_operations.clear()
    t.note("name", lambda: session.get("Task", ids.task) and session.get("Task", ids.task)["name"])
    t.note("raw", lambda: session.get("Task", key["id"]) and session.get("Task", key["id"])["name"])


@program
def something_else_recorded(t):
    session = t.session
    task = t.entities().task
    task["name"] = "renamed"
    session.recorded_operations.push(5)
    t.say("states", [session.created, session.modified, session.deleted])
    t.say("state", t.api.inspection.state(task))
    t.note("commit", session.commit)
    t.say("left", len(session.recorded_operations))
    t.note("rollback", session.rollback)
    t.say("name", task["name"])


@program
def operations_replaced(t):
    tree = t.entities()
    session = t.session
    kept = session.recorded_operations
    session.recorded_operations = t.api.operation.Operations()
    tree.task["name"] = "renamed"
    session.commit()
    t.say("kept", len(kept))
    session.recorded_operations = kept
    t.say("name", tree.task["name"])


@program
def a_reference_and_its_id_at_once(t):
    """The server takes what comes last, which is a matter of the order in a request."""
    tree = t.entities()
    session = t.session
    first, second = session.query("Status order by name").all()[:2]
    for names in (("status", "status_id"), ("status_id", "status")):
        values = {"status": first, "status_id": second["id"]}
        for name in names:
            tree.task[name] = values[name]
        session.commit()
        expression = f"select status.name from Task where id is {tree.task['id']}"
        t.say("status", session.query(expression).one()["status"]["name"])


@program
def a_failed_commit_keeps_what_was_recorded(t):
    tree = t.entities()
    session = t.session
    tree.task["name"] = "renamed"
    session.create("Task", {"name": "bad", "parent_id": "nothing"})
    t.note("commit", session.commit)
    t.say("recorded", len(session.recorded_operations))
    t.say("name", tree.task["name"])
    session.rollback()
    t.say("name", tree.task["name"])
    session.commit()


@program
def rollback_of_everything(t):
    tree = t.entities()
    session = t.session
    new = session.create("Task", {"name": "new", "parent": tree.shot})
    tree.task["name"] = "renamed"
    session.delete(tree.version)
    tree.shot["metadata"]["a"] = "1"
    session.rollback()
    t.say("recorded", len(session.recorded_operations))
    t.say("states", t.api.inspection.states([tree.task, tree.version]))
    t.say("name", tree.task["name"])
    t.say("metadata", dict(tree.shot["metadata"]))
    t.note("new", lambda: session.get("Task", new["id"]))
    t.note("new name", lambda: new["name"])


@program
def a_deleted_entity(t):
    tree = t.entities()
    session = t.session
    session.delete(tree.task)
    t.say("state", t.api.inspection.state(tree.task))
    t.say("deleted", session.deleted)
    session.commit()
    t.note("get", lambda: session.get("Task", tree.task["id"]))
    t.note("name", lambda: tree.task["name"])
    t.note("not loaded", lambda: tree.task["bid"])
    t.note("change", lambda: tree.task.__setitem__("name", "x"))
    t.note("commit", session.commit)


@program
def states_through_a_life(t):
    tree = t.entities()
    session = t.session
    state = t.api.inspection.state
    task = session.create("Task", {"name": "new", "parent": tree.shot})
    t.say("created", [state(task), len(session.created)])
    task["name"] = "renamed"
    t.say("still created", [state(task), len(session.created), len(session.modified)])
    session.commit()
    t.say("committed", [state(task), len(session.created)])
    task["name"] = "again"
    t.say("modified", [state(task), len(session.modified)])
    session.delete(task)
    t.say("deleted", [state(task), len(session.modified), len(session.deleted)])
    session.commit()
    t.say("gone", [state(task), len(session.deleted)])


@cases(
    ("Shot", {"name": "n", "parent": "sequence"}),
    ("Task", {"name": "n", "parent": "shot", "bid": 3600, "description": "d"}),
    ("Asset", {"name": "n", "parent": "shot", "type": "AssetType"}),
    ("AssetVersion", {"asset": "asset", "task": "task", "comment": "c"}),
    ("Note", {"content": "c", "author": "User", "parent": "task"}),
    ("Timelog", {"user": "User", "context": "task", "duration": 60}),
    ("Appointment", {"context": "task", "resource": "User", "type": "assignment"}),
    ("TypedContextLink", {"from": "task", "to": "shot"}),
    ("List", {"name": "n", "project": "project", "category": "ListCategory"}),
    ("AssetVersionList", {"name": "n", "project": "project", "category": "ListCategory"}),
    ("ReviewSession", {"name": "n", "project": "project"}),
    ("Folder", {"name": "n", "parent": "project", "metadata": {"a": "1", "b": "2"}}),
    ("Milestone", {"name": "n", "parent": "project", "end_date": "2001-02-03"}),
    ("AssetBuild", {"name": "n", "parent": "project"}),
    ("Task", {"name": "n", "parent": "shot", "status": "Status where name is 'In progress'"}),
    ("Task", {"name": "n", "parent": "shot", "type": "Type where name is 'Lighting'"}),
    ("Task", {"name": "n", "parent": "shot", "start_date": "2001-02-03"}),
    ("Task", {"name": None, "parent": "shot"}),
    ("Task", {"parent": "shot"}),
    ("Task", {"name": "n"}),
    ("Shot", {"name": "n", "parent": "sequence", "children": []}),
    ("Job", {"user": "User", "status": "running", "data": "{}"}),
)
def creating(t, kind_and_data):
    """What is written for a new entity, and what the server makes of it."""
    kind, data = kind_and_data
    tree = t.entities()

    def resolve(value):
        if not isinstance(value, str) or value in ("n", "c", "d"):
            return value
        if hasattr(tree, value):
            return getattr(tree, value)
        first = value.split(" ", 1)[0]
        if first in t.session.types:
            return t.session.query(value).first()
        return value

    entity = t.note(
        "create",
        t.session.create,
        kind,
        {
            key: value if key == "type" and kind == "Appointment" else resolve(value)
            for key, value in data.items()
        },
    )
    t.note("commit", t.session.commit)
    t.note("state", t.api.inspection.state, entity)
    for key in data:
        t.note(key, lambda key=key: entity[key])


@family(
    "[session.create('Task', {'name': str(i), 'parent': shot})['name'] for i in range(3)], session.commit()",
    "[session.create('Task', {'name': str(i), 'parent': shot})['name'] for i in range(60)] and session.commit()",
    "session.create('Task', {'name': 'x', 'parent': shot}, reconstructing=True)",
    "session.create('Task', {'id': 'fixed', 'name': 'x'}, reconstructing=True)['name']",
    "session.create('Task', {'id': shot['id'], 'name': 'x'}, reconstructing=True)['name']",
    "session.create('Task', {'id': task['id'], 'name': 'known'}, reconstructing=True) is task",
    "session.create('Task', None)['name']",
    "session.create('Task')['name']",
    "session.create('Task', {'id': 'mine', 'parent': shot})['id']",
    "session.create('Task', data={'name': 'a'}, reconstructing=False)['name']",
    "session.create(entity_type='Task', data={'name': 'a'})['name']",
    "session.create('Task', {'name': 'a', 'children': None})['children']",
    "session.create('Task', {'name': 'a', 'link': []})",
    "session.create('Task', {'name': 'a', 'metadata': 5})",
    "session.create('Task', {'name': 'a', 'parent': 5})['parent']",
)
def create_forms(t):
    tree = t.entities()
    return {"session": t.session, "shot": tree.shot, "task": tree.task}


@cases("delete", "assign", "pop", "pop unloaded", "delete collection", "update")
def forgetting_what_was_not_set(t, how):
    """It is recorded like any change, and of no effect on what a commit writes."""
    task, unset = t.entities().task, t.api.symbol.NOT_SET
    session = t.session
    actions = {
        "delete": lambda: task.__delitem__("name"),
        "assign": lambda: task.__setitem__("description", unset),
        "pop": lambda: task.pop("name"),
        "pop unloaded": lambda: task.pop("bid"),
        "delete collection": lambda: task.__delitem__("metadata"),
        "update": lambda: task.update({"name": unset, "bid": unset}),
    }
    t.note(how, actions[how])
    t.say("recorded", len(session.recorded_operations))
    t.say("state", t.api.inspection.state(task))
    t.say("modified", session.modified)
    task["priority"] = session.query("Priority where name is 'High'").one()
    session.commit()
    t.say("afterwards", [task["name"], task["bid"], t.api.inspection.state(task)])
