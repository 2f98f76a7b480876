"""Attribute objects, references and collections."""

from __future__ import annotations

import importlib

from registry import cases, family, program


@family(
    "attributes.get('name').name",
    "attributes.get('name').mutable",
    "attributes.get('name').computed",
    "attributes.get('name').data_type",
    "attributes.get('name').default_value",
    "attributes.get('id').mutable",
    "attributes.get('id').default_value.__class__.__name__",
    "attributes.get('link').computed",
    "attributes.get('link').mutable",
    "attributes.get('link').data_type",
    "attributes.get('start_date').data_type",
    "attributes.get('bid').data_type",
    "attributes.get('parent').entity_type",
    "attributes.get('parent').__class__.__name__",
    "attributes.get('children').__class__.__name__",
    "attributes.get('metadata').__class__.__name__",
    "attributes.get('custom_attributes').__class__.__name__",
    "attributes.get('name').__class__.__name__",
    "attributes.get('nonsense')",
    "'name' in attributes",
    "'nonsense' in attributes",
    "len(attributes) == len(attributes.keys())",
    "sorted(a.name for a in attributes)[:5]",
    "sorted(attributes.keys())[:5]",
    "type(attributes).__name__",
    "sorted(a.name for a in attributes if not a.mutable)",
    "sorted(a.name for a in attributes if a.computed)",
    "sorted([a.name, a.data_type] for a in attributes if hasattr(a, 'data_type'))",
    "sorted(a.name for a in attributes if isinstance(a, api.attribute.ReferenceAttribute))",
    "sorted(a.name for a in attributes if isinstance(a, api.attribute.CollectionAttribute))",
    "sorted(a.name for a in attributes if isinstance(a, api.attribute.AbstractCollectionAttribute))",
    "attributes.get('name').get_value(shot)",
    "attributes.get('name').get_local_value(shot)",
    "attributes.get('name').get_remote_value(shot)",
    "attributes.get('description').get_remote_value(shot)",
    "attributes.get('children').get_local_value(shot)",
    "attributes.get('children').get_remote_value(shot)",
    "attributes.get('name').is_modified(shot)",
    "attributes.get('name').is_set(shot)",
    "attributes.get('description').is_set(shot)",
    "attributes.get('description').populate_remote_value(shot)",
    "attributes.get('children').is_modified(shot)",
    "attributes.get('children').is_set(shot)",
    "attributes.get('name').set_local_value(shot, 'x'), shot['name'], attributes.get('name').is_modified(shot)",
    "attributes.get('name').set_remote_value(shot, 'x'), shot['name'], attributes.get('name').is_modified(shot)",
    "attributes.get('link').set_local_value(shot, [])",
    "attributes.get('id').set_local_value(shot, 'x')",
    "attributes.get('id').set_remote_value(shot, 'x'), shot['id']",
    "attributes.add(attributes.get('name'))",
    "attributes.remove(attributes.get('name'))",
    "attributes.get('custom_attributes').mutable",
    "attributes.get('thumbnail_url').data_type",
    "attributes.get('children').get_value(shot)",
    "attributes.get('name').set_local_value(shot, NOT_SET), shot['name']",
    "repr(attributes.get('name')).split()[0].rpartition('.')[2]",
)
def attribute_objects(t):
    shot = t.session.get("Shot", t.tree().shot)
    return {"shot": shot, "attributes": shot.attributes}


@cases(
    "Task",
    "Shot",
    "Project",
    "AssetVersion",
    "FileComponent",
    "SequenceComponent",
    "Note",
    "User",
    "Location",
    "Timelog",
    "Asset",
    "List",
    "AssetVersionList",
    "Job",
    "Timer",
    "ReviewSession",
    "Appointment",
    "Metadata",
    "ComponentLocation",
    "TypedContext",
    "Folder",
    "NoteLabelLink",
    "Group",
    "ProjectSchema",
    "Milestone",
    "AssetBuild",
    "ContextCustomAttributeValue",
)
def attributes_of_types(t, kind):
    """Every attribute of a type: its class, its flags, and whether it has a default."""
    cls = t.session.types[kind]
    found = [
        [
            attribute.name,
            type(attribute).__name__,
            attribute.mutable,
            attribute.computed,
            getattr(attribute, "data_type", None),
            getattr(attribute, "entity_type", None),
            callable(attribute.default_value) or attribute.default_value,
        ]
        for attribute in cls.attributes
    ]
    t.say(
        "bases",
        [
            base.__name__
            for base in cls.__mro__
            if "ftrack" in base.__module__ and base.__name__ != "EntityHandle"
        ],
    )
    t.say("key", cls.primary_key_attributes)
    t.say("projections", sorted(cls.default_projections))
    return sorted(found, key=lambda row: row[0])


@program
def attributes_made_by_hand(t):
    module = t.api.attribute
    attributes = module.Attributes()
    name = module.ScalarAttribute("name", data_type="string")
    attributes.add(name)
    t.note("twice", attributes.add, name)
    t.say("get", attributes.get("name") is name)
    t.say("keys", attributes.keys())
    attributes.remove(name)
    t.note("remove", attributes.remove, name)
    t.say("length", len(attributes))
    t.say("of list", module.Attributes([name]).keys())
    t.say("reference", module.ReferenceAttribute("parent", "Context").entity_type)
    t.say("default", module.Attribute("x").default_value)


LIST = """
notes
notes[0]['content']
notes[-1]['content']
notes[5]
notes[0:1]
notes['x']
len(notes)
list(notes)
[note['content'] for note in notes]
bool(notes)
notes == list(notes)
notes == notes
notes != notes
notes == 5
note in notes
other in notes
notes.index(note)
notes.index(other)
notes.count(note)
notes.append(note)
notes.append(other), len(notes)
notes.extend([other]), len(notes)
notes.extend([note])
attempt(lambda: notes.extend([other, another, note])), len(notes), recorded()
attempt(lambda: notes.extend([other, None])), len(notes), recorded()
attempt(lambda: notes.extend(another if item else item[0] for item in [1, 0])), len(notes), recorded()
attempt(lambda: notes.extend(notes)), len(notes), recorded()
notes.extend([other, another]), recorded(), session.commit()
notes.extend([]), recorded()
notes.insert(0, other), notes[0] is other
notes.remove(note), len(notes)
notes.remove(other)
notes.pop() is note, len(notes)
notes.pop(5)
notes.reverse(), len(notes)
notes.clear(), len(notes)
notes.__setitem__(0, other), notes[0] is other
notes.__setitem__(0, note), len(notes)
notes.__setitem__(5, other)
notes.__setitem__(5, note)
notes.__setitem__(5, None)
notes.clear(), attempt(lambda: notes.__setitem__(0, None))
notes.__delitem__(0), len(notes)
notes.__delitem__(5)
notes += [other]
notes.append(5)
notes.append(None)
notes.append('text')
notes.entity is task
notes.attribute.name
notes.mutable
type(notes).__name__
isinstance(notes, __import__('collections').abc.MutableSequence)
copy.copy(notes) == notes
copy.copy(notes) is notes
copy.copy(notes).entity is task
sorted(notes, key=lambda n: n['content'])
hash(notes)
repr(notes).split()[0].rpartition('.')[2]
setattr(notes, 'mutable', False), notes.append(other)
task['notes'] is notes
task.__setitem__('notes', [other]), task['notes'][0] is other
task.__setitem__('notes', notes), len(task['notes'])
task.__setitem__('notes', version['notes'])
task.__setitem__('notes', []), len(task['notes'])
task.__setitem__('notes', (other,)), len(task['notes'])
task.__setitem__('notes', None), len(task['notes'])
task.__setitem__('notes', other)
task['ancestors'].append(task)
task['ancestors'].mutable
task['ancestors'].remove(task['ancestors'][0])
task['ancestors'].__delitem__(0)
""".replace("notes += [other]", "[notes.__iadd__([other]), len(notes)][1]")


def attempt(function):
    try:
        return function()
    except Exception as error:
        return type(error).__name__


@family(*LIST.strip().splitlines())
def collections(t):
    """What a list of related entities can do."""
    import copy

    tree = t.entities()
    user = t.first_id("User")
    author = {"user_id": user, "parent_type": "task"}
    one = t.make("Note", "one", content="one", parent_id=tree.task["id"], **author)
    other = t.make("Note", "other", content="other", parent_id=tree.shot["id"], **author)
    another = t.make("Note", "another", content="another", parent_id=tree.shot["id"], **author)
    session = t.session
    return {
        "copy": copy,
        "session": session,
        "attempt": attempt,
        "recorded": lambda: len(session.recorded_operations),
        "another": session.get("Note", another),
        "notes": tree.task["notes"],
        "note": session.get("Note", one),
        "other": session.get("Note", other),
        "task": tree.task,
        "version": tree.version,
    }


@cases("append", "remove", "assign", "clear", "create")
def collection_writes(t, change):
    """What a changed collection writes in a commit, and what others see."""
    tree = t.entities()
    session = t.session
    user = session.query("User order by username").first()
    note = session.get(
        "Note",
        t.make(
            "Note",
            "n",
            content="c",
            parent_id=tree.task["id"],
            parent_type="task",
            user_id=user["id"],
        ),
    )
    if change == "append":
        new = session.create("Note", {"content": "new", "author": user})
        tree.task["notes"].append(new)
    elif change == "remove":
        tree.task["notes"].remove(note)
    elif change == "assign":
        tree.task["notes"] = [session.create("Note", {"content": "new", "author": user})]
    elif change == "clear":
        tree.task["notes"] = []
    else:
        session.create("Note", {"content": "new", "author": user, "parent": tree.task})
    t.say("before", [n["content"] for n in tree.task["notes"]])
    t.say("state", t.api.inspection.state(tree.task))
    t.say("recorded", [type(item).__name__ for item in session.recorded_operations])
    t.note("commit", session.commit)
    t.say("state afterwards", t.api.inspection.state(tree.task))
    session.rollback()
    other = t.open()
    t.note(
        "others", lambda: sorted(n["content"] for n in other.get("Task", tree.task["id"])["notes"])
    )


@program
def references_of_new_entities(t):
    sequence = t.entities().sequence
    shot = t.session.create("Shot", {"name": "new", "parent": sequence})
    task = t.session.create("Task", {"name": "new", "parent": shot})
    t.say("parent", task["parent"] is shot)
    t.say("parent_id", task["parent_id"])
    t.say("children", shot["children"])
    t.session.commit()
    t.say("parent", task["parent"] is shot)
    t.say("parent_id", task["parent_id"] == shot["id"])
    t.say("children", len(shot["children"]))
    t.say("of sequence", sorted(child["name"] for child in sequence["children"]))


@program
def a_reference_by_id(t):
    tree = t.entities()
    task = t.session.create("Task", {"name": "new", "parent_id": tree.shot["id"]})
    t.session.commit()
    t.say("parent", task["parent"] is tree.shot)


@cases(5, "text", {"a": 1}, ["x"], True)
def references_to_something_else(t, value):
    task = t.entities().task
    t.note("set", task.__setitem__, "status", value)
    t.note("read", lambda: task["status"])
    t.note("commit", t.session.commit)


@program
def a_factory_of_attributes(t):
    """As plugins do that leave attributes out, or give them classes of their own."""
    module = t.api.attribute
    factory_module = importlib.import_module("ftrack_api.entity.factory")
    made = []

    class Loud(module.ScalarAttribute):
        def get_value(self, entity):
            return str(super().get_value(entity)).upper()

    class Counted(module.ReferenceAttribute):
        @module.merge_references
        def get_value(self, entity):
            made.append(["read", self.name])
            return super().get_value(entity)

    class Factory(factory_module.StandardFactory):
        def create_scalar_attribute(self, class_name, name, mutable, computed, default, data_type):
            if name == "bid":
                return None
            if name == "name":
                return Loud(name, data_type=data_type, default_value=default, mutable=mutable)
            return super().create_scalar_attribute(
                class_name, name, mutable, computed, default, data_type
            )

        def create_reference_attribute(self, class_name, name, mutable, reference):
            made.append([class_name, name, mutable, reference])
            if name == "parent":
                return Counted(name, reference, mutable=mutable)
            return super().create_reference_attribute(class_name, name, mutable, reference)

        def create_collection_attribute(self, class_name, name, mutable):
            made.append([class_name, name, mutable])
            return super().create_collection_attribute(class_name, name, mutable)

        def create_mapped_collection_attribute(self, class_name, name, mutable, reference):
            made.append([class_name, name, mutable, reference])
            return super().create_mapped_collection_attribute(class_name, name, mutable, reference)

    def construct(event):
        if event["data"]["schema"]["id"] == "Task":
            return Factory().create(event["data"]["schema"])

    session = t.session
    topic = "topic=ftrack.api.session.construct-entity-type"
    session.event_hub.subscribe(topic, construct)
    session.types = session._build_entity_type_classes(session.schemas)
    t.say("made", sorted(made, key=str))
    del made[:]
    tree = t.entities()
    t.say("name", tree.task["name"])
    t.note("bid", lambda: tree.task["bid"])
    t.say("parent", tree.task["parent"] is tree.shot)
    t.say("read", made[:1])
    tree.task["name"] = "renamed"
    t.say("renamed", tree.task["name"])
    session.commit()
    t.say("others", t.open().get("Task", tree.task["id"])["name"])


@program
def two_factories_for_one_type(t):
    session = t.session
    topic = "topic=ftrack.api.session.construct-entity-type"
    for name in ("One", "Other"):
        session.event_hub.subscribe(topic, lambda event, name=name: type(name, (), {}))
    return session._build_entity_type_classes(session.schemas)


@program
def a_plain_factory(t):
    """Classes without what is particular to their types."""
    factory = importlib.import_module("ftrack_api.entity.factory").Factory()
    schemas = {schema["id"]: schema for schema in t.session.schemas}
    for name in ("Location", "Task", "AssetVersion"):
        cls = factory.create(schemas[name])
        t.say(name, [cls.__name__, cls.entity_type, cls.primary_key_attributes])
        t.say("attributes", sorted(cls.attributes.keys()))
        t.say("particular", [hasattr(cls, "accessor"), hasattr(cls, "create_note")])

    class Base(t.api.entity.base.Entity):
        def greet(self):
            return f"hello {self['name']}"

    cls = factory.create(schemas["Task"], bases=[Base])
    t.say("base", [cls.__mro__[1].__name__, cls(t.session, {"name": "x"}).greet()])
    t.session.recorded_operations.clear()
