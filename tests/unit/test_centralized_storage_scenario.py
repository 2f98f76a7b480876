"""The dialogue that configures the central storage, and what a session makes of it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ftrack_rs import _centralized_storage_scenario as scenario
from ftrack_rs.accessor.disk import DiskAccessor
from ftrack_rs.event.base import Event
from ftrack_rs.event.hub import EventHub
from ftrack_rs.exception import LocationError
from ftrack_rs.structure.standard import StandardStructure

PLATFORM = {"darwin": "osx", "win32": "windows"}.get(sys.platform, "linux")


class Result(list):  # type: ignore[type-arg]
    def first(self) -> Any:
        return self[0] if self else None

    def one(self) -> Any:
        (item,) = self
        return item


class Session:
    """A session that knows one setting and some locations."""

    def __init__(self, setting: Any = None) -> None:
        self.api_user = "jane"
        self.event_hub = EventHub("http://localhost", "jane", "key")
        self.setting = {"value": json.dumps(setting) if setting else ""}
        self.locations = [
            {"id": "1", "name": "ftrack.server", "label": "Server", "description": ""},
            {"id": "2", "name": "studio.nas", "label": "NAS", "description": "In the cellar"},
        ]
        self.committed = False
        self.reconstructed: list[Any] = []

    def query(self, expression: str) -> Result:
        if "Setting" in expression:
            return Result([self.setting])
        match = re.search(r'(id|name) is "(.*)"', expression)
        if not match:
            return Result(self.locations)
        return Result(item for item in self.locations if item[match[1]] == match[2])

    def get(self, entity_type: str, entity_key: str) -> Any:
        return self.query(f'{entity_type} where id is "{entity_key}"').first()

    def create(self, entity_type: str, data: Any = None, reconstructing: bool = False) -> Any:
        if reconstructing:
            self.reconstructed.append(SimpleNamespace(**data))
            return self.reconstructed[-1]
        self.locations.append({"id": "new", **data})
        return self.locations[-1]

    def commit(self) -> None:
        self.committed = True

    def configure(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to the form *values*, sent as the web page sends it."""
        data = {"scenario_id": scenario.scenario_name, "values": json.loads(json.dumps(values))}
        event = Event("ftrack.storage-scenario.configure", data=data)
        (answer,) = self.event_hub.publish(event, synchronous=True)
        json.dumps(answer)
        return answer  # type: ignore[no-any-return]


def filled_in(answer: dict[str, Any], **values: Any) -> dict[str, Any]:
    """Return the values of the form in *answer*, changed by *values*."""
    fields = {item["name"]: item["value"] for item in answer["items"] if "name" in item}
    return {**fields, **values}


def text_of(answer: dict[str, Any]) -> str:
    return "\n".join(item["value"] for item in answer["items"] if item["type"] == "label")


def step_of(answer: dict[str, Any]) -> str:
    return str(filled_in(answer)["step"])


def saved(location_id: str = "2", **mount_points: str) -> dict[str, Any]:
    return {
        "scenario": "ftrack.centralized-storage",
        "data": {
            "location_id": location_id,
            "location_name": "studio.nas",
            "accessor": {"mount_points": {"linux": "", "osx": "", "windows": "", **mount_points}},
        },
    }


@pytest.fixture
def session() -> Session:
    session = Session()
    scenario.register_configuration(session)
    return session


class TestConfiguration:
    def test_is_offered_to_the_user_of_the_session(self, session: Session) -> None:
        topic = "ftrack.storage-scenario.discover"
        (offer,) = session.event_hub.publish(Event(topic), synchronous=True)
        assert offer["id"] == "ftrack.centralized-storage"
        other = Event(topic, source={"user": {"username": "joe"}})
        assert session.event_hub.publish(other, synchronous=True) == []

    def test_of_a_new_location(self, session: Session) -> None:
        answer = session.configure({})
        assert (step_of(answer), answer["state"]) == ("select_location", "configuring")

        answer = session.configure(filled_in(answer, location_id="create_new_location"))
        assert step_of(answer) == "configure_location"

        answer = session.configure(filled_in(answer, location_name="studio.central"))
        assert step_of(answer) == "select_mount_point"

        answer = session.configure(filled_in(answer, linux_mount_point="/mnt/nas"))
        assert (step_of(answer), answer["state"]) == ("confirm_summary", "confirm")
        for said in ("studio.central", "Linux: /mnt/nas", "does not work on macOS and Windows"):
            assert said in text_of(answer)
        assert not session.committed

        answer = session.configure(filled_in(answer))
        assert (step_of(answer), answer["state"]) == ("save_configuration", "done")
        assert session.committed
        assert session.locations[-1]["name"] == "studio.central"
        assert json.loads(session.setting["value"]) == {
            "scenario": "ftrack.centralized-storage",
            "data": {
                "location_id": "new",
                "location_name": "studio.central",
                "accessor": {"mount_points": {"linux": "/mnt/nas", "osx": "", "windows": ""}},
            },
        }

    def test_of_an_existing_location(self, session: Session) -> None:
        answer = session.configure(filled_in(session.configure({}), location_id="2"))
        assert step_of(answer) == "select_mount_point"
        answer = session.configure(
            filled_in(
                answer, linux_mount_point="/a", osx_mount_point="/b", windows_mount_point="c:"
            )
        )
        assert "NAS" in text_of(answer)
        assert "does not work" not in text_of(answer)
        session.configure(filled_in(answer))
        assert json.loads(session.setting["value"])["data"]["location_id"] == "2"

    def test_begins_with_what_is_configured_now(self) -> None:
        session = Session(saved(linux="/mnt/nas"))
        scenario.register_configuration(session)
        answer = session.configure({})
        assert filled_in(answer)["location_id"] == "2"
        assert "Be careful" in text_of(answer)
        answer = session.configure(filled_in(answer))
        assert filled_in(answer)["linux_mount_point"] == "/mnt/nas"

    @pytest.mark.parametrize("setting", [None, [], {"scenario": "other"}, {"scenario": 1}])
    def test_begins_anew_after_another_scenario(self, setting: Any) -> None:
        session = Session(setting)
        scenario.register_configuration(session)
        assert filled_in(session.configure({}))["location_id"] is None

    def test_builtin_locations_are_not_offered(self, session: Session) -> None:
        (choice,) = (
            item for item in session.configure({})["items"] if item["type"] == "enumerator"
        )
        assert [option["value"] for option in choice["data"]] == ["create_new_location", "2"]

    def test_creates_a_location_unless_there_is_a_choice(self, session: Session) -> None:
        del session.locations[1:]
        assert filled_in(session.configure({}))["location_id"] == "create_new_location"

    def test_of_a_location_that_is_gone(self, session: Session) -> None:
        answer = session.configure(filled_in(session.configure({}), location_id="gone"))
        assert step_of(answer) == "select_location"
        assert "does not exist" in text_of(answer)

    @pytest.mark.parametrize(
        ("values", "complaint"),
        [
            ({"location_name": "studio.nas"}, "already"),
            ({"location_name": ""}, "empty"),
            ({"location_label": ""}, "empty"),
            ({"location_name": 'studio"nas'}, "double quotes"),
        ],
    )
    def test_of_an_impossible_location(
        self, session: Session, values: dict[str, str], complaint: str
    ) -> None:
        answer = session.configure({})
        answer = session.configure(filled_in(answer, location_id="create_new_location"))
        answer = session.configure(filled_in(answer, location_description="kept", **values))
        assert step_of(answer) == "configure_location"
        assert complaint in text_of(answer)
        assert filled_in(answer)["location_description"] == "kept"


class TestActivation:
    def activate(self, setting: dict[str, Any]) -> Any:
        """Return the location that is made of *setting*."""
        activation = scenario.ActivateCentralizedStorageScenario()
        session = Session()
        activation.register(session)
        activation.activate(
            Event("ftrack.storage-scenario.activate", data={"storage_scenario": setting})
        )
        (location,) = session.reconstructed
        return location

    def test_sets_the_location_up(self, tmp_path: Path) -> None:
        location = self.activate(saved(**{PLATFORM: str(tmp_path)}))
        assert (location.id, location.name, location.priority) == ("2", "studio.nas", 1)
        assert isinstance(location.accessor, DiskAccessor)
        assert location.accessor.prefix == str(tmp_path)
        assert isinstance(location.structure, StandardStructure)

    def test_needs_the_whole_setting(self) -> None:
        with pytest.raises(LocationError, match="location_id"):
            self.activate({"data": {}})

    @pytest.mark.parametrize(("name", "calls"), [("ftrack.centralized-storage", 1), ("other", 0)])
    def test_is_for_its_own_scenario(self, name: str, calls: int) -> None:
        session = Session()
        scenario.register(session)
        event = Event(
            "ftrack.storage-scenario.activate",
            data={"storage_scenario": {**saved(**{PLATFORM: "/mnt"}), "scenario": name}},
        )
        assert session.event_hub.publish(event, synchronous=True) == [None] * calls

    @pytest.mark.parametrize(
        ("prefix", "complaint"), [("", "no mount point"), ("{folder}/missing", "does not exist")]
    )
    def test_startup_is_verified(self, tmp_path: Path, prefix: str, complaint: str) -> None:
        assert complaint in self.verify(prefix.format(folder=tmp_path))

    def test_startup_is_fine(self, tmp_path: Path) -> None:
        assert self.verify(str(tmp_path)) is None

    def verify(self, prefix: str) -> Any:
        session = Session()
        scenario.register(session)
        data = {"storage_scenario": saved(**{PLATFORM: prefix})}
        event = Event("ftrack.connect.verify-startup", data=data)
        (answer,) = session.event_hub.publish(event, synchronous=True)
        return answer
