"""The centralised storage scenario: what sets its location up, and the dialogue that configures it."""

from __future__ import annotations

import json
import os

from registry import cases, program

NAME = "ftrack.centralized-storage"


@cases("complete", "without a location", "without mount points", "another scenario")
def activation(t, setting):
    session = t.session
    data = {
        "location_id": t.id("location"),
        "location_name": t.name("storage"),
        "accessor": {"mount_points": {"linux": t.folder, "osx": "/osx", "windows": "C:\\"}},
    }
    scenario = {"scenario": NAME, "data": data}
    if setting == "without a location":
        del data["location_id"]
    elif setting == "without mount points":
        del data["accessor"]
    elif setting == "another scenario":
        scenario["scenario"] = "another"
    event = t.api.event.base.Event(
        "ftrack.storage-scenario.activate", data={"storage_scenario": scenario}
    )
    t.say("answers", session.event_hub.publish(event, synchronous=True))
    for item in list(session._local_cache.values()):
        if item.entity_type == "Location" and item["id"] == t.id("location"):
            t.say("name", item["name"] == data["location_name"])
            t.say("set up", [item.priority, item.accessor.prefix, type(item.structure).__name__])


@cases("mounted", "not mounted", "no mount point")
def verification(t, mount):
    """Whether ftrack Connect is told of a problem when it starts."""
    prefix = {"mounted": t.folder, "not mounted": "/nowhere", "no mount point": ""}[mount]
    points = {"linux": prefix, "osx": prefix, "windows": prefix}
    scenario = {"scenario": NAME, "data": {"accessor": {"mount_points": points}}}
    event = t.api.event.base.Event(
        "ftrack.connect.verify-startup", data={"storage_scenario": scenario}
    )
    answers = t.session.event_hub.publish(event, synchronous=True)
    return [answer and type(answer).__name__ for answer in answers]


def dialogue(t):
    """Return a function that gives values to the dialogue and notes the form that follows."""
    t.api._centralized_storage_scenario.register_configuration(t.session)
    Event = t.api.event.base.Event

    def give(configuration=None, **values):
        if configuration is not None:
            values["configuration"] = configuration
        data = {"scenario_id": NAME, "values": values}
        event = Event("ftrack.storage-scenario.configure", data=data)
        (form,) = t.session.event_hub.publish(event, synchronous=True)
        fields = {item["name"]: item for item in form["items"] if "name" in item}
        step = fields.pop("step")["value"]
        configuration = fields.pop("configuration")["value"]
        # What the labels say are the words of each client.
        labels = [item for item in form["items"] if item["type"] == "label"]
        t.say(step, [form["state"], len(labels)])
        t.say("fields", [[name, item["type"]] for name, item in fields.items()])
        t.say("configuration", configuration)
        return configuration, fields

    return give


@program
def the_dialogue_is_offered(t):
    t.api._centralized_storage_scenario.register_configuration(t.session)
    event = t.api.event.base.Event("ftrack.storage-scenario.discover")
    return [
        [answer["id"], sorted(answer)]
        for answer in t.session.event_hub.publish(event, synchronous=True)
    ]


@cases("new", "existing")
def the_dialogue(t, location):
    """All forms in turn, until the setting is saved; which is then put back."""
    session = t.session
    stored = 'select value from Setting where name is "storage_scenario" and group is "STORAGE"'
    setting = session.query(stored).one()
    before = setting["value"]
    # So that the last event need not be sent.
    session.event_hub.init_connection()
    give = dialogue(t)
    configuration, fields = give()
    t.say("choices", [sorted(choice) for choice in fields["location_id"]["data"][:1]])
    if location == "new":
        configuration, fields = give(
            configuration, step="select_location", location_id="create_new_location"
        )
        t.say("name", fields["location_name"]["value"])
        described = {"location_label": "L", "location_description": "d"}
        configuration, _ = give(
            configuration, step="configure_location", location_name=t.name("s"), **described
        )
    else:
        known = session.ensure("Location", {"name": t.name("s")})
        configuration, _ = give(configuration, step="select_location", location_id=known["id"])
    points = {f"{name}_mount_point": os.sep + name for name in ("linux", "osx", "windows")}
    configuration, _ = give(configuration, step="select_mount_point", **points)
    give(configuration, step="confirm_summary")
    t.say("saved", json.loads(t.open().query(stored).one()["value"]))
    setting["value"] = before
    session.commit()


@program
def choices_that_cannot_be(t):
    give = dialogue(t)
    configuration, _ = give()
    give(dict(configuration), step="select_location", location_id="nothing")
    configuration, _ = give(
        configuration, step="select_location", location_id="create_new_location"
    )
    described = {"location_label": "L", "location_description": "d"}
    for name in ("", "ftrack.server"):
        give(dict(configuration), step="configure_location", location_name=name, **described)
