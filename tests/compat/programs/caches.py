"""Caches, their keys, and caches of the results of functions."""

from __future__ import annotations

import importlib
import json
import os

from registry import cases, family, program


@cases("memory", "proxy", "layered", "file", "serialised")
def interfaces(t, kind):
    """What every cache does with keys that are and are not there."""
    module = t.api.cache
    cache = {
        "memory": module.MemoryCache,
        "proxy": lambda: module.ProxyCache(module.MemoryCache()),
        "layered": lambda: module.LayeredCache([module.MemoryCache(), module.MemoryCache()]),
        "file": lambda: module.FileCache(os.path.join(t.folder, "cache.dbm")),
        "serialised": lambda: module.SerialisedCache(
            module.MemoryCache(), encode=lambda v: f"<{v}>", decode=lambda v: v.strip("<>")
        ),
    }[kind]()
    t.note("missing", cache.get, "a")
    t.note("remove missing", cache.remove, "a")
    t.note("set", cache.set, "a", "1")
    t.note("get", cache.get, "a")
    cache.set("b", "2")
    cache.set("key3", "3")
    t.note("keys", lambda: sorted(as_text(key) for key in cache.keys()))
    t.note("values", lambda: sorted(as_text(value) for value in cache.values()))
    t.note("clear some", cache.clear, "^key")
    t.note("keys", lambda: sorted(as_text(key) for key in cache.keys()))
    t.note("remove", cache.remove, "a")
    t.note("removed", cache.get, "a")
    t.note("clear", cache.clear)
    t.note("keys", lambda: list(cache.keys()))
    t.say("truth", bool(cache))


def as_text(value):
    return value.decode() if isinstance(value, bytes) else value


@program
def layers(t):
    module = t.api.cache
    one, two = module.MemoryCache(), module.MemoryCache()
    cache = module.LayeredCache([one, two])
    two.set("a", "below")
    t.say("get", cache.get("a"))
    t.say("copied up", one.get("a"))
    cache.set("b", "both")
    t.say("set", [one.get("b"), two.get("b")])
    cache.remove("a")
    t.note("removed above", one.get, "a")
    t.note("removed below", two.get, "a")
    t.say("layers", cache.caches == [one, two])
    cache.caches.append(module.MemoryCache())
    t.say("keys", sorted(cache.keys()))
    t.note("missing", cache.get, "x")
    t.note("remove missing", cache.remove, "x")
    empty = module.LayeredCache([])
    t.note("of none", empty.get, "a")
    t.note("set of none", empty.set, "a", 1)


@program
def an_abstract_cache(t):
    return t.api.cache.Cache()


@cases(
    "a",
    ("Task", ["id"]),
    ("Task", ["a", "b"]),
    5,
    None,
    ["a", 1],
    {"b": 1, "a": 2},
    {"a": {"b": [1]}},
    True,
    1.5,
    ("a", "b"),
    "ünïcödé",
)
def keys(t, item):
    """Keys that the makers give."""
    for name in ("StringKeyMaker", "ObjectKeyMaker"):
        maker = getattr(t.api.cache, name)()
        t.note(f"{name} item", maker.key, item)
        t.note(f"{name} items", maker.key, item, "more", item)


@program
def keys_of_functions(t):
    maker = t.api.cache.ObjectKeyMaker()
    t.note("same", lambda: maker.key(as_text) == maker.key(as_text))
    t.note("class", lambda: maker.key(dict) == maker.key(dict))
    t.note("others", lambda: maker.key(as_text) == maker.key(sorted))
    t.note("separator", lambda: maker.item_separator)


@program
def a_key_maker_of_ones_own(t):
    class Maker(t.api.cache.KeyMaker):
        def _key(self, item):
            return str(item)

    maker = Maker()
    t.say("one", maker.key("a"))
    maker.item_separator = "|"
    t.say("several", maker.key("a", "b", 5))
    t.note("abstract", t.api.cache.KeyMaker)


@program
def memoising(t):
    module = t.api.cache
    calls = []

    def function(a, b=2):
        calls.append([a, b])
        return {"a": a, "b": b}

    memoiser = module.Memoiser()
    one = memoiser.call(function, (1,), {})
    two = memoiser.call(function, (1,), {"b": 2})
    three = memoiser.call(function, (), {"a": 1})
    t.say("equal", [one == two == three, one is two])
    t.say("calls", calls)
    one["a"] = "changed"
    t.say("copy", memoiser.call(function, (1,), {}))
    shared = module.Memoiser(return_copies=False)
    t.say("shared", shared.call(function, (1,)) is shared.call(function, (1,)))
    t.note("no arguments", memoiser.call, lambda: 5)
    decorated = module.memoise_decorator(module.Memoiser())(function)
    decorated(7)
    decorated(7)
    t.say("decorated", [calls[-1], len(calls), decorated.__name__])
    t.say("module", [type(module.memoiser).__name__, callable(module.memoise)])


@program
def a_python_layer_below_the_memory(t):
    """As viewers do that keep what they have seen."""
    stored = {}

    class Layer(t.api.cache.Cache):
        def get(self, key):
            seen.append(["get", key.split(",")[0]])
            return stored[key]

        def set(self, key, value):
            stored[key] = value

        def remove(self, key):
            del stored[key]

        def keys(self):
            return list(stored)

    seen = []
    session = t.open(cache=Layer())
    ids = t.tree()
    task = session.get("Task", ids.task)
    t.say("stored", [key for key in stored if "Task" in key] == [f"('Task', ['{ids.task}'])"])
    task["name"]
    session._local_cache.clear()
    del seen[:]
    again = session.get("Task", ids.task)
    t.say("again", [again is task, again["name"]])
    t.say("seen", [entry for entry in seen if "Task" in entry[1]][:1])
    session.cache.clear()
    t.say("cleared", len(stored))


@program
def a_function_that_makes_the_cache(t):
    made = []

    def make(session):
        made.append(type(session).__name__)
        return t.api.cache.SerialisedCache(
            t.api.cache.FileCache(os.path.join(t.folder, "cache.dbm")),
            encode=session.encode,
            decode=session.decode,
        )

    ids = t.tree()
    session = t.open(cache=make)
    t.say("made", made)
    t.say("layers", [type(cache).__name__ for cache in session.cache.caches])
    t.say("name", session.get("Task", ids.task)["name"])
    other = t.open(cache=make)
    asked = []
    real = other.call
    other.call = lambda data: asked.append(data) or real(data)
    t.say("from the file", other.get("Task", ids.task)["name"])
    t.say("asked", asked)


@program
def layers_pushed_later(t):
    session = t.session
    layer = t.api.cache.MemoryCache()
    session.cache.caches.append(layer)
    ids = t.tree()
    session.get("Task", ids.task)
    t.say("below", [key for key in layer.keys() if "Task" in key])
    session.cache.caches.pop()
    t.say("name", session.get("Task", ids.task)["name"])


@program
def the_identity_map_by_its_keys(t):
    session = t.session
    ids = t.tree()
    task = session.get("Task", ids.task)
    key = f"('Task', ['{ids.task}'])"
    t.say("made", session.cache_key_maker.key(t.api.inspection.identity(task)) == key)
    t.say("get", session._local_cache.get(key) is task)
    t.say("of all", session.cache.get(key) is task)
    t.say("values", task in list(session._local_cache.values()))
    session._local_cache.remove(key)
    t.note("removed", session._local_cache.get, key)
    t.note("tuple", session.cache.get, ("Task", [ids.task]))
    again = session.get("Task", ids.task)
    t.say("again", [again is task, again == task])
    session.cache.clear()
    t.say("cleared", list(session.cache.keys()))
    t.say("old one", task["name"])
    t.say("old one loads", task["description"])


@program
def cleared_between_events(t):
    """As action servers do before every event."""
    session = t.session
    ids = t.tree()
    for index in range(3):
        session.rollback()
        session._local_cache.clear()
        task = session.get("Task", ids.task)
        task["bid"] = index
        session.commit()
        t.say("bid", session.get("Task", ids.task)["bid"])
    server = session.get("Location", t.api.symbol.SERVER_LOCATION_ID)
    t.say("accessor", server.accessor)
    session._configure_locations()
    server = session.get("Location", t.api.symbol.SERVER_LOCATION_ID)
    t.say("accessor", type(server.accessor).__name__)


@family(
    "FileCache(path).path == path",
    "FileCache(path).set('a', 'b'), FileCache(path).get('a')",
    "FileCache(path).set('a', b'b'), FileCache(path).get('a')",
    "FileCache(path).keys()",
    "SerialisedCache(MemoryCache()).set('a', 1)",
    "SerialisedCache(MemoryCache()).proxied.__class__.__name__",
    "ProxyCache(MemoryCache()).proxied.__class__.__name__",
    "LayeredCache([MemoryCache()]).caches.__class__.__name__",
    "MemoryCache().get(('a', 'b'))",
    "MemoryCache().set(('a', 'b'), 1)",
    "MemoryCache().set('a', None)",
    "MemoryCache().keys()",
    "MemoryCache().values()",
)
def forms(t):
    names = ("FileCache", "SerialisedCache", "MemoryCache", "ProxyCache", "LayeredCache")
    return {
        "path": os.path.join(t.folder, "cache.dbm"),
        **{name: getattr(t.api.cache, name) for name in names},
    }


@program
def functions_of_a_session(t):
    """What is remembered for each session."""
    factory = importlib.import_module("ftrack_api.entity.factory")
    calls = []

    @t.api.collection.memoise_session
    def projects(session):
        calls.append("projects")
        return session.query("Project").all()

    @factory.memoise_session
    def kind(entity):
        calls.append("kind")
        return entity.entity_type

    @factory.memoise_defaults
    def default(entity):
        calls.append("default")
        return {"made": len(calls)}

    session, other = t.session, t.open()
    t.say("same", projects(session) is projects(session=session))
    projects(other)
    task, again = session.get("Task", t.tree().task), session.query("Shot").first()
    t.say("kinds", [kind(task), kind(again)])
    t.say("defaults", default(task) is default(entity=again))
    t.say("calls", calls)
    maker = t.api.collection.PerSessionDefaultKeyMaker()
    t.say("key of a session", maker.key({"session": session}) == str(id(session)))
    t.say("key of others", [maker.key("a", 5), maker.key({"a": 1})])
    maker = factory.PerSessionDefaultKeyMaker()
    t.say("key of an entity", maker.key({"entity": task}) == str(id(session)))
    t.say("key of others", [maker.key("a", 5), maker.key({"a": 1})])


def serialised(t, **options):
    """Return a session with a second layer, which keeps text."""
    module = t.api.cache

    def keep(session):
        return module.SerialisedCache(module.MemoryCache(), session.encode, session.decode)

    return t.open(cache=keep, **options)


@program
def local_values_never_become_the_servers(t):
    """The second layer holds them as well, but what was set is rolled back."""
    ids = t.tree()
    session = serialised(t)
    task = session.get("Task", ids.task)
    task["name"] = "set"
    task["description"] = "set"
    session.populate(task, "type.name")
    t.say("unset", task["bid"])
    t.say("parent", task["parent"]["name"])
    remote = {name: task.attributes.get(name).get_remote_value(task) for name in task.keys()}
    t.say("remote", [remote["name"], remote["description"]])
    session.rollback()
    t.say("rolled back", [task["name"], task["description"]])


@program
def a_new_entity_with_a_second_layer(t):
    """What the server does not have yet counts as changed."""
    ids = t.tree()
    session = serialised(t)
    task = session.create("Task", {"name": "new", "parent": session.get("Shot", ids.shot)})
    t.say("unset", task["description"])
    t.say("name", task.attributes.get("name").is_modified(task))
    for strategy in ("persisted_only", "modified_only"):
        t.say(strategy, json.loads(session.encode(task, strategy)))
    del task["name"]
    t.say("deleted", task["name"])


@cases("memory", "proxy", "serialised")
def a_reset_with_a_second_layer(t, kind):
    """The locations have what they need, whatever the layer kept of them."""
    module = t.api.cache
    layers = {
        "memory": lambda session: module.MemoryCache(),
        "proxy": lambda session: module.ProxyCache(module.MemoryCache()),
    }
    session = t.open(cache=layers[kind]) if kind in layers else serialised(t)
    task = session.get("Task", t.tree().task)
    session.reset()
    again = session.get("Task", task["id"])
    t.say("same task", again is task)
    again["bid"] = 5
    session.commit()
    t.say("committed", [again["bid"], again.attributes.get("bid").is_modified(again)])
    for name in ("ORIGIN", "UNMANAGED", "REVIEW", "SERVER"):
        identifier = getattr(t.api.symbol, f"{name}_LOCATION_ID")
        location = session.get("Location", identifier)
        t.say(name, [location["name"], location.priority, type(location).__name__])
        t.say("parts", [type(location.structure).__name__, type(location.accessor).__name__])
        t.say("same", session.get("Location", identifier) is location)
    t.say("picked", session.pick_location()["name"])
    t.say("task", session.get("Task", task["id"])["name"])
    component = session.create_component(t.path("a.txt"), {"name": "a"}, location=None)
    t.say("component", component["name"])


@program
def values_as_the_server_gives_them(t):
    """After a commit they have the form that the server has for them, not that of what was set."""
    import arrow

    session = serialised(t)
    task = session.get("Task", t.tree().task)
    task["bid"] = 3
    times = {
        "start": arrow.get("2024-03-05T10:30:00+02:00"),
        "end": arrow.get("2024-03-06T23:30:00-05:00"),
    }
    event = session.create("CalendarEvent", {"name": t.name("event"), **times})
    session.commit()
    t.say("bid", repr(task["bid"]))
    for name in times:
        t.say(name, event[name].format("DD HH:mm ZZ"))
    t.say("recorded", len(session.recorded_operations))
