"""Data moves between all kinds of locations, together where it can, and whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from call_log import Calls
from ftrack_rs import Session, Transfer, data, exception, movement, symbol
from ftrack_rs.accessor.disk import DiskAccessor
from ftrack_rs.entity.location import Location
from ftrack_rs.mixin import mixin
from ftrack_rs.sandbox import Sandbox
from ftrack_rs.structure.entity_id import EntityIdStructure
from shelf import MakeLocation, Shelf


@pytest.fixture(autouse=True)
def no_faults(sandbox: Sandbox) -> Iterator[None]:
    yield
    sandbox.clear_faults()


def contents(location: Any, component: Any) -> dict[str, bytes]:
    """Return what the members of *component* hold in *location*, read through its accessor."""
    found = {}
    for member in component["members"]:
        opened = location.accessor.open(location.get_resource_identifier(member))
        found[member["name"]] = opened.read()
        opened.close()
    return found


def expected(frames: tuple[str, list[Path]]) -> dict[str, bytes]:
    return {path.stem.split(".")[1]: path.read_bytes() for path in frames[1]}


def names(folder: Path) -> set[str]:
    return set(os.listdir(folder))


def test_a_sequence_goes_round_in_one_commit_each(
    calls: Calls,
    version: Any,
    server_location: Any,
    make_location: MakeLocation,
    frames: tuple[str, list[Path]],
) -> None:
    first, second = make_location("first"), make_location("second")
    component = version.create_component(frames[0], {"name": "main"}, location=first)
    route = [first, second, server_location]
    for source, target in zip(route, route[1:]):
        calls.forget()
        target.add_component(component, source)
        commits = [actions for actions in calls.actions if "create" in actions]
        assert len(commits) == 1
    third = make_location("third")
    third.add_component(component, server_location)
    for location in (first, second, server_location, third):
        assert contents(location, component) == expected(frames)
        assert location.get_component_availability(component) == 100.0


def test_several_components_of_several_sources_move_together(
    session: Session,
    version: Any,
    server_location: Any,
    make_location: MakeLocation,
    tmp_path: Path,
) -> None:
    disk, shelf, target = make_location(), make_location("shelf", Shelf()), make_location("target")
    components, sources = [], [disk, server_location, shelf]
    for index, source in enumerate(sources):
        (tmp_path / f"{index}.txt").write_text(f"content {index}")
        path = tmp_path / f"{index}.txt"
        components.append(version.create_component(path, {"name": f"c{index}"}, location=source))
    target.add_components(components, sources)
    for index, component in enumerate(components):
        path = Path(target.get_filesystem_path(component))
        assert path.read_text() == f"content {index}"


def test_data_passes_through_accessors_of_any_kind(
    version: Any,
    server_location: Any,
    make_location: MakeLocation,
    frames: tuple[str, list[Path]],
) -> None:
    shelf, other = make_location("shelf", Shelf()), make_location("other", Shelf())
    disk = make_location()
    component = version.create_component(frames[0], {"name": "main"}, location=shelf)
    for source, target in [(shelf, other), (other, server_location), (shelf, disk)]:
        target.add_component(component, source)
        assert contents(target, component) == expected(frames)


def test_replaced_ways_to_open_data_are_taken(
    version: Any, make_location: MakeLocation, tmp_path: Path
) -> None:
    class Shouting(DiskAccessor):
        def open(self, resource_identifier: str, mode: str = "rb") -> data.Data:
            opened = super().open(resource_identifier, mode)
            if "w" in mode:
                return opened
            content = opened.read()
            opened.close()
            return data.String(content.upper())

    source = make_location("source", Shouting(str(tmp_path)))
    (tmp_path / "a.txt").write_text("quiet")
    component = version.create_component(tmp_path / "a.txt", {"name": "a"}, location=source)
    target = make_location()
    target.add_component(component, source)
    assert Path(target.get_filesystem_path(component)).read_text() == "QUIET"
    mocked = make_location("mocked")
    mocked.accessor.open = lambda *args: data.File(str(tmp_path / "elsewhere"), "wb")
    mocked.add_component(component, target)
    assert (tmp_path / "elsewhere").read_text() == "QUIET"


def test_replaced_steps_are_taken(
    version: Any, make_location: MakeLocation, frames: tuple[str, list[Path]]
) -> None:
    seen: list[str] = []

    class Watching(Location):
        def _add_data(self, component: Any, resource_identifier: str, source: Any) -> None:
            seen.append(component["name"])
            super()._add_data(component, resource_identifier, source)

    location = make_location()
    mixin(location, Watching, name="Watching")
    component = version.create_component(frames[0], {"name": "main"}, location=location)
    assert seen == [*expected(frames), "main"]
    assert contents(location, component) == expected(frames)


def test_steps_replaced_on_one_object_are_taken(
    version: Any, make_location: MakeLocation, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("a")
    location = make_location()
    seen: list[Any] = []
    location._add_data = lambda *args: seen.append(args)
    component = version.create_component(tmp_path / "a.txt", {"name": "a"}, location=location)
    assert [args[0] for args in seen] == [component]


def test_an_accessor_of_ones_own_is_asked_for_the_folder_of_each_frame(
    session: Session,
    make_location: MakeLocation,
    origin: Any,
    tmp_path: Path,
    frames: tuple[str, list[Path]],
) -> None:
    made: list[str] = []

    class Recording(DiskAccessor):
        def make_container(self, resource_identifier: str, recursive: bool = True) -> None:
            made.append(resource_identifier)
            super().make_container(resource_identifier, recursive)

    location = make_location(accessor=Recording(str(tmp_path)))
    component = session.create_component(frames[0], location=None)
    session.commit()
    location.add_component(component, origin)
    assert len(made) >= len(frames[1])
    assert contents(location, component) == expected(frames)


def test_copies_are_usual_new_files(
    version: Any, make_location: MakeLocation, tmp_path: Path
) -> None:
    source = tmp_path / "a.txt"
    source.write_text("a")
    usual = source.stat().st_mode
    source.chmod(0o400)
    os.utime(source, (1, 1))
    location = make_location()
    component = version.create_component(source, {"name": "a"}, location=location)
    copied = Path(location.get_filesystem_path(component)).stat()
    assert copied.st_mode == usual
    assert copied.st_mtime > 1_000


@pytest.mark.parametrize("fsync", ["never", "file", "folder"])
def test_copies_can_be_verified_and_forced_to_the_disk(
    version: Any, make_location: MakeLocation, frames: tuple[str, list[Path]], fsync: Any
) -> None:
    location = make_location()
    with Transfer(verify=True, fsync=fsync):
        component = version.create_component(frames[0], {"name": "main"}, location=location)
    assert contents(location, component) == expected(frames)


def test_what_is_forced_to_the_disk_has_a_name() -> None:
    with pytest.raises(ValueError, match="'never', 'file' or 'folder', not 'always'"):
        Transfer(fsync="always")  # type: ignore[arg-type]


def test_a_failure_registers_nothing_and_tells_what_was_moved(
    session: Session,
    version: Any,
    make_location: MakeLocation,
    origin: Any,
    frames: tuple[str, list[Path]],
) -> None:
    location = make_location()
    component = session.create_component(frames[0], {"version": version}, location=None)
    session.commit()
    frames[1][20].unlink()
    not_found = pytest.raises(exception.LocationError, match="Resource not found")
    with Transfer(preflight="off"), not_found as caught:
        location.add_component(component, origin)
    assert str(frames[1][20]) in str(caught.value)
    assert caught.value.details["component"] is component
    transferred = caught.value.details["transferred"]
    assert {identifier for _, identifier in transferred} == names(Path(location.accessor.prefix))
    assert location.get_component_availability(component) == 0.0
    lines = str(caught.value).splitlines()
    # Each container stands four blanks further out than what is in it.
    assert [len(line) - len(line.lstrip()) for line in lines] == [0, 4, 8, 8, 4]


def test_a_failure_of_no_file_in_particular_blames_none(
    session: Session, sandbox: Sandbox, origin: Any, server_location: Any, tmp_path: Path
) -> None:
    components = []
    for name in ("one.txt", "two.txt"):
        (tmp_path / name).write_text(name)
        components.append(session.create_component(str(tmp_path / name), location=None))
    session.commit()
    sandbox.fault("api", "error_body", action="get_upload_metadata")
    with pytest.raises(exception.LocationError) as caught:
        server_location.add_components(components, origin)
    assert str(caught.value).startswith("Failed to transfer the data of several components to")
    assert not any(component["id"] in str(caught.value) for component in components)
    with pytest.raises(exception.LocationError, match=components[0]["id"]):
        server_location.add_component(components[0], origin)


def test_members_that_are_there_already_are_an_error_about_their_container(
    session: Session,
    version: Any,
    make_location: MakeLocation,
    origin: Any,
    frames: tuple[str, list[Path]],
) -> None:
    location = make_location()
    component = session.create_component(frames[0], {"version": version}, location=None)
    session.commit()
    location.add_component(component["members"][3], origin)
    with pytest.raises(exception.LocationError) as caught:
        location.add_component(component, origin)
    error = caught.value.details["error"]
    assert isinstance(error, exception.ComponentInLocationError)
    assert error.details["components"] == [component["members"][3]]
    assert len(names(Path(location.accessor.prefix))) == 1


def test_two_components_cannot_become_one_file(
    session: Session, version: Any, make_location: MakeLocation, tmp_path: Path
) -> None:
    class OneName(EntityIdStructure):
        def get_resource_identifier(self, entity: Any, context: Any = None) -> str:
            return "name"

    (tmp_path / "a.txt").write_text("a")
    path = tmp_path / "a.txt"
    components = [session.create_component(path, {"version": version}, None) for _ in range(2)]
    session.commit()
    location = make_location()
    location.structure = OneName()
    with pytest.raises(exception.LocationError, match="data already exists"):
        location.add_components(components, session.get("Location", symbol.ORIGIN_LOCATION_ID))
    assert names(Path(location.accessor.prefix)) == set()


def test_a_file_in_the_way_of_any_frame_is_kept(
    session: Session, make_location: MakeLocation, origin: Any, frames: tuple[str, list[Path]]
) -> None:
    location = make_location()
    component = session.create_component(frames[0], location=None)
    session.commit()
    in_the_way = Path(location.accessor.prefix) / component["members"][-1]["id"]
    in_the_way.write_text("somebody else's")
    with pytest.raises(exception.LocationError, match="data already exists"):
        location.add_component(component, origin)
    assert names(Path(location.accessor.prefix)) == {in_the_way.name}
    assert in_the_way.read_text() == "somebody else's"
    assert location.get_component_availability(component) == 0.0


def test_what_was_begun_is_taken_back(
    session: Session, version: Any, make_location: MakeLocation, unique_name: str
) -> None:
    class Broken(Shelf):
        def open(self, resource_identifier: str, mode: str = "rb") -> data.Data:
            opened = data.String(b"content")
            reads = iter([b"cont"])
            opened.read = lambda limit=None: next(reads)  # type: ignore[method-assign]
            return opened

    source = make_location("broken", Broken())
    component = session.create("FileComponent", {"name": unique_name, "version": version})
    session.commit()
    source._register_component_in_location(component, "any")
    target = make_location()
    with pytest.raises(exception.LocationError) as caught:
        target.add_component(component, source)
    assert caught.value.details["transferred"] == []
    assert names(Path(target.accessor.prefix)) == set()


@pytest.mark.parametrize("kind", ["ftrack.server", "somebody's own"])
def test_data_that_lacks_bytes_of_its_component_is_an_error(
    session: Session,
    version: Any,
    make_location: MakeLocation,
    server_location: Any,
    tmp_path: Path,
    kind: str,
) -> None:
    source = server_location if kind == "ftrack.server" else make_location("shelf", Shelf())
    disk = make_location("disk")
    (tmp_path / "plate.bin").write_bytes(b"pixels")
    component = version.create_component(str(tmp_path / "plate.bin"), location=source)
    component["size"] = 7
    session.commit()
    with pytest.raises(exception.LocationError, match="6 bytes"):
        disk.add_component(component, source)
    assert disk.get_component_availability(component) == 0.0
    assert not [path for path in (tmp_path / "disk").rglob("*") if path.is_file()]


@pytest.mark.parametrize("accessor", [None, Shelf()], ids=["native", "own"])
def test_a_cancelled_transfer_moves_nothing(
    session: Session,
    version: Any,
    make_location: MakeLocation,
    origin: Any,
    frames: tuple[str, list[Path]],
    accessor: Any,
) -> None:
    location = make_location(accessor=accessor)
    component = session.create_component(frames[0], {"version": version}, location=None)
    session.commit()
    transfer = Transfer()
    transfer.cancel()
    with transfer, pytest.raises(exception.TransferCancelledError):
        location.add_component(component, origin)
    assert location.get_component_availability(component) == 0.0
    location.add_component(component, origin)
    assert contents(location, component) == expected(frames)


def test_every_route_reports_its_progress(
    version: Any,
    server_location: Any,
    make_location: MakeLocation,
    frames: tuple[str, list[Path]],
) -> None:
    disk, shelf, other = make_location(), make_location("shelf", Shelf()), make_location("other")
    component = version.create_component(frames[0], {"name": "main"}, location=disk)
    size = sum(path.stat().st_size for path in frames[1])
    route = [disk, server_location, shelf, other]
    for source, target in zip(route, route[1:]):
        moving = Transfer()
        target.add_component(component, source, transfer=moving)
        progress = moving.progress
        assert progress.finished_files == len(frames[1])
        assert (progress.transferred_bytes, progress.total_bytes) == (size, size)


def test_a_link_that_leads_nowhere_yet_stays_a_link(
    version: Any, make_location: MakeLocation, tmp_path: Path, session: Session, origin: Any
) -> None:
    (tmp_path / "a.txt").write_text("a")
    component = session.create_component(tmp_path / "a.txt", {"version": version}, None)
    session.commit()
    location = make_location()
    link = Path(location.accessor.prefix) / component["id"]
    link.symlink_to("elsewhere")
    location.add_component(component, origin)
    assert link.is_symlink()
    assert link.read_text() == "a"


def test_only_plain_locations_take_the_short_way(
    session: Session, server_location: Any, origin: Any
) -> None:
    assert movement.is_plain(server_location)
    assert not movement.is_plain(origin)


INTERRUPTED = """
import os, signal, sys
from ftrack_rs import Session, Transfer
from ftrack_rs.accessor.disk import DiskAccessor
from ftrack_rs.structure.entity_id import EntityIdStructure

session = Session(schema_cache_path=False, plugin_paths=[])
location = session.get("Location", sys.argv[1])
location.accessor = DiskAccessor(sys.argv[2])
location.structure = EntityIdStructure()
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, 0.3)
try:
    session.create_component(sys.argv[3], location=location, transfer=Transfer(bandwidth=1))
except KeyboardInterrupt:
    print(os.listdir(sys.argv[2]), flush=True)
    os._exit(0)
"""


def test_an_interrupt_leaves_no_half_copied_file(
    session: Session, make_location: MakeLocation, sandbox: Sandbox, tmp_path: Path
) -> None:
    location = make_location()
    session.commit()
    for index in (1, 2, 3):
        (tmp_path / f"big.{index}.exr").write_bytes(bytes(20_000_000))
    folder, pattern = location.accessor.prefix, f"{tmp_path}/big.%d.exr [1-3]"
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, location["id"], folder, pattern],
        env={**os.environ, **sandbox.env()},
        stdout=subprocess.PIPE,
        text=True,
        timeout=20,
        check=True,
    )
    assert done.stdout == "[]\n"


LARGE = 80 * 1024 * 1024

KILLED = """
import sys
from ftrack_rs import Session, symbol

session = Session(schema_cache_path=False, plugin_paths=[])
server = session.get("Location", symbol.SERVER_LOCATION_ID)
server.accessor.download([(sys.argv[1], sys.argv[1], sys.argv[2], None)])
"""


def test_a_download_that_was_killed_is_continued(
    session: Session, version: Any, sandbox: Sandbox, server_location: Any, tmp_path: Path
) -> None:
    source, folder = tmp_path / "large.bin", tmp_path / "folder"
    source.write_bytes(os.urandom(1 << 20) * (LARGE >> 20))
    folder.mkdir()
    component = version.create_component(source, {"name": "large"}, location=server_location)
    sandbox.fault("download", "hold", skip=3)
    arguments = [sys.executable, "-c", KILLED, component["id"], str(folder / "large.bin")]
    with subprocess.Popen(arguments, env={**os.environ, **sandbox.env()}) as process:
        wait_until(lambda: any(len(log.read_bytes().splitlines()) > 3 for log in logs(folder)))
        process.send_signal(signal.SIGKILL)
    assert not (folder / "large.bin").exists()
    sandbox.clear_faults()
    sandbox.clear_calls()
    arrived = [(component["id"], component["id"], str(folder / "large.bin"), LARGE)]
    server_location.accessor.download(arrived)
    assert (folder / "large.bin").read_bytes() == source.read_bytes()
    assert names(folder) == {"large.bin"}
    received = sum(call["response_bytes"] for call in sandbox.calls(endpoint="download"))
    assert received < LARGE * 3 // 4


def logs(folder: Path) -> list[Path]:
    return list(folder.glob(".ftrack-rs-*.log.part"))


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
