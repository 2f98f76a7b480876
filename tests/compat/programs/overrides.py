"""Methods that are replaced, in subclasses and on single objects, and where that takes effect."""

from __future__ import annotations

import types

from registry import cases, program

from programs.places import disk_location, files_below, sequence


def watched(session, name, seen):
    """Replace the method *name* of *session* by one that keeps what it is called with."""
    real = getattr(session, name)

    def watch(*arguments, **options):
        seen.append([name, len(arguments), sorted(options)])
        return real(*arguments, **options)

    setattr(session, name, watch)


@cases("encode", "decode", "merge", "call", "query", "populate", "entity_reference")
def methods_on_the_way_of_data(t, name):
    """Replaced on a session, a method is on the way of everything that is read and written."""
    tree = t.entities()
    session = t.session
    seen = []
    watched(session, name, seen)
    used = {}
    for step, work in {
        "query": lambda: session.query("select name from Status").all(),
        "get": lambda: session.get("Shot", "nothing"),
        "read": lambda: tree.task["description"],
        "set": lambda: tree.task.__setitem__("name", "renamed"),
        "refer": lambda: tree.task.__setitem__("parent", tree.sequence),
        "create": lambda: session.create("Folder", {"name": "new", "parent": tree.project}),
        "commit": session.commit,
    }.items():
        del seen[:]
        work()
        used[step] = bool(seen)
    return used


@cases(
    "get",
    "create",
    "delete",
    "commit",
    "create_component",
    "get_component_availability",
    "get_component_availabilities",
)
def methods_that_others_use(t, name):
    """Replaced on a session, a method is used by everything that builds on it."""
    tree = t.entities()
    session = t.session
    location = disk_location(t)
    known = session.create_component(t.path("known.txt"), location=None)
    session.commit()
    seen = []
    watched(session, name, seen)
    used = {}
    for step, work in {
        "publish": lambda: tree.version.create_component(
            t.path("a.txt"), {"name": "a"}, location=location
        ),
        "availability": known.get_availability,
        "available": lambda: location.get_component_availability(known),
        "ensure": lambda: session.ensure("Folder", {"name": "f", "parent_id": tree.project["id"]}),
        "metadata": lambda: tree.task["metadata"].update(a="1"),
        "no metadata": lambda: tree.task["metadata"].clear(),
        "note": lambda: tree.task.create_note("text", session.query("User").first()),
        "rollback": session.rollback,
    }.items():
        del seen[:]
        work()
        used[step] = bool(seen)
    return used


@program
def an_encoder_of_ones_own(t):
    """As wrappers do that put values of their own on the wire."""

    class Session(t.api.Session):
        def encode(self, data, entity_attribute_strategy="set_only"):
            text = super().encode(data, entity_attribute_strategy=entity_attribute_strategy)
            return text.replace("<studio>", "bright lights")

        def decode(self, string):
            text = string if isinstance(string, str) else string.decode()
            return super().decode(text.replace('"comp"', '"compositing"'))

    ids = t.tree()
    with Session(t.url, plugin_paths=[], schema_cache_path=False) as session:
        task = session.query(f"select name from Task where id is {ids.task}").one()
        t.say("decoded", task["name"])
        task["description"] = "made at <studio>"
        session.commit()
    t.say("encoded", t.open().get("Task", ids.task)["description"])


@program
def a_merge_of_ones_own(t):
    """As plugins do that watch what comes from the server."""
    session = t.session
    names = []

    class Task(session.types["Task"]):
        def merge(self, entity, merged=None):
            changes = super().merge(entity, merged=merged)
            names.extend(change["name"] for change in changes)
            return changes

    session.types["Task"] = Task
    task = session.query(f"select name, bid from Task where id is {t.tree().task}").one()
    t.say("queried", sorted(set(names) & {"name", "bid"}))
    del names[:]
    task["description"]
    t.say("loaded", sorted(set(names) & {"description"}))
    t.say("type", isinstance(task, Task))


@cases("call", "get_upload_metadata")
def uploads_are_asked_for(t, name):
    """As sessions do that log calls, or send data elsewhere."""
    session = t.session
    asked = []
    real = getattr(session, name)

    def call(data):
        asked.extend(item for item in data if item["action"] == "get_upload_metadata")
        return real(data)

    def get_upload_metadata(component_id, file_name, file_size, checksum=None):
        asked.append([file_name, file_size, checksum])
        return real(component_id, file_name, file_size, checksum)

    setattr(session, name, {"call": call, "get_upload_metadata": get_upload_metadata}[name])
    server = session.get("Location", t.api.symbol.SERVER_LOCATION_ID)
    component = session.create_component(t.path("a.txt"), {"name": "main"}, location=server)
    t.say("of a file", asked)
    t.say("content", server.accessor.open(component["id"]).read())
    del asked[:]
    session.create_component(sequence(t), location=server)
    t.say("of a sequence", len(asked))
    del asked[:]
    data = server.accessor.open(component["id"], "wb")
    data.write(b"other")
    data.close()
    t.say("of data", bool(asked))


@program
def uploads_that_are_refused(t):
    session = t.session
    server = session.get("Location", t.api.symbol.SERVER_LOCATION_ID)

    def get_upload_metadata(**options):
        raise ValueError("no more room")

    session.get_upload_metadata = get_upload_metadata
    try:
        session.create_component(t.path("a.txt"), location=server)
    except t.api.exception.LocationError as error:
        t.say("told", "no more room" in str(error))
    session.rollback()


@program
def a_location_with_borrowed_methods(t):
    """As plugins do that bring locations of an older API along."""
    location_class = t.api.entity.location.Location
    seen = []

    class Compatible:
        def add_components(self, components, sources, recursive=True, *, _depth=0):
            seen.append(["add", len(components), _depth])
            add = types.MethodType(location_class.add_components, self)
            return add(components, sources, recursive=recursive, _depth=_depth)

        def get_resource_identifiers(self, components):
            seen.append(["identifiers", len(components)])
            return [f"old:{item}" for item in self._get_resource_identifiers(components)]

    location = disk_location(t, structure=t.api.structure.entity_id.EntityIdStructure())
    t.api.mixin(location, Compatible)
    component = t.session.create_component(sequence(t), location=None)
    t.session.commit()
    origin = t.session.get("Location", t.api.symbol.ORIGIN_LOCATION_ID)
    location.add_component(component, origin)
    t.say("added", [entry for entry in seen if entry[0] == "add"])
    t.say("identifier", location.get_resource_identifier(component) == f"old:{component['id']}")
    t.say("files", len(files_below(location.accessor.prefix)))


@program
def registered_by_hand(t):
    """As scripts do whose data is in place already."""
    location = disk_location(t)
    components = [
        t.session.create_component(t.path(f"{index}.txt"), location=None) for index in range(3)
    ]
    t.session.commit()
    location._register_component_in_location(components[0], "there/0.txt")
    location._register_components_in_location(components[1:], ["there/1.txt", "there/2.txt"])
    t.say("recorded", len(t.session.recorded_operations))
    t.say("identifiers", location.get_resource_identifiers(components))
    t.say("available", location.get_component_availabilities(components))
    t.say("private", location._get_resource_identifiers(components[:1]))


@program
def steps_replaced_on_one_location(t):
    location = disk_location(t)
    tree = t.entities()
    seen = []
    real = location._add_data

    def add_data(component, resource_identifier, source):
        seen.append([component["name"], resource_identifier == expected(component)])
        real(component, resource_identifier, source)

    def expected(component):
        return location.structure.get_resource_identifier(component)

    location._add_data = add_data
    data = {"version": tree.version, "name": "main"}
    component = t.session.create_component(sequence(t, 2), data, location=location)
    t.say("seen", sorted(seen))
    t.say("available", location.get_component_availability(component))
