"""Components: what they are made of, and where structures put them."""

from __future__ import annotations

import os

from registry import cases, program

from programs.places import STRUCTURES, disk_location, files_below, sequence


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


@cases("file", "sequence", "version", "thumbnail")
def data_that_is_used_again(t, kind):
    """Whether the data given for one component is fit for the next."""
    tree = t.entities()
    data = {"name": "main"}
    if kind == "sequence":
        t.session.create_component(sequence(t), data, location=None)
    elif kind == "version":
        data["version_id"] = "another"
        tree.version.create_component(t.path("a.txt"), data)
    elif kind == "thumbnail":
        tree.task.create_thumbnail(t.path("a.png"), data)
    else:
        t.session.create_component(t.path("a.txt"), data, location=None)
    t.session.recorded_operations.clear()
    return data
