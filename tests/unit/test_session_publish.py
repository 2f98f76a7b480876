from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from call_log import Calls
from ftrack_rs import Session, Transfer, exception, symbol
from ftrack_rs.accessor.disk import DiskAccessor
from ftrack_rs.entity.location import UnmanagedLocationMixin
from ftrack_rs.mixin import mixin
from ftrack_rs.sandbox import Sandbox
from ftrack_rs.structure.standard import StandardStructure


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    path = tmp_path / "movie.mov"
    path.write_bytes(b"not really a movie" * 1000)
    return path


@pytest.fixture
def disk_location(session: Session, tmp_path: Path, unique_name: str) -> Any:
    location = session.ensure("Location", {"name": unique_name})
    location.accessor = DiskAccessor(str(tmp_path / "storage"))
    location.structure = StandardStructure()
    location.priority = 1
    (tmp_path / "storage").mkdir()
    return location


def test_a_sequence_is_published_in_two_calls(
    calls: Calls, version: Any, server_location: Any, frames: tuple[str, list[Path]]
) -> None:
    pattern, files = frames
    calls.forget()
    component = version.create_component(pattern, {"name": "main"}, location=server_location)
    assert [sorted(set(actions)) for actions in calls.actions] == [
        ["get_upload_metadata"],
        ["create", "update"],
    ]
    assert component.entity_type == "SequenceComponent"
    assert component["version"] is version
    assert component["padding"] == 4
    assert component["file_type"] == ".exr"
    assert component["size"] == sum(path.stat().st_size for path in files)
    assert sorted(member["name"] for member in component["members"]) == [
        f"{index:04}" for index in range(1, 51)
    ]


def test_what_was_published_is_read_back(
    other_session: Session, version: Any, server_location: Any, frames: tuple[str, list[Path]]
) -> None:
    pattern, files = frames
    published = version.create_component(pattern, {"name": "main"}, location=server_location)
    component = other_session.get("SequenceComponent", published["id"])
    location = other_session.get("Location", symbol.SERVER_LOCATION_ID)
    members = sorted(component["members"], key=lambda member: member["name"])
    assert len(members) == 50
    for member, path in zip(members, files):
        assert location.accessor.open(member["id"]).read() == path.read_bytes()
    assert location.get_component_availability(component) == 100.0
    assert other_session.pick_location(component) == location


def test_a_single_file(session: Session, version: Any, server_location: Any, movie: Path) -> None:
    data = {"name": "movie"}
    component = version.create_component(movie, data, location=server_location)
    assert data == {"name": "movie"}
    assert component.entity_type == "FileComponent"
    assert component["size"] == movie.stat().st_size
    assert component["file_type"] == ".mov"
    assert server_location.get_resource_identifier(component) == component["id"]
    url = server_location.get_url(component)
    assert url.startswith(f"{session.server_url}/component/get?id={component['id']}&username=")
    assert server_location.get_thumbnail_url(component, 300).endswith("&size=300")


def test_nothing_is_registered_when_a_file_is_missing(
    session: Session,
    other_session: Session,
    version: Any,
    server_location: Any,
    frames: tuple[str, list[Path]],
) -> None:
    pattern, files = frames
    files[20].unlink()
    with Transfer(preflight="off"), pytest.raises(exception.LocationError) as caught:
        version.create_component(pattern, {"name": "main"}, location=server_location)
    assert str(files[20]) in str(caught.value)
    assert caught.value.details["transferred"] == []
    session.rollback()
    assert other_session.query(f"Component where version_id is {version['id']}").all() == []


def test_what_is_no_file_is_named(version: Any, server_location: Any, tmp_path: Path) -> None:
    with pytest.raises(exception.LocationError, match=f"'{tmp_path}' is not a file"):
        version.create_component(tmp_path, {"name": "folder"}, location=server_location)


def test_a_component_is_added_once(
    session: Session, version: Any, server_location: Any, frames: tuple[str, list[Path]]
) -> None:
    component = version.create_component(frames[0], {"name": "m"}, location=server_location)
    origin = session.get("Location", symbol.ORIGIN_LOCATION_ID)
    with pytest.raises(exception.ComponentInLocationError) as caught:
        server_location.add_component(component, origin)
    assert caught.value.details["components"] == [component]


def test_removing_takes_data_and_registration_away(
    session: Session, version: Any, server_location: Any, movie: Path
) -> None:
    component = version.create_component(movie, {"name": "movie"}, location=server_location)
    server_location.remove_component(component)
    assert server_location.get_component_availability(component) == 0.0
    with pytest.raises(exception.ComponentNotInLocationError):
        server_location.get_resource_identifier(component)
    with pytest.raises(exception.AccessorOperationFailedError) as caught:
        server_location.accessor.open(component["id"]).read()
    assert session.api_key not in str(caught.value)


def test_a_sequence_is_removed_with_its_members(
    version: Any, server_location: Any, tmp_path: Path
) -> None:
    for index in (1, 2):
        (tmp_path / f"a.{index}.exr").write_bytes(b"x")
    pattern = f"{tmp_path}/a.%d.exr [1-2]"
    component = version.create_component(pattern, {"name": "a"}, location=server_location)
    server_location.remove_component(component)
    assert server_location.get_component_availability(component) == 0.0


@pytest.mark.parametrize("path", ["/a.%04d.exr [1-x]", "/a.%04d.exr [5-1]", "/a.%04d.exr []"])
def test_malformed_ranges_are_parse_errors(session: Session, path: str) -> None:
    with pytest.raises(exception.ParseError, match=r"a\.%04d\.exr"):
        session.create_component(path, location=None)


def test_without_a_location_nothing_is_sent(
    session: Session, calls: Calls, version: Any, movie: Path
) -> None:
    calls.forget()
    component = version.create_component(movie, {"name": "movie"})
    assert calls.actions == []
    origin = session.get("Location", symbol.ORIGIN_LOCATION_ID)
    assert origin.get_filesystem_path(component) == str(movie)
    assert component["size"] == movie.stat().st_size


def test_the_location_of_highest_priority_is_picked(
    session: Session, version: Any, disk_location: Any, movie: Path
) -> None:
    assert session.pick_location() is disk_location
    component = session.create_component(movie, {"name": "movie", "version": version})
    path = Path(disk_location.get_filesystem_path(component))
    assert path.read_bytes() == movie.read_bytes()
    assert session.pick_location(component) is disk_location


def test_data_goes_from_disk_to_the_server(
    session: Session,
    version: Any,
    disk_location: Any,
    server_location: Any,
    frames: tuple[str, list[Path]],
) -> None:
    component = version.create_component(frames[0], {"name": "main"}, location=disk_location)
    server_location.add_component(component, disk_location)
    (member,) = [item for item in component["members"] if item["name"] == "0008"]
    assert server_location.accessor.open(member["id"]).read() == frames[1][7].read_bytes()


def test_existing_data_is_not_overwritten(version: Any, disk_location: Any, movie: Path) -> None:
    component = version.create_component(movie, {"name": "movie"})
    target = disk_location.structure.get_resource_identifier(component)
    disk_location.accessor.make_container(disk_location.accessor.get_container(target))
    disk_location.accessor.open(target, "wb").close()
    origin = component.session.get("Location", symbol.ORIGIN_LOCATION_ID)
    with pytest.raises(exception.LocationError, match="data already exists"):
        disk_location.add_component(component, origin)


def test_replaced_steps_are_taken(
    session: Session, version: Any, server_location: Any, movie: Path
) -> None:
    seen: list[Any] = []

    class Recording(UnmanagedLocationMixin):
        def _add_data(self, component: Any, resource_identifier: str, source: Any) -> None:
            seen.append(resource_identifier)

    mixin(server_location, Recording)
    component = version.create_component(movie, {"name": "movie"}, location=server_location)
    assert seen == [component["id"]]


def test_additions_are_published_as_events(
    session: Session, version: Any, server_location: Any, movie: Path
) -> None:
    seen: list[Any] = []
    session.event_hub.subscribe(
        "topic=ftrack.location.component-added", lambda event: seen.append(event["data"])
    )
    component = version.create_component(movie, {"name": "movie"})
    session.event_hub.publish = lambda event, **kw: seen.append(event["data"])  # type: ignore[method-assign]
    server_location.add_component(component, session.get("Location", symbol.ORIGIN_LOCATION_ID))
    assert {"component_id": component["id"], "location_id": server_location["id"]} in seen


def test_files_are_written_through_the_accessor(
    session: Session, version: Any, server_location: Any
) -> None:
    component = session.create("FileComponent", {"name": "written", "file_type": ".txt"})
    session.commit()
    with_data = server_location.accessor.open(component["id"], "wb")
    with_data.write(b"written")
    with_data.close()
    server_location._register_component_in_location(component, component["id"])
    assert server_location.accessor.open(component["id"]).read() == b"written"


def test_thumbnails_are_uploaded_and_set(version: Any, server_location: Any, movie: Path) -> None:
    thumbnail = version.create_thumbnail(str(movie))
    assert thumbnail["name"] == "thumbnail"
    assert version["thumbnail_id"] == thumbnail["id"]
    assert server_location.get_component_availability(thumbnail) == 100.0


INTERRUPTED = """
import os, signal, sys
from ftrack_rs import Session, symbol

session = Session(schema_cache_path=False, plugin_paths=[])
version = session.get("AssetVersion", sys.argv[1])
location = session.get("Location", symbol.SERVER_LOCATION_ID)
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, 0.3)
try:
    version.create_component(sys.argv[2], {"name": "interrupted"}, location=location)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    os._exit(0)
"""


def test_an_interrupt_stops_and_registers_nothing(
    sandbox: Sandbox, other_session: Session, version: Any, tmp_path: Path
) -> None:
    for index in range(64):
        with open(tmp_path / f"big.{index}.exr", "wb") as file:
            file.truncate(256 * 1024 * 1024)
    pattern = f"{tmp_path}/big.%d.exr [0-63]"
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, version["id"], pattern],
        env={**os.environ, **sandbox.env()},
        stdout=subprocess.PIPE,
        text=True,
        timeout=20,
        check=True,
    )
    assert done.stdout == "interrupted\n"
    assert other_session.query(f"Component where version_id is {version['id']}").all() == []


@pytest.fixture
def latin(tmp_path: Path) -> tuple[str, str]:
    """The paths of a file and a sequence whose names are Latin-1, as on old file servers."""
    folder = os.fsencode(tmp_path)
    try:
        for number in (1, 2, 3):
            with open(folder + b"/caf\xe9.%04d.txt" % number, "wb") as frame:
                frame.write(b"frame %d" % number)
    except OSError:
        pytest.skip("names are UTF-8 on this file system")
    name = os.fsdecode(folder + b"/caf\xe9.")
    return f"{name}0002.txt", f"{name}%04d.txt [1-3]"


@pytest.mark.parametrize("place", ["server", "disk"])
def test_names_of_files_need_not_be_utf_8(
    request: pytest.FixtureRequest, version: Any, origin: Any, latin: tuple[str, str], place: str
) -> None:
    location = request.getfixturevalue(f"{place}_location")
    path, pattern = latin
    component = version.create_component(path, {"name": "file"}, location=location)
    assert origin.get_resource_identifier(component) == path
    assert content(location, component) == b"frame 2"
    sequence = version.create_component(pattern, {"name": "sequence"}, location=location)
    assert origin.get_resource_identifier(sequence) == pattern.partition(" [")[0]
    members = sorted(content(location, member) for member in sequence["members"])
    assert members == [b"frame 1", b"frame 2", b"frame 3"]


def content(location: Any, component: Any) -> bytes:
    data = location.accessor.open(location.get_resource_identifier(component))
    found: bytes = data.read()
    data.close()
    return found


def test_a_publisher_names_files_that_it_cannot_take(
    session: Session, task: Any, latin: tuple[str, str]
) -> None:
    version = session.publisher().version("comp", task=task)
    for path in latin:
        with pytest.raises(ValueError, match="as its name is no UTF-8") as caught:
            version.component("main", path)
        assert repr(path) in str(caught.value)


def test_a_location_is_an_entity(session: Session, movie: Path) -> None:
    for wrong in ("ftrack.server", 5):
        with pytest.raises(TypeError, match=f"an entity, 'auto' or None, not {wrong!r}"):
            session.create_component(movie, location=wrong)
    assert not session.recorded_operations


_WITH_FEW_FILES = """
import resource, sys
from ftrack_rs import Session, symbol

resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48))
with Session(plugin_paths=[]) as session:
    server = session.get("Location", symbol.SERVER_LOCATION_ID)
    component = session.create_component(sys.argv[1], {"name": "main"}, location=server)
    print(len(component["members"]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_few_open_files_are_enough(sandbox: Sandbox, tmp_path: Path) -> None:
    for index in range(300):
        (tmp_path / f"render.{index:04}.exr").write_bytes(bytes(2000))
    finished = subprocess.run(
        [sys.executable, "-c", _WITH_FEW_FILES, f"{tmp_path}/render.%04d.exr [0-299]"],
        env={**os.environ, **sandbox.env()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.stdout == "300\n", finished.stderr
