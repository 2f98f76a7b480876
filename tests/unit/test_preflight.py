from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from call_log import Calls
from ftrack_rs import Session, Transfer, exception, preflight, symbol
from ftrack_rs.accessor.disk import DiskAccessor
from ftrack_rs.structure.standard import StandardStructure

Frames = tuple[str, list[Path]]


@pytest.fixture
def disk_location(session: Session, tmp_path: Path, unique_name: str) -> Any:
    location = session.ensure("Location", {"name": unique_name})
    location.accessor = DiskAccessor(str(tmp_path / "storage"))
    location.structure = StandardStructure()
    (tmp_path / "storage").mkdir()
    return location


@pytest.fixture(params=["server", "disk"])
def location(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(f"{request.param}_location")


def damage(files: list[Path]) -> None:
    for index in (2, 3, 4, 40):
        files[index].unlink()
    files[7].write_bytes(b"")


def test_all_missing_and_empty_frames_are_named_before_anything_is_done(
    session: Session, calls: Calls, version: Any, location: Any, frames: Frames
) -> None:
    pattern, files = frames
    damage(files)
    calls.forget()
    with pytest.raises(exception.PreflightError) as caught:
        version.create_component(pattern, {"name": "main"}, location=location)
    assert isinstance(caught.value, exception.LocationError)
    assert str(caught.value) == (
        f"{files[0].parent}/render.%04d.exr is not complete: frames 0003-0005, 0041 are missing "
        "and frames 0008 have no content. Nothing has been transferred."
    )
    assert caught.value.details["missing"] == [str(files[index]) for index in (2, 3, 4, 40)]
    assert caught.value.details["empty"] == [str(files[7])]
    assert calls.actions == []
    assert not session.recorded_operations


def test_components_are_looked_at_when_they_are_added(
    session: Session, calls: Calls, version: Any, location: Any, frames: Frames
) -> None:
    component = version.create_component(frames[0], {"name": "main"})
    damage(frames[1])
    origin = session.get("Location", symbol.ORIGIN_LOCATION_ID)
    with pytest.raises(exception.PreflightError, match="0003-0005, 0041 are missing"):
        location.add_component(component, origin)
    assert location.get_component_availability(component) == 0.0


def test_where_no_bytes_move_frames_may_be_missing(
    session: Session, version: Any, frames: Frames
) -> None:
    pattern, files = frames
    damage(files)
    component = version.create_component(pattern, {"name": "main"})
    assert component["size"] == sum(path.stat().st_size for path in files if path.exists())
    unmanaged = session.get("Location", symbol.UNMANAGED_LOCATION_ID)
    unmanaged.add_component(component, session.get("Location", symbol.ORIGIN_LOCATION_ID))
    assert unmanaged.get_component_availability(component) == 100.0


def test_switched_off_it_is_the_transfer_that_fails(
    session: Session, version: Any, disk_location: Any, frames: Frames
) -> None:
    pattern, files = frames
    files[7].write_bytes(b"")
    with Transfer(preflight="off"):
        component = version.create_component(pattern, {"name": "main"}, location=disk_location)
    assert [member["size"] for member in component["members"]].count(0) == 1
    files[2].unlink()
    with Transfer(preflight="off"), pytest.raises(exception.LocationError) as caught:
        version.create_component(pattern, {"name": "other"}, location=disk_location)
    assert not isinstance(caught.value, exception.PreflightError)


def test_a_single_file_may_be_empty(version: Any, server_location: Any, tmp_path: Path) -> None:
    path = tmp_path / "marker.txt"
    path.touch()
    component = version.create_component(path, {"name": "marker"}, location=server_location)
    assert component["size"] == 0


def test_odd_frames_are_logged_and_published(
    version: Any, server_location: Any, frames: Frames, caplog: pytest.LogCaptureFixture
) -> None:
    pattern, files = frames
    files[7].write_bytes(b"torn")
    files[8].write_bytes(b"torn")
    with caplog.at_level(logging.WARNING, "ftrack_api"):
        version.create_component(pattern, {"name": "main"}, location=server_location)
    sequence = f"{files[0].parent}/render.%04d.exr"
    assert caplog.messages == [
        f"Frames 0008-0009 of {sequence} differ much in size from the others."
    ]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        (["0001"], "0001"),
        (["0003", "0001", "0002", "0010"], "0001-0003, 0010"),
        (["9", "10", "11"], "9-11"),
        (["a", "b"], "a, b"),
    ],
)
def test_frame_numbers_are_written_as_ranges(numbers: list[str], expected: str) -> None:
    assert preflight.ranges(numbers) == expected


def test_a_text_names_a_few_runs_of_frames() -> None:
    numbers = [f"{number:04}" for number in range(1, 4000, 2)]
    assert preflight.ranges(numbers[:3]) == "0001, 0003, 0005"
    assert preflight.ranges([*numbers[:8], "0016", "0017"]).endswith(", 0013, 0015-0017")
    assert preflight.ranges(numbers).endswith(", 0013, 0015 and 1992 more")
