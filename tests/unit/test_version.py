from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ftrack_rs import Session
from ftrack_rs.symbol import SERVER_LOCATION_ID


def test_a_version_of_a_task_makes_its_asset(session: Session, shot: Any, task: Any) -> None:
    version = session.create("Version", {"name": "v1", "task": task, "description": "first"})
    session.commit()
    assert version.entity_type == "AssetVersion"
    assert version["comment"] == "first"
    assert version["task"] is task
    assert version["asset"]["name"] == task["name"]
    assert version["asset"]["parent"] is shot


def test_the_asset_is_found_again(session: Session, other_session: Session, task: Any) -> None:
    first = session.create("Version", {"task": task})
    second = session.create("Version", {"task": task})
    session.commit()
    third = other_session.create("Version", {"task_id": task["id"]})
    other_session.commit()
    assert first["asset"] is second["asset"]
    assert third["asset"] == first["asset"]
    assert third["version"] == 3


def test_an_asset_that_is_given_is_used(session: Session, version: Any) -> None:
    made = session.create("Version", {"asset": version["asset"], "comment": "kept"})
    session.commit()
    assert made["asset"] is version["asset"]
    assert made["comment"] == "kept"


def test_a_version_of_nothing_is_refused(session: Session) -> None:
    with pytest.raises(ValueError, match="needs an asset, or a task"):
        session.create("Version", {"name": "v1"})
    assert not session.recorded_operations


def test_files_become_components(session: Session, task: Any, tmp_path: Path) -> None:
    (tmp_path / "file.mov").write_bytes(b"movie")
    version = session.create("Version", {"task": task})
    version["components"] = [{"name": "main", "file_path": str(tmp_path / "file.mov")}]
    session.commit()
    (component,) = version["components"]
    assert component["name"] == "main"
    assert component["file_type"] == ".mov"
    assert max(component.get_availability().values()) == 100.0


def test_files_go_where_they_are_told(
    session: Session, version: Any, server_location: Any, tmp_path: Path
) -> None:
    (tmp_path / "file.mov").write_bytes(b"movie")
    file = {"file_path": str(tmp_path / "file.mov"), "location": server_location}
    version["components"] = [file]
    (component,) = version["components"]
    assert component.get_availability()[SERVER_LOCATION_ID] == 100.0


def test_components_can_still_be_assigned(session: Session, version: Any, tmp_path: Path) -> None:
    component = session.create_component(str(tmp_path / "a.txt"), location=None)
    version["components"] = [component]
    session.commit()
    assert version["components"][0] is component
