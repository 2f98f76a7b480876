from __future__ import annotations

import copy
import logging
import pickle
import threading
import uuid
from typing import Any

import pytest

from call_log import Calls
from ftrack_rs import Session, exception, symbol
from ftrack_rs.entity.base import Entity
from ftrack_rs.mixin import mixin


def test_it_reads_like_a_mapping(task: Any) -> None:
    assert task["name"] == "compositing"
    assert task.get("name") == "compositing"
    assert task.get("no_such_attribute", 1) == 1
    assert "name" in task
    assert "no_such_attribute" not in task
    assert set(task) == set(task.attributes.keys()) == set(task.keys())
    assert len(task) == len(task.attributes)
    for missing in (lambda: task["x"], lambda: task.__setitem__("x", 1), lambda: task[1]):
        with pytest.raises(KeyError):
            missing()


def test_items_and_values_are_lists(task: Any) -> None:
    assert ("name", "compositing") in task.items()
    assert "compositing" in task.values()


def test_how_it_prints(session: Session, task: Any) -> None:
    identifier = task["id"]
    assert str(task) == f"<Task({identifier})>"
    assert repr(task) == f"<dynamic ftrack Task object {id(task)}>"
    assert repr(type(task)) == "<dynamic ftrack class 'Task'>"
    location = session.get("Location", symbol.SERVER_LOCATION_ID)
    expected = f'<ServerLocation("ftrack.server", {symbol.SERVER_LOCATION_ID})>'
    assert str(location) == expected
    assert str(session._create("Task", {}, reconstructing=True)) == "<Task(Unknown)>"


def test_equality_goes_by_identity(session: Session, other_session: Session, task: Any) -> None:
    other = other_session.get("Task", task["id"])
    assert other is not task
    assert other == task
    assert hash(other) == hash(task)
    assert {task: 1}[other] == 1
    assert task in [other]
    assert task != session.query(f'Task where id is_not "{task["id"]}"').first()
    assert task != None  # noqa: E711 - scripts write it
    assert task != "task"
    assert task != {"id": task["id"]}


def test_without_a_key_there_is_no_identity(session: Session) -> None:
    unknown = session._create("Task", {}, reconstructing=True)
    assert unknown != session._create("Task", {}, reconstructing=True)
    with pytest.raises(KeyError):
        hash(unknown)


def test_copies_are_the_entity_itself(task: Any) -> None:
    assert copy.copy(task) is task
    assert copy.deepcopy([task])[0] is task
    with pytest.raises(pickle.PicklingError, match="cannot be pickled"):
        pickle.dumps(task)


def test_tools_see_what_is_loaded_without_loading_it(session: Session, calls: Calls) -> None:
    task = session.query("select name, parent.name from Task").first()
    task["description"] = "set"
    calls.forget()
    storage = task._ftrack_attribute_storage
    assert calls.actions == []
    assert storage["name"] == {"local": symbol.NOT_SET, "remote": task["name"]}
    assert storage["description"] == {"local": "set", "remote": symbol.NOT_SET}
    assert storage["parent"]["remote"] is task["parent"]
    assert "priority" not in storage
    assert storage["priority"] == {"local": symbol.NOT_SET, "remote": symbol.NOT_SET}
    assert calls.actions == []


def test_tools_may_change_what_is_loaded(session: Session) -> None:
    task = session.query("select name from Task").first()
    storage = task.attributes.get("name").get_entity_storage(task)
    storage["name"]["remote"] = "server"
    assert task["name"] == "server"
    storage["name"]["local"] = "local"
    assert task["name"] == "local"
    del storage["name"]["local"]
    assert task["name"] == "server"
    assert not session.recorded_operations
    assert set(storage) >= {"id", "name"}
    with pytest.raises(KeyError):
        storage["no such attribute"]


def test_deleting_a_value_shows_the_servers(task: Any) -> None:
    task["name"] = "changed"
    del task["name"]
    assert task["name"] == "compositing"
    task["name"], task["description"] = "changed", "changed"
    task.clear()
    assert task["name"] == "compositing"
    assert task["description"] != "changed"


def test_any_value_may_be_set(task: Any) -> None:
    value = object()
    task["description"] = value
    assert task["description"] is value


def test_instances_hold_attributes_of_their_own(session: Session, task: Any) -> None:
    task.note_of_a_script = 1
    assert session.get("Task", task["id"]).note_of_a_script == 1
    assert task.session is session


def test_mixins_extend_one_instance(session: Session, task: Any) -> None:
    class Shouting:
        def shout(self) -> str:
            return str(self["name"]).upper()  # type: ignore[index]

    mixin(task, Shouting)
    first = type(task)
    mixin(task, Shouting)
    assert type(task) is first
    assert first.__name__ == "TaskShouting"
    assert task.shout() == "COMPOSITING"
    assert isinstance(task, session.types["Task"])


def test_types_know_their_relatives(session: Session) -> None:
    component = session.create("SequenceComponent", {"name": "x"})
    assert isinstance(component, session.types["SequenceComponent"])
    assert component.entity_type == "SequenceComponent"
    assert session.types["Metadata"].primary_key_attributes == ["parent_id", "key"]


def test_loggers_stand_below_the_name_that_scripts_configure(task: Any) -> None:
    assert isinstance(task.logger, logging.Logger)
    assert task.logger.name == "ftrack_api.entity.base.Task"


def test_merging_reports_changes(session: Session, task: Any) -> None:
    data = {"id": task["id"], "name": "renamed", "bid": task["bid"]}
    other = session._create("Task", data, reconstructing=True)
    changes = task.merge(other)
    assert changes == [
        {
            "type": "remote_attribute",
            "name": "name",
            "old_value": "compositing",
            "new_value": "renamed",
        }
    ]
    assert task["name"] == "renamed"


def test_a_class_of_a_plugin_is_used(sandbox: Any, tmp_path: Any) -> None:
    (tmp_path / "plugin.py").write_text(
        "from ftrack_rs.entity.factory import StandardFactory\n"
        "from ftrack_rs.attribute import ScalarAttribute\n"
        "class Upper(ScalarAttribute):\n"
        "    def get_value(self, entity):\n"
        "        return super().get_value(entity).upper()\n"
        "class Factory(StandardFactory):\n"
        "    def create_scalar_attribute(self, class_name, name, *options):\n"
        "        made = super().create_scalar_attribute(class_name, name, *options)\n"
        "        return Upper(name, made.data_type) if name == 'name' else made\n"
        "def construct(event):\n"
        "    if event['data']['schema']['id'] == 'Project':\n"
        "        return Factory().create(event['data']['schema'])\n"
        "def register(session):\n"
        "    session.event_hub.subscribe(\n"
        "        'topic=ftrack.api.session.construct-entity-type', construct)\n"
    )
    with sandbox.session(plugin_paths=[str(tmp_path)]) as session:
        name = session.query("select name from Project").first()["name"]
        assert name
        assert name == name.upper()


def test_a_subclass_may_do_without_a_session() -> None:
    class Bare(Entity):
        def __init__(self) -> None:
            pass

    with pytest.raises(AttributeError, match="belongs to no session"):
        _ = Bare().session


def test_ids_are_random_unless_somebody_replaces_uuid4(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (session.create("Note") for _ in range(2))
    assert uuid.UUID(first["id"]).version == uuid.UUID(second["id"]).version == 4
    assert first["id"] != second["id"]
    known = uuid.UUID(int=7)
    monkeypatch.setattr(uuid, "uuid4", lambda: known)
    assert session.create("Note")["id"] == str(known)


def test_one_entity_is_made_however_many_threads_ask(session: Session) -> None:
    identifiers = [task["id"] for task in session.query("select id from Task limit 50")]
    session._local_cache.clear()
    session.query("select name from Task").all()
    seen: list[list[int]] = []

    def look() -> None:
        seen.append([id(session.get("Task", identifier)) for identifier in identifiers])

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert all(ids == seen[0] for ids in seen)


def test_jobs_of_other_types_are_not_made_by_hand(session: Session) -> None:
    user = session.query("User").first()
    with pytest.raises(ValueError, match='Invalid job type "encode"'):
        session.create("Job", {"type": "encode", "user": user})
    job = session.create("Job", {"user": user, "status": "running", "data": "{}"})
    session.commit()
    assert job["status"] == "running"


def test_unknown_types_are_named(session: Session) -> None:
    with pytest.raises(exception.UnrecognisedEntityTypeError):
        session.decode('{"__entity_type__": "Tusk", "id": "x"}')
