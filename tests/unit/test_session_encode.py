from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from call_log import Calls
from ftrack_rs import Session, _core, symbol


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    (path,) = _core.draw_frames(str(tmp_path), "still", 1, 64, 36)
    return Path(path)


def finished(session: Session, job: Any) -> Any:
    """Wait for the end of *job*; each look is a call that the server answers when it can."""
    deadline = time.monotonic() + 60
    while job["status"] not in ("done", "failed"):
        assert time.monotonic() < deadline, f"the job is still {job['status']}"
        session.populate(job, "status, data")
    return job


def test_a_file_is_uploaded_and_encoded(
    session: Session, calls: Calls, version: Any, picture: Path
) -> None:
    calls.forget()
    job = version.encode_media(str(picture))
    assert calls.actions[-2:] == [["encode_media"], ["query"]]
    assert job.entity_type == "Job"
    data = json.loads(finished(session, job)["data"])
    assert job["status"] == "done"
    assert data["keep_original"] is False
    assert [output["format"] for output in data["output"]]
    session.populate(version, "thumbnail_id")
    outputs = [output["component_id"] for output in data["output"]]
    components = session.query(f"Component where version_id is {version['id']}").all()
    assert {component["id"] for component in components} >= set(outputs)


def test_a_component_is_kept(
    session: Session, version: Any, server_location: Any, picture: Path
) -> None:
    component = version.create_component(picture, {"name": "main"}, location=server_location)
    job = session.encode_media(component)
    data = json.loads(finished(session, job)["data"])
    assert data["keep_original"] is True
    assert data["source_component_id"] == component["id"]
    assert server_location.get_component_availability(component) == 100.0


def test_an_original_that_is_kept_belongs_to_the_version(
    session: Session, version: Any, picture: Path
) -> None:
    job = version.encode_media(str(picture), keep_original=True)
    data = json.loads(finished(session, job)["data"])
    source = session.get("FileComponent", data["source_component_id"])
    assert source["version_id"] == version["id"]


def test_anything_else_cannot_be_encoded(session: Session, version: Any) -> None:
    with pytest.raises(ValueError, match="Unable to encode media of type"):
        version.encode_media(version)


def test_upload_metadata(session: Session, version: Any) -> None:
    component = session.create("FileComponent", {"name": "x", "version": version})
    metadata = session.get_upload_metadata(component["id"], "x.txt", 4, "CY9rzUYh03PK3k6DJie09g==")
    assert metadata["url"].startswith("http")
    assert metadata["headers"]["Content-MD5"] == "CY9rzUYh03PK3k6DJie09g=="


def test_review_components_go_to_their_location(session: Session, picture: Path) -> None:
    component = session.create_component(picture, {"name": "ftrackreview-image"})
    review = session.get("Location", symbol.REVIEW_LOCATION_ID)
    assert review.get_component_availability(component) == 100.0
