"""Metadata and custom attributes: collections that act as mappings."""

from __future__ import annotations

from registry import cases, family, program

MAP = """
meta['a']
meta['nonsense']
meta.get('a')
meta.get('nonsense', 5)
'a' in meta
'nonsense' in meta
len(meta)
bool(meta)
sorted(meta)
sorted(meta.keys())
sorted(meta.items())
sorted(meta.values())
dict(meta)
meta == {'a': '1', 'b': '2'}
meta == meta
{**meta}
meta.update({'c': '3'}), sorted(meta.items())
meta.update(a='5'), sorted(meta.items())
meta.setdefault('a', '5')
meta.setdefault('c', '5')
meta.pop('a'), sorted(meta)
meta.pop('nonsense')
meta.pop('nonsense', 5)
meta.clear(), len(meta)
meta.__setitem__('a', '5'), meta['a']
meta.__setitem__('c', '5'), meta['c']
meta.__setitem__('c', 5), meta['c']
meta.__setitem__('c', None), meta['c']
meta.__setitem__(5, 'x'), len(meta)
meta.__delitem__('a'), sorted(meta)
meta.__delitem__('nonsense')
meta.collection
len(meta.collection)
sorted(item['key'] for item in meta.collection)
type(meta.collection).__name__
meta.mutable
meta.attribute.name
meta.attribute.key_attribute
meta.attribute.value_attribute
meta.key_attribute
meta.value_attribute
meta.creator.__class__.__name__
type(meta).__name__
isinstance(meta, __import__('collections').abc.MutableMapping)
hash(meta)
setattr(meta, 'mutable', False), meta.collection.mutable
setattr(meta, 'mutable', False), meta.__setitem__('c', '5')
setattr(meta, 'mutable', False), meta.__delitem__('a')
task['metadata'] is meta
task['metadata']['a']
task.__setitem__('metadata', {'a': '1'}), sorted(task['metadata'].items())
task.__setitem__('metadata', {}), sorted(task['metadata'].items())
task.__setitem__('metadata', {'c': '3'}), sorted(task['metadata'].items())
task.__setitem__('metadata', None), sorted(task['metadata'].items())
task.__setitem__('metadata', [('a', 'b')])
task.__setitem__('metadata', meta), sorted(task['metadata'].items())
"""


@family(*MAP.strip().splitlines())
def mapped_collections(t):
    """What metadata can do."""
    ids = t.tree()
    metadata(t, ids.task, a="1", b="2")
    task = t.session.get("Task", ids.task)
    return {"task": task, "meta": task["metadata"]}


def metadata(t, parent, **values):
    for key, value in values.items():
        t.call(
            {
                "action": "create",
                "entity_type": "Metadata",
                "entity_key": [parent, key],
                "entity_data": {
                    "parent_id": parent,
                    "parent_type": "task",
                    "key": key,
                    "value": value,
                    "__entity_type__": "Metadata",
                },
            }
        )


@cases({"a": "5"}, {"c": "3"}, {"a": "1", "b": "2"}, {}, {"a": "5", "c": "3"}, {"a": "x" * 300})
def metadata_assigned(t, value):
    """What a whole new mapping writes in a commit."""
    ids = t.tree()
    metadata(t, ids.task, a="1", b="2")
    task = t.session.get("Task", ids.task)
    task["metadata"] = value
    t.note("commit", t.session.commit)
    t.say("others", dict(t.open().get("Task", ids.task)["metadata"]))


@cases("set", "add", "delete", "delete and set", "set twice", "add and delete", "add twice")
def metadata_changed(t, change):
    """What single changes of a mapping write in a commit."""
    ids = t.tree()
    metadata(t, ids.task, a="1", b="2")
    task = t.session.get("Task", ids.task)
    meta = task["metadata"]
    if change == "set":
        meta["a"] = "5"
    elif change == "add":
        meta["c"] = "3"
    elif change == "delete":
        del meta["a"]
    elif change == "delete and set":
        del meta["a"]
        # Refused for one of the attributes that cannot be changed; which of them is chance.
        try:
            meta["a"] = "6"
        except t.api.exception.ImmutableAttributeError:
            t.say("set", "refused")
    elif change == "set twice":
        meta["a"] = "6"
        meta["a"] = "7"
    elif change == "add and delete":
        meta["c"] = "3"
        del meta["c"]
    else:
        meta["c"] = "3"
        meta["d"] = "4"
    t.say("before", dict(meta))
    t.note("commit", t.session.commit)
    t.say("afterwards", dict(task["metadata"]))
    t.session.rollback()
    t.say("others", dict(t.open().get("Task", ids.task)["metadata"]))


@program
def metadata_of_a_new_entity(t):
    shot = t.entities().shot
    task = t.session.create("Task", {"name": "new", "parent": shot, "metadata": {"a": "1"}})
    t.say("before", dict(task["metadata"]))
    t.session.commit()
    t.say("others", dict(t.open().get("Task", task["id"])["metadata"]))


CUSTOM = """
custom['fstart']
custom['fps']
custom['nonsense']
custom.get('fstart')
custom.get('nonsense', 5)
'fstart' in custom
'nonsense' in custom
sorted(custom.keys())
sorted(custom.items())
len(custom)
dict(custom)['fend']
custom.__setitem__('fstart', 1001), custom['fstart']
custom.__setitem__('fstart', '1001'), custom['fstart']
custom.__setitem__('nonsense', 1)
custom.update({'fstart': 5, 'fend': 6}), sorted(custom.items())
custom.__delitem__('fstart'), custom['fstart']
custom.__delitem__('nonsense')
custom.mutable
custom.attribute.name
type(custom).__name__
len(custom.collection)
custom.get_configuration_id_from_key('fstart').__class__.__name__
custom.get_configuration_id_from_key('nonsense')
setattr(custom, 'mutable', False), custom.__setitem__('fstart', 5)
shot['custom_attributes'] is custom
shot.__setitem__('custom_attributes', {'fstart': 9}), sorted(shot['custom_attributes'].items())
shot.__setitem__('custom_attributes', {'nonsense': 9})
shot['parent']['custom_attributes']['fps']
sorted(shot['project']['custom_attributes'].keys())
bool(custom)
custom == dict(custom)
"""


@family(*CUSTOM.strip().splitlines())
def custom_attributes(t):
    """What the custom attributes of a shot can do."""
    shot = t.session.get("Shot", t.tree().shot)
    return {"shot": shot, "custom": shot["custom_attributes"]}


@cases(
    {"fstart": 1001},
    {"fstart": 1001, "fend": 1100},
    {"fps": 30},
    {"fstart": None},
    {"handles": 1.5},
    {"nonsense": 5},
)
def custom_attributes_written(t, values):
    """What setting custom attributes writes in a commit, set one by one."""
    shot = t.entities().shot
    for key, value in values.items():
        t.note(key, shot["custom_attributes"].__setitem__, key, value)
    t.note("commit", t.session.commit)
    t.say("afterwards", dict(shot["custom_attributes"]))
    t.say("others", dict(t.open().get("Shot", shot["id"])["custom_attributes"]))
    shot["custom_attributes"]["fstart"] = 7
    t.note("again", t.session.commit)
    t.say("others", dict(t.open().get("Shot", shot["id"])["custom_attributes"]))


@program
def custom_attributes_of_a_new_entity(t):
    sequence = t.entities().sequence
    data = {"name": "sh020", "parent": sequence, "custom_attributes": {"fstart": 5, "fend": 10}}
    shot = t.session.create("Shot", data)
    t.say("before", dict(shot["custom_attributes"]))
    t.session.commit()
    t.say("others", dict(t.open().get("Shot", shot["id"])["custom_attributes"]))


@cases("parent", "context_id", "no parent", "nothing", "unknown key")
def custom_attributes_of_a_new_asset(t, given):
    """What a new asset is given is found by its kind, whether or not its parent is known."""
    ids = t.tree()
    configuration = t.make(
        "CustomAttributeConfiguration",
        "approved",
        key="approved",
        label="Approved",
        entity_type="asset",
        type_id=t.first_id("CustomAttributeType where name is 'boolean'"),
        group_id=t.first_id("CustomAttributeGroup"),
        config="{}",
        default=True,
    )
    parents = {
        "parent": {"parent": t.session.get("Shot", ids.shot)},
        "context_id": {"context_id": ids.shot},
        "no parent": {"parent": None},
    }
    key = "nonsense" if given == "unknown key" else "approved"
    data = {"name": "new", **parents.get(given, {}), "custom_attributes": {key: False}}
    t.note("create", t.session.create, "Asset", data)
    if given in ("parent", "context_id"):
        t.session.commit()
    deletion = {"action": "delete", "entity_type": "CustomAttributeConfiguration"}
    t.call({**deletion, "entity_key": [configuration]})
