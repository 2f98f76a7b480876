"""Locations: how data gets there and away again, what is known of it, and what is refused."""

from __future__ import annotations

import os

from registry import cases, family, program

from programs.places import STRUCTURES, disk_location, files_below, sequence

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
