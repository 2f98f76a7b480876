"""Entities as mappings: reading, writing, comparing, printing, merging."""

from __future__ import annotations

import copy
import datetime
import pickle

from registry import cases, family, program

READ = """
task['name']
task['nonsense']
task.get('name')
task.get('nonsense')
task.get('nonsense', 5)
'name' in task
'nonsense' in task
'parent' in task
len(task) == len(task.keys())
sorted(task.keys())[:5]
sorted(task)[:5]
type(task.keys()).__name__
type(task.values()).__name__
type(task.items()).__name__
sorted(name for name, value in task.items())[:5]
dict(task)['name']
{**task}['name']
task['parent']
task['parent']['name']
task['project']['name']
task['status']['name']
task['type']['name']
task['priority']['name']
task['link']
[item['name'] for item in task['link']][1:-1]
task['link'][-2]['type']
type(task['link']).__name__
task['ancestors']
[item['name'] for item in task['ancestors']]
task['children']
len(task['children'])
task['assignments']
task['notes']
task['metadata']
task['custom_attributes']
task['thumbnail_id']
task['thumbnail']
task['start_date']
task['description']
task['bid']
task['sort']
task['id'] == task_id
task['time_logged']
task['created_at'] is None
type(task['created_at']).__name__
task['created_by']
task['object_type']['name']
task['scopes']
task['timelogs']
task['name'].upper()
str(task)
repr(type(task))
type(task).__name__
task.entity_type
type(task).__module__
type(task).__mro__[-3:]
[base.__name__ for base in type(task).__mro__ if base.__name__ in ('Entity', '_EntityBase')]
type(task).primary_key_attributes
sorted(type(task).default_projections)
type(type(task)).__name__
task == task
task == 5
task != None
task == None
task == dict(task)
hash(task) == hash(task)
hash(task) == hash(str(api.inspection.identity(task)))
{task: 1}[session.get('Task', task['id'])]
task in [task['parent'], task]
task['parent'] is task['project']
task['parent']['parent']['parent'] is task['project']
task['project']['parent']
task.session is session
isinstance(task, session.types['Task'])
isinstance(task, api.entity.base.Entity)
isinstance(task, __import__('collections').abc.MutableMapping)
task.logger.name
bool(task)
task.pop('name')
task.popitem() and None
task.setdefault('name', 'other')
task.setdefault('nonsense', 'other')
task.update({'name': 'renamed'}), task['name']
task.update({'nonsense': 1})
task[5]
task[None]
sorted(session.types)[:5]
task.attributes.get('name').name
task['parent'].get('name')
task['parent']['children'][0] is task
task['parent']['children'][0]['name']
task['parent']['assets'][0]['versions'][0]['comment']
task['project']['project_schema']['name']
session.types['Task']
session.types['Nonsense']
api.inspection.identity(task)
api.inspection.primary_key(task)
type(api.inspection.primary_key(task)).__name__
api.inspection.state(task)
api.inspection.states([task, task['parent']])
api.inspection.states([task, task, task['parent'], task])
api.inspection.states([])
copy.copy(task) is task
task.keys() & {'name'}
task['version_id']
task.nonsense
task.name
"""


@family(*READ.strip().splitlines())
def read(t):
    """What can be asked of a task that is on the server."""
    task = t.tree().task
    names = {"session": t.session, "task": t.session.get("Task", task), "task_id": task}
    return {**names, "copy": copy}


@family(
    "version['asset']['name']",
    "version['link']",
    "version['version']",
    "version['is_latest_version']",
    "version['components']",
    "version['user']['username']",
    "version['date'].__class__.__name__",
    "version['status']['name']",
    "version['task']['name']",
    "version['asset']['parent']['name']",
    "version['asset']['latest_version'] is version",
    "version['asset']['type']['name']",
    "version['thumbnail_url']",
    "version['uses_versions']",
    "version['lists']",
    "str(version)",
    "version['asset']['versions']",
    "version['review_session_objects']",
    "version['incoming_links']",
    "version['nonsense']",
    "sorted(version.keys())[:6]",
    "version['is_published']",
    "version['notes'].mutable",
    "version['project']['name'] if 'project' in version else None",
)
def read_version(t):
    return {"version": t.session.get("AssetVersion", t.tree().version)}


@family(
    "project['name']",
    "project['status']",
    "project['children'][0]['name']",
    "project['descendants'].__class__.__name__",
    "len(project['descendants'])",
    "project['managers']",
    "project['link']",
    "str(project)",
    "project['start_date']",
    "project['root']",
    "project['parent']",
    "project['context_type']",
    "project['project_schema'].get_types('Task').__class__.__name__",
    "project['disk']",
    "project['is_private']",
    "project['color']",
    "project['parent_id']",
    "project['entity_type']",
)
def read_project(t):
    return {"project": t.session.get("Project", t.tree().project)}


@cases(
    ("name", "renamed"),
    ("name", 5),
    ("name", None),
    ("description", "text"),
    ("description", "ünïcödé ✓"),
    ("description", "{braces} 'and' \"quotes\" %s"),
    ("bid", 3600),
    ("bid", 1.5),
    ("bid", "text"),
    ("nonsense", 1),
    ("id", "other"),
    ("status", None),
    ("parent", None),
    ("parent_id", "nothing"),
    ("link", []),
    ("children", []),
    ("start_date", "2001-02-03"),
    ("start_date", "nonsense"),
    ("context_type", "x"),
    ("created_at", "2001-02-03"),
    ("project", None),
    ("metadata", {"a": "1"}),
    ("metadata", None),
    ("metadata", 5),
    ("custom_attributes", {}),
    ("assignments", None),
    ("assignments", 5),
    ("time_logged", 5),
    ("sort", 2),
)
def write(t, name_and_value):
    """Setting one attribute, and what becomes of it in a commit and for others."""
    name, value = name_and_value
    task = t.entities().task
    t.note("set", task.__setitem__, name, value)
    t.note("read", lambda: task[name])
    t.say("state", t.api.inspection.state(task))
    t.say("recorded", [type(item).__name__ for item in t.session.recorded_operations])
    t.note("commit", t.session.commit)
    t.note("afterwards", lambda: task[name])
    t.session.rollback()
    other = t.open().get("Task", task["id"])
    t.note("others see", lambda: other[name])


@program
def deleting_a_key_reverts(t):
    task = t.entities().task
    task["name"] = "renamed"
    del task["name"]
    t.say("name", task["name"])
    t.say("state", t.api.inspection.state(task))
    t.note("unknown", task.__delitem__, "nonsense")
    t.say("recorded", len(t.session.recorded_operations))
    t.session.commit()


@program
def clear_reverts_all(t):
    task = t.entities().task
    task["name"] = "renamed"
    task["description"] = "text"
    task.clear()
    t.say("values", [task["name"], task["description"]])
    t.session.commit()


@program
def setting_what_is_there_already(t):
    task = t.entities().task
    task["name"] = task["name"]
    t.say("recorded", len(t.session.recorded_operations))
    t.say("state", t.api.inspection.state(task))
    t.session.commit()


@program
def setting_a_value_and_back(t):
    task = t.entities().task
    before = task["name"]
    task["name"] = "renamed"
    task["name"] = before
    t.say("recorded", len(t.session.recorded_operations))
    t.say("state", t.api.inspection.state(task))
    t.session.commit()


@program
def moving_to_another_parent(t):
    tree = t.entities()
    tree.task["parent"] = tree.sequence
    t.say("before", [tree.task["parent"], tree.task["parent_id"] == tree.sequence["id"]])
    t.session.commit()
    t.say("after", [tree.task["parent"]["name"], tree.task["parent_id"] == tree.sequence["id"]])
    t.say("link", [item["name"] for item in tree.task["link"]][1:])


@program
def merge_tells_the_changes(t):
    task = t.entities().task
    with t.session.operation_recording(False):
        other = t.session._create(
            "Task", {"id": task["id"], "name": "renamed", "bid": 5}, reconstructing=True
        )
    changes = task.merge(other)
    t.say("changes", sorted(changes, key=lambda change: change["name"]))
    t.say("name", task["name"])
    t.say("again", task.merge(other))


@program
def merge_of_a_local_value(t):
    tree = t.entities()
    other_session = t.open()
    other = other_session.get("Task", tree.task["id"])
    other["name"] = "elsewhere"
    t.say(
        "changes",
        [c for c in tree.task.merge(other) if c["type"] == "local_attribute"],
    )
    t.say("name", tree.task["name"])
    t.say("recorded", len(t.session.recorded_operations))


@program
def session_merge_of_another_session(t):
    tree = t.entities()
    other = t.open().get("Task", tree.task["id"])
    merged = t.session.merge(other)
    return [merged is tree.task, merged is other, merged == other, merged.session is t.session]


@family(
    "session.merge(5)",
    "session.merge('text')",
    "session.merge(None)",
    "session.merge([1, 2])",
    "session.merge({'a': 1})",
    "session.merge(task) is task",
    "session.merge([task])[0] is task",
    "session.merge(task['parent']['children'])",
    "session.merge(task['metadata'])",
)
def session_merge(t):
    return {"session": t.session, "task": t.entities().task}


@program
def equality_across_sessions(t):
    task = t.entities().task
    other = t.open().get("Task", task["id"])
    return [task == other, task is other, hash(task) == hash(other), len({task, other})]


@program
def a_new_entity_has_defaults(t):
    task = t.session.create("Task", {"name": "new"})
    with t.session.auto_populating(False):
        values = {name: task[name] for name in sorted(task.keys())}
    t.say("values", {key: value for key, value in values.items() if key != "id"})
    t.say("state", t.api.inspection.state(task))
    t.say("text", len(str(task)))


@cases("Project", "Shot", "AssetVersion", "Note", "FileComponent", "User", "List", "Timelog", "Job")
def defaults_of_types(t, kind):
    entity = t.session.create(kind, {})
    with t.session.auto_populating(False):
        values = {name: entity[name] for name in sorted(entity.keys())}
    return values


@program
def unknown_keys_are_ignored_when_created(t):
    task = t.session.create("Task", {"name": "new", "nonsense": 5})
    return ["nonsense" in task, task["name"]]


@program
def entities_without_a_key_print(t):
    entity = t.session._create("Task", {}, reconstructing=True)
    t.note("str", str, entity)
    t.note("identity", t.api.inspection.identity, entity)
    t.note("primary key", t.api.inspection.primary_key, entity)
    t.note("hash", lambda: hash(entity) and None)
    t.note("equal", lambda: entity == t.session.get("Task", t.tree().task))


@program
def items_load_everything_at_once(t):
    task = t.entities().task
    names = [name for name, _ in task.items()]
    t.say("names", names == list(task.keys()))
    with t.session.auto_populating(False):
        t.say("loaded", [name for name in task if task[name] is t.api.symbol.NOT_SET])


@program
def without_auto_populating(t):
    task = t.tree().task
    session = t.open(auto_populate=False)
    entity = session.query(f"select id from Task where id is {task}").one()
    t.say("name", entity["name"])
    t.say("parent", entity["parent"])
    t.note("children", lambda: entity["children"])
    t.note("metadata", lambda: dict(entity["metadata"]))
    t.note("custom", lambda: dict(entity["custom_attributes"]))
    t.note("values", lambda: [value for value in entity.values() if not value][:1])
    t.note("contains", lambda: "name" in entity)
    session.populate(entity, "name")
    t.say("populated", entity["name"])
    session.auto_populate = True
    t.say("afterwards", entity["description"])


@cases("name", "name, description", "parent.name", "children.name", "nonsense", "", "metadata")
def populate(t, projections):
    tree = t.tree()
    session = t.session
    tasks = session.query(f"select id from Task where project_id is '{tree.project}'").all()
    t.note("populate", session.populate, tasks, projections)
    with session.auto_populating(False):
        (task,) = tasks
        t.say("name", task["name"])
        t.say("description", task["description"])
        t.note("parent", lambda: task["parent"] and task["parent"]["name"])


@family(
    "session.populate([], 'name')",
    "session.populate((), 'name')",
    "session.populate(session.create('Task', {'name': 'new'}), 'name')",
    "session.populate(session.query('Project'), 'name')",
    "session.populate([session.query('Project').first(), session.query('User').first()], 'id')",
)
def populate_forms(t):
    return {"session": t.session}


@program
def populating_keeps_local_values(t):
    task = t.entities().task
    task["name"] = "renamed"
    t.session.populate(task, "name, description")
    t.say("name", task["name"])
    t.session.rollback()
    t.say("name", task["name"])


@program
def deepcopy_fails(t):
    try:
        copy.deepcopy(t.entities().task)
    except TypeError:
        return "refused"


@program
def pickling_is_refused(t):
    try:
        pickle.dumps(t.entities().task)
    except pickle.PicklingError:
        return "refused"


@program
def tools_look_for_what_is_loaded(t):
    task = t.session.query(
        f"select name, parent.name from Task where id is '{t.tree().task}'"
    ).one()
    task["description"] = "set"
    storage = task._ftrack_attribute_storage
    for name in sorted(task.keys()):
        if name in storage:
            loaded = storage[name]["remote"] is not t.api.symbol.NOT_SET
            is_set = storage[name]["local"] is not t.api.symbol.NOT_SET
            if loaded or is_set:
                t.say(name, [loaded, is_set])


@program
def iteration_gives_names(t):
    task = t.entities().task
    return [list(task) == list(task.attributes.keys()), all(isinstance(n, str) for n in task)]


@cases("arrow", "zone", "aware", "naive", "micro", "date", "text", "text with zone")
def times_written(t, kind):
    """What becomes of points in time in all the forms in which scripts give them."""
    import arrow

    zone = datetime.timezone(datetime.timedelta(hours=2))
    value = {
        "arrow": arrow.get("2001-02-03T04:05:06"),
        "zone": arrow.get("2001-02-03T04:05:06+02:00"),
        "aware": datetime.datetime(2001, 2, 3, 4, 5, 6, tzinfo=zone),
        "naive": datetime.datetime(2001, 2, 3, 4, 5, 6),
        "micro": datetime.datetime(2001, 2, 3, 4, 5, 6, 789),
        "date": datetime.date(2001, 2, 3),
        "text": "2001-02-03T04:05:06",
        "text with zone": "2001-02-03T04:05:06+02:00",
    }[kind]
    tree = t.entities()
    tree.task["start_date"] = value
    t.say("read", tree.task["start_date"] is value)
    t.note("commit", t.session.commit)
    t.say("others", t.open().get("Task", tree.task["id"])["start_date"])
    timelog = {"start": value, "duration": 5, "context_id": tree.task["id"]}
    made = t.note("ensure", lambda: t.session.ensure("Timelog", timelog, ["context_id", "start"]))
    t.note("again", lambda: t.session.ensure("Timelog", timelog, ["context_id", "start"]) is made)


@family(
    "type(start).__name__",
    "isinstance(start, arrow.Arrow)",
    "str(start)",
    "f'{start}'",
    "start.strftime('%Y-%m-%d %H:%M')",
    "start.format('YYYY-MM-DD HH:mm')",
    "start.isoformat()",
    "start.shift(days=1)",
    "start.shift(hours=-5).hour",
    "start.replace(hour=7)",
    "start.date().isoformat()",
    "start.naive.isoformat()",
    "start.to('+02:00')",
    "(start.shift(hours=1) - start).total_seconds()",
    "start < start.shift(seconds=1)",
    "sorted([start.shift(days=1), start])[0] == start",
    "start == arrow.get('2001-02-03T04:05:06')",
    "start == datetime.datetime(2001, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc)",
    "start.tzinfo.utcoffset(None).total_seconds()",
    "start > task['created_at']",
    "session.encode({'start': start})",
    "session.query(f'Task where id is {task_id} and start_date is \"{start.naive.isoformat()}\"').one() is task",
)
def times(t):
    """What can be done with a point in time, which is an `arrow.Arrow`."""
    import arrow

    task = t.entities().task
    task["start_date"] = "2001-02-03T04:05:06"
    t.session.commit()
    other = t.open()
    task = other.get("Task", task["id"])
    names = {"arrow": arrow, "datetime": datetime, "session": other, "task": task}
    return {**names, "start": task["start_date"], "task_id": task["id"]}
