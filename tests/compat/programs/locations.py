"""Components and locations: where data goes, what is known of it, and what is refused."""

from __future__ import annotations

import os

from registry import cases, family, program


def disk_location(t, session=None, structure=None, name="disk", **settings):
    """Return a location of this program in a folder of its own."""
    session = session or t.session
    location = session.ensure("Location", {"name": t.name(name)})
    prefix = os.path.join(t.folder, name)
    os.makedirs(prefix, exist_ok=True)
    location.accessor = t.api.accessor.disk.DiskAccessor(prefix=prefix)
    if structure is None:
        structure = t.api.structure.standard.StandardStructure()
    location.structure = structure
    location.priority = settings.get("priority", 5)
    return location


def files_below(folder):
    """Return the files below *folder*, by path relative to it."""
    return sorted(
        os.path.relpath(os.path.join(root, name), folder)
        for root, _, names in os.walk(folder)
        for name in names
    )


def sequence(t, count=3):
    """Write some files and return the path that stands for all of them."""
    for index in range(1, count + 1):
        t.path(f"render.{index:04}.exr", bytes([index]) * 10)
    return os.path.join(t.folder, f"render.%04d.exr [1-{count}]")


BUILTIN = (
    "[location['name'], location.priority]",
    "type(location).__name__",
    "[base.__name__ for base in type(location).__mro__ if base.__name__.endswith(('Mixin', 'Location'))]",
    "type(location.accessor).__name__",
    "type(location.structure).__name__",
    "location.resource_identifier_transformer",
    "str(location)",
    "repr(type(location))",
    "location.entity_type",
    "getattr(location.accessor, 'prefix', None)",
    "isinstance(location, session.types['Location'])",
    "session.query('Location where id is \"{}\"'.format(location['id'])).one() is location",
    "location['label']",
    "location['description']",
    "location.get_component_availability(component)",
    "location.get_component_availabilities([component])",
    "location.get_resource_identifier(component)",
    "location.get_resource_identifiers([component])",
    "location.get_resource_identifiers([])",
    "location.get_filesystem_path(component)",
    "location.get_filesystem_paths([component])",
    "location.get_url(component)",
    "location.add_components([], location)",
    "location.remove_component(component)",
    "location.remove_components([])",
    "location.get_thumbnail_url(component)",
)


def _builtin(name, expressions):
    def names(t):
        symbol = t.api.symbol
        location = t.session.get("Location", getattr(symbol, f"{name}_LOCATION_ID"))
        component = t.session.create_component(t.path("a.txt"), location=None)
        t.session.commit()
        return {"session": t.session, "location": location, "component": component}

    names.__name__ = f"builtin_{name.lower()}"
    family(*expressions)(names)


for builtin in ("ORIGIN", "UNMANAGED", "REVIEW", "SERVER"):
    _builtin(builtin, BUILTIN)


@cases(
    ("a.txt", {}),
    ("a.txt", {"name": "main"}),
    ("a.tar.gz", {}),
    ("noextension", {}),
    (".hidden", {}),
    ("a.TXT", {"file_type": ".other"}),
    ("a b ü.txt", {}),
    ("a.txt", {"version": "version"}),
    ("a.txt", {"metadata": {"a": "1"}}),
    ("a.txt", {"nonsense": 1}),
    ("a.txt", {"size": 5}),
)
def file_components(t, name_and_data):
    """What a component of one file is made of."""
    name, data = name_and_data
    data = dict(data)
    if data.get("version"):
        data["version"] = t.entities().version
    component = t.session.create_component(t.path(name), data, location=None)
    t.say("type", component.entity_type)
    for key in ("name", "file_type", "size", "system_type"):
        t.note(key, lambda key=key: component[key])
    t.say("metadata", dict(component["metadata"]))
    t.note("commit", t.session.commit)
    origin = t.session.get("Location", t.api.symbol.ORIGIN_LOCATION_ID)
    t.note("identifier", origin.get_resource_identifier, component)
    t.note("path", origin.get_filesystem_path, component)
    t.note("availability", component.get_availability)


@cases(
    "render.%04d.exr [1-3]",
    "render.%04d.exr [1, 3]",
    "render.%d.exr [1-3]",
    "{head}%04d{tail} [1-2]",
    "render.%04d.exr [1-3, 5]",
    "render.%04d.exr",
    "render.%04d.exr []",
    "render.%04d.exr [1-9]",
)
def sequence_components(t, pattern):
    """What a component of several files is made of."""
    sequence(t)
    component = t.note(
        "create",
        t.session.create_component,
        os.path.join(t.folder, pattern),
        {"name": "main"},
        location=None,
    )
    if component is None:
        return
    t.say("type", component.entity_type)
    for key in ("name", "file_type", "size", "padding"):
        t.note(key, lambda key=key: component[key])
    t.note(
        "members",
        lambda: [
            [m["name"], m["file_type"], m["size"], m["container"] is component]
            for m in component["members"]
        ],
    )
    t.note("commit", t.session.commit)
    origin = t.session.get("Location", t.api.symbol.ORIGIN_LOCATION_ID)
    t.note("identifier", origin.get_resource_identifier, component)
    t.note("of members", lambda: sorted(origin.get_resource_identifiers(component["members"])))


@cases("auto", None, "server", "disk", "unmanaged", "origin", "nonsense")
def where_components_go(t, where):
    tree = t.entities()
    symbol = t.api.symbol
    location = {
        "server": lambda: t.session.get("Location", symbol.SERVER_LOCATION_ID),
        "unmanaged": lambda: t.session.get("Location", symbol.UNMANAGED_LOCATION_ID),
        "origin": lambda: t.session.get("Location", symbol.ORIGIN_LOCATION_ID),
        "disk": lambda: disk_location(t),
    }.get(where, lambda: where)()
    component = t.note(
        "create",
        t.session.create_component,
        t.path("a.txt"),
        {"version": tree.version, "name": "main"},
        location=location,
    )
    if component is None:
        return
    t.say("recorded", len(t.session.recorded_operations))
    t.session.commit()
    t.say("available", sorted(v for v in component.get_availability().values()))
    found = t.session.query(f"ComponentLocation where component_id is {component['id']}").all()
    t.say("registered", sorted([i["location"]["name"], i["resource_identifier"]] for i in found))
    t.say("files", files_below(t.folder))
    t.note("picked", t.session.pick_location, component)


STRUCTURES = {
    "standard": lambda t: t.api.structure.standard.StandardStructure(),
    "prefixed": lambda t: t.api.structure.standard.StandardStructure(
        project_versions_prefix="versions"
    ),
    "substitute": lambda t: t.api.structure.standard.StandardStructure(
        illegal_character_substitute="-"
    ),
    "id": lambda t: __import__("importlib").import_module("ftrack_api.structure.id").IdStructure(),
    "entity id": lambda t: t.api.structure.entity_id.EntityIdStructure(),
    "origin": lambda t: t.api.structure.origin.OriginStructure(),
}


@cases(*((name, kind) for name in STRUCTURES for kind in ("file", "sequence", "member", "none")))
def structures(t, name_and_kind):
    """Where a structure puts the components of a version."""
    name, kind = name_and_kind
    structure = STRUCTURES[name](t)
    tree = t.entities()
    data = {"version": tree.version, "name": "main ü/x"} if kind != "none" else {"name": "loose"}
    path = t.path("a.txt") if kind in ("file", "none") else sequence(t)
    component = t.session.create_component(path, data, location=None)
    subject = component["members"][1] if kind == "member" else component
    t.note("identifier", structure.get_resource_identifier, subject)
    context = {"source_resource_identifier": "/somewhere/else.txt"}
    t.note("in context", structure.get_resource_identifier, subject, context)
    t.session.commit()
    t.note("committed", structure.get_resource_identifier, subject)
    t.note("of a task", structure.get_resource_identifier, tree.task)


@cases("standard", "id", "entity id")
def sequences_on_disk(t, name):
    """A sequence added to a disk location, read back and removed."""
    location = disk_location(t, structure=STRUCTURES[name](t))
    tree = t.entities()
    component = t.session.create_component(
        sequence(t), {"version": tree.version, "name": "main"}, location=None
    )
    t.session.commit()
    origin = t.session.get("Location", t.api.symbol.ORIGIN_LOCATION_ID)
    t.note("add", location.add_component, component, origin)
    t.say("files", files_below(location.accessor.prefix))
    t.note("identifier", location.get_resource_identifier, component)
    t.note("paths", lambda: sorted(location.get_filesystem_paths(component["members"])))
    t.say("available", location.get_component_availability(component))
    t.note("add again", location.add_component, component, origin)
    t.note("remove", location.remove_component, component)
    t.say("files", files_below(location.accessor.prefix))
    t.note("remove again", location.remove_component, component)
    t.note("gone", location.get_resource_identifier, component)


@program
def adding_to_a_location(t):
    location = disk_location(t)
    tree = t.entities()
    origin = t.session.get("Location", t.api.symbol.ORIGIN_LOCATION_ID)
    component = t.session.create_component(
        t.path("a.txt"), {"version": tree.version, "name": "main"}, location=None
    )
    t.session.commit()
    t.say("before", location.get_component_availability(component))
    t.note("not there", location.get_resource_identifier, component)
    location.add_component(component, origin)
    t.say("after", location.get_component_availability(component))
    t.say("path", location.get_filesystem_path(component))
    t.note("url", location.get_url, component)
    with open(location.get_filesystem_path(component), "rb") as file:
        t.say("content", file.read())
    t.note("again", location.add_component, component, origin)
    other = disk_location(t, name="other")
    other.add_component(component, location)
    t.say("other", other.get_filesystem_path(component))
    t.say("picked", t.session.pick_location(component) in (location, other))
    location.remove_component(component)
    t.say("removed", location.get_component_availability(component))
    t.say("files", files_below(t.folder))


@program
def adding_uncommitted_components(t):
    location = disk_location(t)
    tree = t.entities()
    component = t.session.create_component(
        t.path("a.txt"), {"version": tree.version, "name": "main"}, location=location
    )
    t.say("state", t.api.inspection.state(component))
    t.say("files", files_below(location.accessor.prefix))


@program
def existing_data_is_not_overwritten(t):
    location = disk_location(t, structure=t.api.structure.entity_id.EntityIdStructure())
    component = t.session.create_component(t.path("a.txt"), location=None)
    t.session.commit()
    path = os.path.join(location.accessor.prefix, component["id"])
    with open(path, "wb") as file:
        file.write(b"precious")
    origin = t.session.get("Location", t.api.symbol.ORIGIN_LOCATION_ID)
    t.note("add", location.add_component, component, origin)
    with open(path, "rb") as file:
        return file.read()


@cases(
    "no accessor",
    "no structure",
    "no source accessor",
    "missing file",
    "two sources",
    "three sources",
    "not in source",
    "not committed",
)
def refused_additions(t, reason):
    location = disk_location(t)
    tree = t.entities()
    origin = t.session.get("Location", t.api.symbol.ORIGIN_LOCATION_ID)
    data = {"version": tree.version, "name": "main"}
    path = t.path("a.txt")
    component = t.session.create_component(path, data, location=None)
    if reason != "not committed":
        t.session.commit()
    sources = origin
    if reason == "no accessor":
        location.accessor = t.api.symbol.NOT_SET
    elif reason == "no structure":
        location.structure = t.api.symbol.NOT_SET
    elif reason == "no source accessor":
        origin.accessor = t.api.symbol.NOT_SET
    elif reason == "missing file":
        os.remove(path)
    elif reason == "two sources":
        sources = [origin, origin]
    elif reason == "three sources":
        sources = []
    elif reason == "not in source":
        sources = disk_location(t, name="other")
    t.note("add", location.add_components, [component], sources)
    t.say("files", files_below(t.folder))
    t.note("availability", location.get_component_availability, component)


@program
def several_components_at_once(t):
    location = disk_location(t)
    tree = t.entities()
    origin = t.session.get("Location", t.api.symbol.ORIGIN_LOCATION_ID)
    components = [
        t.session.create_component(
            t.path(f"{index}.txt"), {"version": tree.version, "name": f"c{index}"}, location=None
        )
        for index in range(3)
    ]
    t.session.commit()
    location.add_component(components[0], origin)
    t.note("with one there", location.add_components, components, origin)
    t.note("the others", location.add_components, components[1:], [origin, origin])
    t.say("identifiers", location.get_resource_identifiers(components))
    t.say("availabilities", location.get_component_availabilities(components))
    t.say(
        "of session",
        [values[location["id"]] for values in t.session.get_component_availabilities(components)],
    )
    t.say("one", t.session.get_component_availability(components[0], [location]))
    t.say("pick", [item is location for item in t.session.pick_locations(components)])
    t.note("remove", location.remove_components, components)
    t.say("files", files_below(location.accessor.prefix))


@program
def partly_available_sequences(t):
    location = disk_location(t, structure=STRUCTURES["id"](t))
    component = t.session.create_component(sequence(t), location=None)
    t.session.commit()
    origin = t.session.get("Location", t.api.symbol.ORIGIN_LOCATION_ID)
    location.add_component(component["members"][0], origin)
    t.say("available", round(location.get_component_availability(component), 6))
    location.add_component(component["members"][1], origin)
    t.say("available", round(location.get_component_availability(component), 6))


@program
def events_of_locations(t):
    location = disk_location(t, structure=STRUCTURES["entity id"](t))
    seen = []
    t.session.event_hub.subscribe(
        "topic=ftrack.location.*",
        lambda event: seen.append([event["topic"], sorted(event["data"])]),
    )
    published = []
    real = t.session.event_hub.publish

    def publish(event, *arguments, **options):
        published.append([event["topic"], sorted(event["data"]), sorted(options)])
        return real(event, *arguments, **options)

    t.session.event_hub.publish = publish
    component = t.session.create_component(t.path("a.txt"), location=location)
    location.remove_component(component)
    return published


@program
def a_memory_location(t):
    session = t.session
    location = session.create("Location", {"name": t.name("memory")})
    t.api.mixin(location, t.api.entity.location.MemoryLocationMixin, name="MemoryLocation")
    t.api.mixin(location, t.api.entity.location.UnmanagedLocationMixin, name="Unmanaged")
    location.accessor = t.api.accessor.disk.DiskAccessor(prefix="")
    location.structure = t.api.structure.origin.OriginStructure()
    component = session.create_component(t.path("a.txt"), location=None)
    origin = session.get("Location", t.api.symbol.ORIGIN_LOCATION_ID)
    t.note("add", location.add_component, component, origin)
    t.note("identifier", location.get_resource_identifier, component)
    t.note("remove", location.remove_component, component)
    t.note("gone", location.get_resource_identifier, component)
    t.say("class", [type(location).__name__, repr(type(location))])


@program
def a_transformer(t):
    import ftrack_api.resource_identifier_transformer.base as base

    class Upper(base.ResourceIdentifierTransformer):
        def encode(self, resource_identifier, context=None):
            seen.append(["encode", sorted(context)])
            return resource_identifier.upper()

        def decode(self, resource_identifier, context=None):
            seen.append(["decode", sorted(context)])
            return resource_identifier.lower()

    seen = []
    location = disk_location(t, structure=t.api.structure.entity_id.EntityIdStructure())
    location.resource_identifier_transformer = Upper(t.session)
    component = t.session.create_component(t.path("a.txt"), location=location)
    t.say("identifier", location.get_resource_identifier(component) == component["id"])
    (found,) = t.session.query(f"ComponentLocation where component_id is {component['id']}").all()
    t.say("registered", found["resource_identifier"] == component["id"].upper())
    return seen


@program
def a_location_subclass_mixed_in(t):
    """As studios do that give every project a folder of its own."""
    session = t.session

    class PerProject(t.api.entity.location.Location):
        def _add_data(self, component, resource_identifier, source):
            self.added = resource_identifier
            super()._add_data(component, resource_identifier, source)

    location = disk_location(t)
    t.api.mixin(location, PerProject, name="PerProject")
    tree = t.entities()
    component = session.create_component(
        t.path("a.txt"), {"version": tree.version, "name": "main"}, location=location
    )
    t.say("added", location.added == location.get_resource_identifier(component))
    t.say("type", [type(location).__name__, isinstance(location, PerProject)])
    t.say("same", session.get("Location", location["id"]) is location)
    location.accessor.prefix = os.path.join(t.folder, "moved")
    t.say("path", location.get_filesystem_path(component))


@program
def mixins_are_applied_once(t):
    class Mixin:
        def speak(self):
            return self["name"]

    task = t.entities().task
    t.api.mixin(task, Mixin)
    t.say("type", type(task).__name__)
    t.api.mixin(task, Mixin, name="Again")
    t.say("type", type(task).__name__)
    t.say("speak", task.speak())
    t.say("is a task", isinstance(task, t.session.types["Task"]))
    t.say("same", t.session.get("Task", task["id"]) is task)
    t.say("text", str(task).split("(")[0])
    task["name"] = "renamed"
    t.session.commit()
    t.say("name", task.speak())


@program
def classes_swapped_by_hand(t):
    task = t.entities().task

    class Special(type(task)):
        @property
        def title(self):
            return self["name"].title()

    task.__class__ = Special
    t.say("title", task.title)
    t.say("repr", repr(type(task)))
    t.say("equal", task == t.open().get("Task", task["id"]))
    t.session.commit()


@program
def components_of_a_version(t):
    tree = t.entities()
    component = tree.version.create_component(t.path("a.txt"), {"name": "main"}, location=None)
    t.say("version", component["version"] is tree.version)
    t.say("components", tree.version["components"])
    t.session.commit()
    t.say("components", [item["name"] for item in tree.version["components"]])
    t.note("path", tree.version.create_component, "/nowhere/a.txt", location=None)
    default = tree.version.create_component(t.path("b.txt"))
    t.say("default location", default.get_availability().values().__class__.__name__)


@program
def a_thumbnail(t):
    tree = t.entities()
    png = (
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\0\0\0\x0cIDAT"
        b"x\x9cc\xf8\xcf\xc0\0\0\x03\x01\x01\0\xc9\xfe\x92\xef\0\0\0\0IEND\xaeB`\x82"
    )
    component = tree.task.create_thumbnail(t.path("thumb.png", png), {"name": "mine"})
    t.say("component", [component["name"], component["file_type"]])
    t.say("thumbnail", tree.task["thumbnail_id"] == component["id"])
    server = t.session.get("Location", t.api.symbol.SERVER_LOCATION_ID)
    t.say("available", server.get_component_availability(component))
    t.say("url", server.get_thumbnail_url(component, size=100).startswith(t.url))
    t.say("recorded", len(t.session.recorded_operations))


@program
def a_thumbnail_of_no_file(t):
    tree = t.entities()
    t.note("create", tree.task.create_thumbnail, "/nowhere/thumb.png")
    t.say("thumbnail", tree.task["thumbnail_id"])


@program
def the_server_location(t):
    server = t.session.get("Location", t.api.symbol.SERVER_LOCATION_ID)
    component = t.session.create_component(t.path("a.txt", b"x" * 5000), location=server)
    t.say("available", server.get_component_availability(component))
    t.say("identifier", server.get_resource_identifier(component) == component["id"])
    data = server.accessor.open(component["id"], "rb")
    t.say("content", data.read())
    url = server.get_url(component)
    t.say("url", url.startswith(t.url))
    t.note("path", server.get_filesystem_path, component)
    t.note("exists", server.accessor.exists, component["id"])
    t.note("list", server.accessor.list, component["id"])
    t.note("remove", server.remove_component, component)
    t.note("gone", server.get_resource_identifier, component)


@cases("read", "write")
def custom_accessors(t, failing):
    """An accessor written by somebody, with data that is no file."""
    stored = {}

    class Memory(t.api.accessor.base.Accessor):
        def list(self, resource_identifier):
            return sorted(stored)

        def exists(self, resource_identifier):
            return resource_identifier in stored

        is_file = exists

        def is_container(self, resource_identifier):
            return False

        def is_sequence(self, resource_identifier):
            raise t.api.exception.AccessorUnsupportedOperationError("is_sequence")

        def open(self, resource_identifier, mode="rb"):
            data = t.api.data.String(stored.get(resource_identifier))
            if "w" in mode:
                original = data.close

                def close():
                    data.seek(0)
                    stored[resource_identifier] = data.read()
                    original()

                data.close = close
            return data

        def remove(self, resource_identifier):
            del stored[resource_identifier]

        def make_container(self, resource_identifier, recursive=True):
            pass

        def get_container(self, resource_identifier):
            raise t.api.exception.AccessorParentResourceNotFoundError(
                resource_identifier=resource_identifier
            )

    location = disk_location(t, structure=t.api.structure.entity_id.EntityIdStructure())
    location.accessor = Memory()
    component = t.session.create_component(t.path("a.txt", b"x" * 100), location=location)
    t.say("stored", sorted(map(len, stored.values())))
    t.note("path", location.get_filesystem_path, component)
    t.note("url", location.get_url, component)
    other = disk_location(t, name="other", structure=t.api.structure.entity_id.EntityIdStructure())
    t.note("onwards", other.add_component, component, location)
    location.remove_component(component)
    t.say("stored", sorted(stored))
