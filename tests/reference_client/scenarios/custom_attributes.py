"""Custom attributes and the links between entities that they can be."""

from __future__ import annotations

import json

import ftrack_api
import ftrack_api.exception

from scenarios.stage import (
    elsewhere,
    new_project,
    new_user,
    new_version,
    refused,
    scenario,
    unique,
)

SHOT = "bad911de-3bd6-47b9-8b46-3476e237cb36"


@scenario
def custom_attributes_are_dense_and_can_be_set(session):
    _, _, shot, _ = new_project(session)
    session.commit()
    assert {"fstart", "fend"} <= set(shot["custom_attributes"].keys())
    shot["custom_attributes"]["fstart"] = 1001
    session.commit()
    other = ftrack_api.Session()
    assert other.get("Shot", shot["id"])["custom_attributes"]["fstart"] == 1001
    found = other.query(
        'select id from Shot where custom_attributes any (key is "fstart" and value is "1001")'
    )
    assert shot["id"] in [entity["id"] for entity in found]


def configure(session, type_name, default, entity_type="task", config=None, **attributes):
    """Create a configuration, by default one of shots, and return it."""
    attribute_type = session.query(f'CustomAttributeType where name is "{type_name}"').one()
    key = unique(type_name.replace(" ", "_"))
    data = {
        "entity_type": entity_type,
        "type": attribute_type,
        "label": key,
        "key": key,
        "default": default,
        "config": json.dumps(config or {}),
        **attributes,
    }
    if entity_type == "task":
        data.setdefault("object_type_id", SHOT)
    configuration = session.create("CustomAttributeConfiguration", data)
    session.commit()
    return configuration


@scenario
def every_kind_of_value_comes_back_as_it_was_set(session):
    menu = json.dumps([{"menu": "Foo", "value": "foo"}, {"menu": "Bar", "value": "bar"}])
    kinds = [
        (configure(session, "text", "x", config={"markdown": False}), "x", "text"),
        (configure(session, "number", 1, config={"isdecimal": False}), 1, 12),
        (configure(session, "number", 1.5, config={"isdecimal": True}), 1.5, 2.25),
        (configure(session, "boolean", False), False, True),
        (
            configure(session, "enumerator", ["foo"], config={"multiSelect": True, "data": menu}),
            ["foo"],
            ["foo", "bar"],
        ),
    ]
    fresh = ftrack_api.Session()
    _, _, shot, _ = new_project(fresh)
    fresh.commit()
    for configuration, default, value in kinds:
        key = configuration["key"]
        assert shot["custom_attributes"][key] == default, key
        shot["custom_attributes"][key] = value
    fresh.commit()
    again = elsewhere(shot)
    for configuration, _, value in kinds:
        key = configuration["key"]
        assert again["custom_attributes"][key] == value, key


@scenario
def a_value_of_another_kind_is_refused(session):
    _, _, shot, _ = new_project(session)
    session.commit()
    shot["custom_attributes"]["fstart"] = "test"
    with refused('Custom attribute value for "fstart" must be of type number. Got "test"'):
        session.commit()
    session.rollback()


@scenario
def an_attribute_that_does_not_apply_is_none(session):
    _, sequence, _, task = new_project(session)
    session.commit()
    assert "fstart" not in task["custom_attributes"]
    try:
        sequence["custom_attributes"]["fstart"]
    except KeyError:
        pass
    else:
        raise AssertionError("sequences have no first frame")


@scenario
def values_are_set_in_the_batch_that_creates(session):
    project, sequence, _, _ = new_project(session)
    session.commit()
    shot = session.create(
        "Shot", {"name": "sh020", "parent": sequence, "custom_attributes": {"fstart": 1009}}
    )
    session.commit()
    assert elsewhere(shot)["custom_attributes"]["fstart"] == 1009
    found = session.query(
        f'Shot where project_id is "{project["id"]}" and '
        "custom_attributes any (key is fstart and value > 1008)"
    )
    assert found.one()["id"] == shot["id"]


@scenario
def hierarchical_values_are_not_inherited(session):
    configuration = configure(session, "number", 24, entity_type="show", is_hierarchical=True)
    key = configuration["key"]
    fresh = ftrack_api.Session()
    project, sequence, _, task = new_project(fresh)
    version = new_version(fresh, task)
    fresh.commit()
    sequence["custom_attributes"][key] = 25
    fresh.commit()
    values = [
        elsewhere(entity)["custom_attributes"][key]
        for entity in (project, sequence, task, version, version["asset"])
    ]
    assert values == [None, 25, None, None, None]


@scenario
def a_configuration_belongs_to_a_kind_of_entity(session):
    of_users = configure(session, "text", "", entity_type="user")["key"]
    of_versions = configure(session, "text", "", entity_type="assetversion")["key"]
    of_assets = configure(session, "text", "", entity_type="asset")["key"]
    of_projects = configure(session, "text", "", entity_type="show")["key"]
    fresh = ftrack_api.Session()
    project, _, _, task = new_project(fresh)
    version, user = new_version(fresh, task), new_user(fresh)
    fresh.commit()
    for entity, key in (
        (user, of_users),
        (version, of_versions),
        (version["asset"], of_assets),
        (project, of_projects),
    ):
        entity["custom_attributes"][key] = "set"
    fresh.commit()
    for entity, key in (
        (user, of_users),
        (version, of_versions),
        (version["asset"], of_assets),
        (project, of_projects),
    ):
        keys = elsewhere(entity)["custom_attributes"]
        assert keys[key] == "set"
        assert {of_users, of_versions, of_assets, of_projects} & set(keys.keys()) == {key}


@scenario
def an_attribute_is_for_the_roles_that_it_names(session):
    role = session.query('SecurityRole where name is "User"').one()
    key = configure(session, "text", "x", read_security_roles=[role])["key"]
    _, _, shot, _ = new_project(session)
    user = new_user(session, is_active=True)
    session.commit()

    def as_they_see_it():
        theirs = ftrack_api.Session(api_user=user["username"], api_key=user.reset_api_key())
        return theirs.get("Shot", shot["id"])

    assert key not in as_they_see_it()["custom_attributes"]
    session.create("UserSecurityRole", {"user": user, "security_role": role})
    session.commit()
    seen = as_they_see_it()
    assert seen["custom_attributes"][key] == "x"
    seen["custom_attributes"][key] = "y"
    with refused("PermissionError"):
        seen.session.commit()


@scenario
def stored_values_are_rows_that_can_be_queried(session):
    _, _, shot, _ = new_project(session)
    session.commit()
    shot["custom_attributes"]["fstart"] = 77
    session.commit()
    rows = session.query(
        "select value, configuration.key from ContextCustomAttributeValue where "
        f'entity_id is "{shot["id"]}" and configuration.key is "fstart"'
    )
    assert rows.one()["value"] == 77
    generic = session.query(
        "select value from CustomAttributeValue where configuration.key is fstart and "
        f'entity_id is "{shot["id"]}"'
    )
    assert generic.one()["value"] == 77


@scenario
def entities_are_linked_to_users_and_to_each_other(session):
    key = unique("supervisor")
    supervisor = session.create(
        "CustomAttributeLinkConfiguration",
        {
            "key": key,
            "label": key,
            "entity_type": "task",
            "object_type_id": SHOT,
            "entity_type_to": "user",
            "one_to_one": True,
        },
    )
    session.commit()
    _, _, shot, _ = new_project(session)
    user = new_user(session)
    link = session.create(
        "CustomAttributeLink",
        {"configuration_id": supervisor["id"], "from_id": shot["id"], "to_id": user["id"]},
    )
    session.commit()
    linked = (
        f'Shot where custom_attribute_links any (configuration.key is "{key}" and '
        f'user.username is "{user["username"]}")'
    )
    assert session.query(linked).one() is shot
    back = session.query(
        f'User where custom_attribute_links_from any (configuration.key is "{key}")'
    )
    assert back.one() is user
    session.delete(link)
    session.commit()
    assert session.query(linked).all() == []
