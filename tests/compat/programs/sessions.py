"""Sessions: how they are opened and closed, what they record, encode, call and write."""

from __future__ import annotations

import datetime
import inspect
import json
import os
import threading
import weakref

from registry import cases, family, program


@cases(
    {"server_url": ""},
    {"server_url": "nonsense"},
    {"api_key": ""},
    {"api_user": ""},
    {"cookies": 5},
    {"headers": 5},
    {"cookies": ["a"]},
    {"headers": "text"},
    {"strict_api": 1},
    {"strict_api": None},
    {"strict_api": "true"},
    {"headers": {"X-Studio": "1"}, "cookies": {"a": "1"}},
    {"headers": {}, "cookies": {}},
    {"strict_api": True},
    {"timeout": 5},
    {"timeout": None},
    {"auto_populate": False},
    {"plugin_paths": []},
    {"plugin_paths": None},
    {"schema_cache_path": False},
    {"cache": lambda session: None},
)
def opening(t, options):
    """What arguments are taken and refused."""
    session = t.note("open", lambda: type(t.open(**options)).__name__)
    if session:
        opened = t.session
        t.say("settings", [opened.request_timeout, opened.auto_populate, opened.closed])
        t.note("projects", lambda: len(opened.query("Project").all()))


@cases("FTRACK_SERVER", "FTRACK_API_KEY", "FTRACK_API_USER")
def missing_settings(t, name):
    """Settings come from the environment."""
    saved = os.environ.pop(name)
    try:
        t.note("open", lambda: t.api.Session(plugin_paths=[], schema_cache_path=False).api_user)
    finally:
        os.environ[name] = saved


@program
def the_older_name_of_the_key(t):
    key = os.environ.pop("FTRACK_API_KEY")
    os.environ["FTRACK_APIKEY"] = key
    try:
        session = t.api.Session(plugin_paths=[], schema_cache_path=False)
        return session.api_key == key
    finally:
        del os.environ["FTRACK_APIKEY"]
        os.environ["FTRACK_API_KEY"] = key


@program
def a_wrong_key(t):
    try:
        t.open(api_key="wrong")
    except t.api.exception.ServerError as error:
        return "wrong" in str(error)


@program
def arguments_by_position(t):
    session = t.api.Session(
        t.url,
        os.environ["FTRACK_API_KEY"],
        os.environ["FTRACK_API_USER"],
        False,
        [],
        None,
        None,
        False,
        False,
        None,
    )
    return [session.auto_populate, session.server_url]


@program
def a_slash_at_the_end_of_the_address(t):
    return t.open(server_url=t.url + "/").server_url


@family(
    "session.closed",
    "session.server_url",
    "session.api_user",
    "sorted(session.server_information)",
    "session.server_information is session.server_information",
    "session.auto_populate",
    "session.record_operations",
    "session.created",
    "session.modified",
    "session.deleted",
    "len(session.recorded_operations)",
    "bool(session.recorded_operations)",
    "type(session.recorded_operations).__name__",
    "type(session.cache).__name__",
    "[type(cache).__name__ for cache in session.cache.caches]",
    "type(session.cache_key_maker).__name__",
    "type(session.event_hub).__name__",
    "session.event_hub.connected",
    "session.event_hub.server.scheme",
    "session.logger.name",
    "session.request_timeout",
    "session._local_cache is session.cache.caches[0]",
    "session._server_url == session.server_url",
    "bool(session._auto_connect_event_hub_thread)",
    "type(session._thread_lock).__name__",
    "session._plugin_paths",
    "session._closed",
    "len(session.types) == len(session.schemas)",
    "type(session.types).__name__",
    "type(session.schemas).__name__",
    "sorted(session.schemas[0])",
    "sorted(schema['id'] for schema in session.schemas)[:9]",
    "sorted(schema['alias_for']['id'] for schema in session.schemas if isinstance(schema.get('alias_for'), dict))",
    "session.check_server_compatibility()",
    "sorted(session.cache.keys())",
    "sorted(session._local_cache.keys())",
    "session.auto_populating(False).__class__.__name__",
    "session.operation_recording(False).__class__.__name__",
    "session.__enter__() is session",
    "session.commit()",
    "session.rollback()",
    "session.get_widget_url('info')",
    "session.get_widget_url('tasks', entity=session.query('Task').first(), theme='dark')",
    "session.get_widget_url('nonsense')",
    "session.reset_remote('nonsense')",
    "session.get_upload_metadata('c', 'file.mov', 10).__class__.__name__",
    "session.delete(5)",
    "session.delete(None)",
    "session.create('Nonsense')",
    "session.create('Nonsense', {})",
    "session.create('task', {})",
    "session.ensure('Project', {})",
    "session.ensure('Nonsense', {'a': 1})",
    "session.ensure('Project', {'name': 'paper_moon'})['name']",
    "session.ensure('Project', {'name': 'paper_moon'}, identifying_keys=['full_name'])",
    "session.pick_location()",
    "session.pick_location()['name']",
    "session.call([])",
    "session.call({'action': 'query', 'expression': 'Project'})",
    "session.call([{'action': 'nonsense'}])",
    "session._call",
    "session.nonsense",
    "session.encode_media('/nowhere/at/all.mov')",
    "session.create_component('/nowhere/at/all.mov', location=None)",
    "session.create_component('/nowhere/at/all.%04d.exr', location=None)",
    "session.send_user_invite(None)",
)
def properties(t):
    return {"session": t.session}


@program
def a_closed_session(t):
    session = t.session
    task = session.get("Task", t.tree().task)
    session.close()
    session.close()
    t.say("closed", session.closed)
    t.note("query", lambda: session.query("Project").all())
    t.note("get", lambda: session.get("Project", "x"))
    t.note("call", session.call, [{"action": "query", "expression": "select id from User"}])
    t.note("loaded", lambda: task["name"])
    t.note("not loaded", lambda: task["bid"])
    t.note("create", lambda: session.create("Task", {"name": "new"})["name"])
    t.note("commit", session.commit)
    t.note("rollback", session.rollback)


@program
def a_session_as_a_context(t):
    with t.session as session:
        t.say("closed", session.closed)
    t.say("closed", session.closed)


@program
def reset_forgets(t):
    tree = t.entities()
    tree.task["name"] = "renamed"
    tree.task.session.get("Location", t.api.symbol.SERVER_LOCATION_ID).priority = 7
    t.session.reset()
    again = t.session.get("Task", tree.task["id"])
    t.say("same", again is tree.task)
    t.say("name", again["name"])
    t.say("recorded", len(t.session.recorded_operations))
    t.say("location", t.session.get("Location", t.api.symbol.SERVER_LOCATION_ID).priority)


@family(
    "inspect.getfullargspec(Session.__init__).args",
    "inspect.getfullargspec(Session.__init__).defaults",
    "inspect.isfunction(Session.close)",
    "weakref.WeakMethod(session.close)() == session.close",
    "weakref.ref(session)() is session",
    "setattr(session, 'anything', 5), session.anything",
    "hasattr(Session, 'record_operations')",
    "session.__dict__.__class__.__name__",
    "hash(session) == hash(session)",
    "session == session",
    "str(hash(session)).isdigit() or True",
    "isinstance(session, api.Session) and isinstance(session, api.session.Session)",
)
def introspection(t):
    return {
        "session": t.session,
        "Session": t.api.Session,
        "inspect": inspect,
        "weakref": weakref,
    }


@program
def a_mock_of_a_session(t):
    from unittest.mock import Mock

    mock = Mock(spec=t.api.Session)
    mock.query.return_value = 5
    t.say("query", mock.query("Task"))
    t.say("is a session", isinstance(mock, t.api.Session))
    t.note("unknown", lambda: mock.nonsense)
    return [hasattr(mock, name) for name in ("call", "event_hub", "commit", "server_url", "types")]


@program
def a_mocked_call_takes_effect_everywhere(t):
    session = t.session
    task = session.get("Task", t.tree().task)
    asked = []
    real = session.call

    def call(data):
        asked.append([item["action"] for item in data])
        return real(data)

    session.call = call
    len(session.query("Project").all())
    task["description"]
    task["name"] = "renamed"
    session.commit()
    session.get("User", "nothing")
    return asked


@program
def a_call_that_gives_what_a_test_wants(t):
    session = t.session
    asked = []

    def call(data):
        asked.append(data)
        return [{"data": [], "metadata": {"next": {"offset": None}}}]

    session.call = call
    t.say("all", session.query("select id from User limit 10").all())
    return asked


@program
def an_overridden_query_takes_effect(t):
    asked = []

    class Session(t.api.Session):
        def query(self, expression, page_size=500):
            asked.append(expression)
            return super().query(expression, page_size=page_size)

    session = Session(t.url, plugin_paths=[], schema_cache_path=False)
    session.get("User", "nothing")
    session.ensure("Project", {"name": "paper_moon"})
    session.query("Status").first()
    session.populate(session.query("select id from Status").all(), "name")
    session.close()
    return asked


@program
def an_overridden_create_takes_effect(t):
    made = []

    class Session(t.api.Session):
        def create(self, entity_type, data=None, reconstructing=False):
            made.append([entity_type, reconstructing])
            return super().create(entity_type, data=data, reconstructing=reconstructing)

    session = Session(t.url, plugin_paths=[], schema_cache_path=False)
    del made[:]
    parent = t.tree().shot
    session.ensure("Task", {"name": "ensured", "parent_id": parent})
    component = session.create_component(t.path("a.txt"), location=None)
    t.say("component", type(component).__name__)
    session.recorded_operations.clear()
    session.close()
    return made


@cases("one", "none", "several")
def ensure(t, count):
    project = t.tree().project
    for index in range({"one": 1, "none": 0, "several": 2}[count]):
        t.make("Folder", f"{index}", name=f"f{index}", parent_id=project, description="same")
    t.note(
        "ensure",
        lambda: t.session.ensure(
            "Folder",
            {"description": "same", "parent_id": project, "name": "f0"},
            identifying_keys=["description", "parent_id"],
        )["name"],
    )


@program
def ensure_updates_what_differs(t):
    tree = t.entities()
    data = {"name": "sh010", "parent": tree.sequence, "description": "new"}
    with_parent = t.session.create("Shot", {"name": "sh020", "parent": tree.sequence})
    t.session.commit()
    t.note("by reference", lambda: t.session.ensure("Shot", data, ["name"])["description"])
    data = {"name": "sh020", "parent_id": tree.sequence["id"], "description": "it's new"}
    ensured = t.session.ensure("Shot", data, ["name", "parent_id"])
    t.say("same", ensured is with_parent)
    t.say("description", ensured["description"])
    t.note("missing", t.session.ensure, "Shot", {"name": "a"}, ["nonsense"])


@cases(
    {"a": 1},
    [1, "text", None, True, 1.5],
    "text",
    {"b": 1, "a": [{"c": 2}]},
    datetime.datetime(2001, 2, 3, 4, 5, 6),
    datetime.date(2001, 2, 3),
    {1, 2},
    object,
    b"bytes",
    {"a": {1: 2}},
    "ünïcödé",
    float("inf"),
)
def encode(t, value):
    t.note("encode", t.session.encode, value)
    t.note("nested", t.session.encode, [{"value": value}])


@cases("all", "set_only", "modified_only", "persisted_only", "nonsense", "", None)
def encode_entities(t, strategy):
    tree = t.tree()
    session = t.session
    task = session.query(f"select name, parent, metadata from Task where id is {tree.task}").one()
    task["description"] = "changed"
    encoded = session.encode(task, entity_attribute_strategy=strategy)
    data = json.loads(encoded)
    # When the server stamps and counts is not the client's business.
    return {key: value for key, value in data.items() if not key.startswith(("created", "thumb"))}


@family(
    "session.entity_reference(task)",
    "session.encode(session.entity_reference(task))",
    "session.encode(task['parent'])",
    "session.encode(task['metadata'])",
    "session.encode(task['notes'])",
    "session.encode([task])",
    "session.encode({'task': task})",
    "session.entity_reference(5)",
    "session.decode('5')",
    "session.decode('[1, 2]')",
    "session.decode('nonsense')",
    'session.decode(\'{"a": {"b": 1}}\')',
    'session.decode(\'{"__type__": "datetime", "value": "2001-02-03T04:05:06"}\')',
    'session.decode(\'{"__type__": "datetime", "value": "2001-02-03T04:05:06+00:00"}\')',
    'session.decode(\'{"__type__": "datetime", "value": "2001-02-03T04:05:06+02:00"}\')',
    'session.decode(\'{"__type__": "other", "value": 1}\')',
    'session.decode(\'{"__entity_type__": "Task", "id": "x", "name": "n"}\')[\'name\']',
    'session.decode(\'{"__entity_type__": "Task", "id": "x"}\')',
    'session.decode(\'{"__entity_type__": "Nonsense", "id": "x"}\')',
    'session.decode(\'{"__entity_type__": "Task", "id": "x"}\') is session.get(\'Task\', \'x\')',
    "session.decode(session.encode(task))['name']",
    "session.decode(session.encode(task)) == task",
)
def decode(t):
    task = t.session.get("Task", t.tree().task)
    task["name"]
    return {"session": t.session, "task": task}


@program
def settings_belong_to_threads(t):
    session = t.session
    session.auto_populate = False
    session.record_operations = False
    seen = []

    def look():
        seen.append([session.auto_populate, session.record_operations])
        session.auto_populate = True
        with session.operation_recording(False):
            seen.append(session.record_operations)
        seen.append(session.record_operations)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    t.say("in the thread", seen)
    t.say("outside", [session.auto_populate, session.record_operations])


@program
def contexts_restore_after_errors(t):
    session = t.session
    try:
        with session.auto_populating(False), session.operation_recording(False):
            t.say("within", [session.auto_populate, session.record_operations])
            raise ValueError
    except ValueError:
        t.say("after", [session.auto_populate, session.record_operations])


@program
def recording_switched_off(t):
    task = t.entities().task
    with t.session.operation_recording(False):
        task["name"] = "unrecorded"
        created = t.session.create("Task", {"name": "unrecorded"})
        t.session.delete(task)
    t.say("name", task["name"])
    t.say("states", t.api.inspection.states([task, created]))
    t.say("recorded", len(t.session.recorded_operations))
    t.session.commit()


@program
def the_request_session_is_honoured(t):
    session = t.session
    session._request.headers["ftrack-user"] = session.api_user
    session._request.headers.update({"X-Studio": "1"})
    t.say("headers", session._request.headers["X-Studio"])
    return len(session.query("Project").all())


@program
def refused_by_the_server(t):
    session = t.session
    session.create("Task", {"name": "without a parent", "parent_id": "nothing"})
    try:
        session.commit()
    except t.api.exception.ServerError as error:
        t.say("args", len(error.args))
        t.say("details", error.details)
        t.say("message", error.message == str(error))
    t.say("recorded", len(session.recorded_operations))
    session.rollback()
    t.say("recorded", len(session.recorded_operations))


@program
def strict_answers(t):
    session = t.open(strict_api=True)
    t.note("query", lambda: session.query("select nonsense from Task").all())
    t.note("call", session.call, [{"action": "nonsense"}])
