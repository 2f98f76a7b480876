"""Publishes to locations on disk: whole or not at all, whatever goes wrong on the way."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ftrack_rs import Session, Transfer, exception, movement, symbol
from ftrack_rs.accessor.disk import DiskAccessor
from ftrack_rs.movement_item import StoppedError
from ftrack_rs.publish import NodeEvent, Publisher
from ftrack_rs.sandbox import Sandbox
from ftrack_rs.structure.standard import StandardStructure


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    path = tmp_path / "storage"
    path.mkdir()
    return path


@pytest.fixture
def disk_location(session: Session, storage: Path, unique_name: str) -> Any:
    """A location on disk, in the folder `storage`."""
    location = session.ensure("Location", {"name": unique_name})
    location.accessor = DiskAccessor(str(storage))
    location.structure = StandardStructure()
    return location


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    path.write_text("notes")
    return path


class Stage:
    """Publishes three versions with four components each to a location on disk."""

    def __init__(self, session: Session, task: Any, location: Any, folder: Path) -> None:
        self._session = session
        self._task = task
        self._location = location
        self._folder = folder
        self.storage = Path(location.accessor.prefix)

    def publisher(self, take: str) -> Publisher:
        publisher = self._session.publisher(transfer=Transfer())
        for asset in ("one", "two", "three"):
            version = publisher.version(f"{asset}{take}", task=self._task)
            for number in range(4):
                path = self._folder / f"{asset}{number}.txt"
                path.write_text(path.name)
                version.component(f"c{number}", path, locations=[self._location])
        return publisher

    def path(self, take: str, file: int) -> Path:
        """Return where a component goes, by its number among the twelve."""
        asset = ("one", "two", "three")[file // 4]
        parent = self._task["parent"]
        parts = [parent["project"]["name"], parent["name"], f"{asset}{take}", "v001"]
        return self.storage.joinpath(*parts, f"c{file % 4}.txt")

    def files(self, take: str) -> list[Path]:
        files = (path for path in self.storage.rglob("*") if path.is_file())
        return [path for path in files if path.parts[-3].endswith(take)]

    def versions(self, session: Session, take: str) -> list[Any]:
        names = ", ".join(f'"{asset}{take}"' for asset in ("one", "two", "three"))
        return session.query(
            "select is_published, components.component_locations.resource_identifier "
            f"from AssetVersion where asset.name in ({names}) and task_id is {self._task['id']}"
        ).all()

    def registered(self, session: Session, take: str) -> set[Path]:
        return {
            self.storage / registration["resource_identifier"]
            for version in self.versions(session, take)
            for component in version["components"]
            for registration in component["component_locations"]
        }

    def published(self, session: Session, take: str) -> bool:
        """Return whether everything is published; fails if it is neither that nor nothing."""
        versions, files = self.versions(session, take), self.files(take)
        if not versions:
            assert files == []
            return False
        assert [version["is_published"] for version in versions] == [True] * 3
        expected = {self.path(take, file) for file in range(12)}
        assert self.registered(session, take) == set(files) == expected
        for file, path in enumerate(sorted(files)):
            asset = ("one", "three", "two")[file // 4]
            assert path.read_text() == f"{asset}{file % 4}.txt"
        return True


@pytest.fixture
def stage(session: Session, task: Any, disk_location: Any, tmp_path: Path) -> Stage:
    return Stage(session, task, disk_location, tmp_path)


@pytest.mark.parametrize("fault", ["error_body", "lost_answer"])
def test_a_call_that_fails_places_all_or_nothing(
    sandbox: Sandbox, other_session: Session, stage: Stage, fault: str
) -> None:
    for call in itertools.count():
        take = f"_{fault}_{call}"
        sandbox.fault("api", fault, skip=call, count=1)
        try:
            stage.publisher(take).run()
        except (exception.PublishError, exception.ServerError):
            is_whole = stage.published(other_session, take)
        else:
            is_whole = True
        was_met = any(item["fired"] for item in sandbox.faults())
        sandbox.clear_faults()
        assert stage.publisher(take).run().changed is not is_whole
        assert stage.published(other_session, take)
        if not was_met:
            break
    assert call > 5


def test_what_may_be_registered_stays_when_the_server_stays_away(
    sandbox: Sandbox, other_session: Session, stage: Stage
) -> None:
    for call in itertools.count():
        take = f"_{call}"
        # Also of a run that finds what the one before has reserved.
        for _ in range(2):
            sandbox.fault("api", "lost_answer", skip=call)
            with contextlib.suppress(exception.PublishError, exception.ServerError):
                stage.publisher(take).run()
            was_met = any(item["fired"] for item in sandbox.faults())
            sandbox.clear_faults()
            assert stage.registered(other_session, take) <= set(stage.files(take))
        stage.publisher(take).run()
        assert stage.published(other_session, take)
        if not was_met:
            break
    assert call > 3


@pytest.mark.parametrize("ending", ["encode", "request", "callback", "cancel"])
def test_what_is_published_stays_whatever_comes_after(
    sandbox: Sandbox, session: Session, task: Any, disk_location: Any, notes: Path, ending: str
) -> None:
    movie = notes.with_name("broken.mov")
    movie.write_bytes(b"no movie")

    def on_event(event: NodeEvent) -> None:
        if event.node == "lighting/notes" and event.state == "done" and ending == "callback":
            raise RuntimeError("a defect of the caller")
        if event.state == "encoding" and ending == "cancel":
            transfer.cancel()

    transfer = Transfer()
    wait = None if ending == "request" else "encode"
    publisher = session.publisher(on_event=on_event, wait=wait, transfer=transfer)
    version = publisher.version("lighting", task=task)
    version.component("notes", notes, locations=[disk_location])
    version.reviewable(movie)
    if ending == "request":
        sandbox.fault("api", status=503, action="encode_media")
    expected = RuntimeError if ending == "callback" else exception.PublishError
    with pytest.raises(expected) as raised:
        publisher.run()
    sandbox.clear_faults()
    if ending != "callback":
        assert raised.value.details["is_published"] is True
        assert "everything is published" in str(raised.value).lower()
        assert ("503" in str(raised.value)) is (ending == "request")
    (found,) = session.query(
        "select is_published, components from AssetVersion where task_id is " + task["id"]
    )
    assert found["is_published"] is True
    component = next(item for item in found["components"] if item["name"] == "notes")
    assert Path(disk_location.get_filesystem_path(component)).read_text() == "notes"


def test_a_file_that_lies_where_it_is_published_stays(
    sandbox: Sandbox, session: Session, task: Any, disk_location: Any, storage: Path
) -> None:
    parent = task["parent"]
    names = [parent["project"]["name"], parent["name"], "lighting", "v001", "main.abc"]
    source = storage.joinpath(*names)
    source.parent.mkdir(parents=True)
    source.write_text("rendered in place")
    publisher = session.publisher()
    version = publisher.version("lighting", task=task)
    version.component("main", source, locations=[disk_location, "ftrack.server"])
    sandbox.fault("upload", status=403)
    with pytest.raises(exception.PublishError) as raised:
        publisher.run()
    sandbox.clear_faults()
    assert raised.value.details["is_published"] is False
    assert source.read_text() == "rendered in place"
    publisher.run()
    (component,) = version.entity["components"]
    assert Path(disk_location.get_filesystem_path(component)) == source
    assert source.read_text() == "rendered in place"


def test_a_file_that_cannot_be_written_leaves_nothing(other_session: Session, stage: Stage) -> None:
    for file in (0, 5, 11):
        take = f"_{file}"
        obstacle = stage.path(take, file)
        obstacle.parent.mkdir(parents=True)
        # A link that leads nowhere is no data, and cannot be written to either.
        obstacle.symlink_to(stage.storage / "nowhere" / "file")
        with pytest.raises(exception.AccessorError):
            stage.publisher(take).run()
        assert not stage.published(other_session, take)
        obstacle.unlink()
        assert list(obstacle.parent.parent.parent.iterdir()) == [obstacle.parent.parent]
        assert stage.publisher(take).run().changed
        assert stage.published(other_session, take)
        for path in sorted(stage.storage.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()


def place_of(task: Any, storage: Path) -> Path:
    """Return where `notes.txt` goes in the first version of `lighting`."""
    parent = task["parent"]
    names = [parent["project"]["name"], parent["name"], "lighting", "v001", "notes.txt"]
    return storage.joinpath(*names)


def test_data_that_is_removed_before_it_is_registered_fails_the_publish(
    session: Session, other_session: Session, task: Any, disk_location: Any, notes: Path
) -> None:
    class Vanishing(DiskAccessor):
        def open(self, resource_identifier: str, mode: str = "rb") -> Any:
            opened = super().open(resource_identifier, mode)
            Path(self.prefix, resource_identifier).unlink()
            return opened

    place = place_of(task, Path(disk_location.accessor.prefix))
    place.parent.mkdir(parents=True)
    place.write_text("notes")
    disk_location.accessor = Vanishing(disk_location.accessor.prefix)
    publisher = session.publisher()
    version = publisher.version("lighting", task=task)
    version.component("notes", notes, locations=[disk_location])
    with pytest.raises(exception.PublishError, match=r"notes\.txt in .* was removed") as raised:
        publisher.run()
    assert raised.value.details["is_published"] is False
    assert other_session.query(f"AssetVersion where task_id is {task['id']}").all() == []


def test_data_that_others_have_registered_meanwhile_is_not_removed(
    sandbox: Sandbox,
    session: Session,
    other_session: Session,
    task: Any,
    disk_location: Any,
    notes: Path,
) -> None:
    place = place_of(task, Path(disk_location.accessor.prefix))
    registered: list[Any] = []

    def register(event: NodeEvent) -> None:
        if event.state != "failed" or registered:
            return
        data = {
            "component": other_session.create("FileComponent", {"name": "theirs"}),
            "location_id": disk_location["id"],
            "resource_identifier": str(place.relative_to(disk_location.accessor.prefix)),
        }
        registered.append(other_session.create("ComponentLocation", data))
        other_session.commit()

    publisher = session.publisher(on_event=register)
    version = publisher.version("lighting", task=task)
    version.component("notes", notes, locations=[disk_location, "ftrack.server"])
    sandbox.fault("upload", status=403)
    with pytest.raises(exception.PublishError):
        publisher.run()
    sandbox.clear_faults()
    assert registered
    assert place.read_text() == "notes"


@pytest.mark.parametrize("ending", [StoppedError(None, OSError("full")), KeyboardInterrupt()])
def test_only_what_was_written_is_removed(
    monkeypatch: pytest.MonkeyPatch,
    session: Session,
    task: Any,
    disk_location: Any,
    notes: Path,
    ending: BaseException,
) -> None:
    place = place_of(task, Path(disk_location.accessor.prefix))

    def move(*_: Any) -> None:
        place.write_text("of somebody else")
        raise ending

    monkeypatch.setattr(movement, "move", move)
    publisher = session.publisher()
    version = publisher.version("lighting", task=task)
    version.component("notes", notes, locations=[disk_location])
    with pytest.raises((OSError, KeyboardInterrupt)):
        publisher.run()
    assert place.read_text() == "of somebody else"


def test_an_interrupt_does_not_wait_for_a_silent_server(
    sandbox: Sandbox, session: Session, task: Any, disk_location: Any, notes: Path
) -> None:
    place = place_of(task, Path(disk_location.accessor.prefix))

    def publisher(on_event: Any = None) -> Publisher:
        publisher = session.publisher(on_event=on_event)
        version = publisher.version("lighting", task=task)
        version.component("notes", notes, locations=[disk_location, "ftrack.server"])
        return publisher

    def interrupt(event: NodeEvent) -> None:
        if place.exists() and not sandbox.faults():
            sandbox.fault("api", "black_hole")
            raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        publisher(interrupt).run()
    assert time.monotonic() - started < 10
    sandbox.clear_faults()
    assert place.read_text() == "notes"
    assert publisher().run().changed
    assert place.read_text() == "notes"


def test_data_that_appears_meanwhile_is_not_overwritten(
    monkeypatch: pytest.MonkeyPatch,
    session: Session,
    task: Any,
    disk_location: Any,
    notes: Path,
) -> None:
    place = place_of(task, Path(disk_location.accessor.prefix))
    make_room = movement.make_room

    def make_room_and_write(*arguments: Any) -> None:
        make_room(*arguments)
        place.write_text("of somebody else")

    monkeypatch.setattr(movement, "make_room", make_room_and_write)
    publisher = session.publisher()
    version = publisher.version("lighting", task=task)
    version.component("notes", notes, locations=[disk_location])
    with pytest.raises(exception.LocationError, match="data already exists"):
        publisher.run()
    assert place.read_text() == "of somebody else"


KILLED = """
import sys
from ftrack_rs import Session
from ftrack_rs.accessor.disk import DiskAccessor
from ftrack_rs.structure.standard import StandardStructure

task, location_id, storage, *files = sys.argv[1:]
session = Session(schema_cache_path=False, plugin_paths=[])
location = session.get("Location", location_id)
location.accessor, location.structure = DiskAccessor(storage), StandardStructure()
with session.publisher() as publisher:
    version = publisher.version("lighting", task=task)
    for number, path in enumerate(files):
        version.component(f"c{number}", path, locations=[location])
"""


def test_what_a_killed_process_has_placed_is_kept_if_it_is_whole(
    sandbox: Sandbox,
    session: Session,
    other_session: Session,
    task: Any,
    disk_location: Any,
    storage: Path,
    tmp_path: Path,
) -> None:
    files = [tmp_path / f"{number}.txt" for number in range(2)]
    for path in files:
        path.write_text(f"the content of {path.name}")
    arguments = [task["id"], disk_location["id"], storage, *files]
    # The second call that creates something publishes.
    sandbox.fault("api", "black_hole", action="create", skip=1, count=1)
    command = [sys.executable, "-c", KILLED, *map(str, arguments)]
    with subprocess.Popen(command, env={**os.environ, **sandbox.env()}) as process:
        while not any(item["fired"] for item in sandbox.faults()):
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    sandbox.clear_faults()
    (version,) = other_session.query(f"AssetVersion where task_id is {task['id']}")
    assert version["is_published"] is False
    whole, half = sorted(path for path in storage.rglob("*") if path.is_file())
    half.write_text("the con")
    written = whole.stat().st_mtime_ns
    with session.publisher() as publisher:
        node = publisher.version("lighting", task=task)
        for number, path in enumerate(files):
            node.component(f"c{number}", path, locations=[disk_location])
    assert node.entity["id"] == version["id"]
    assert node.entity["is_published"] is True
    assert whole.stat().st_mtime_ns == written
    assert half.read_text() == "the content of 1.txt"


def test_what_belongs_to_others_is_neither_taken_over_nor_removed(
    session: Session, other_session: Session, task: Any, disk_location: Any, notes: Path
) -> None:
    class Flat(StandardStructure):
        def get_resource_identifier(self, entity: Any, context: Any = None) -> str:
            return "notes.txt"

    disk_location.structure = Flat()
    for comment in ("first", "second"):
        publisher = session.publisher()
        version = publisher.version("lighting", task=task, comment=comment)
        version.component("main", notes, locations=[disk_location])
        if comment == "first":
            publisher.run()
    with pytest.raises(exception.LocationError, match="already exists"):
        publisher.run()
    (version,) = other_session.query(f"AssetVersion where task_id is {task['id']}")
    assert version["comment"] == "first"
    assert Path(disk_location.accessor.prefix, "notes.txt").read_text() == "notes"


def test_components_go_to_locations_on_disk_before_anything_is_published(
    session: Session,
    other_session: Session,
    task: Any,
    disk_location: Any,
    frames: tuple[str, list[Path]],
    notes: Path,
) -> None:
    events: list[NodeEvent] = []
    with session.publisher(on_event=events.append) as publisher:
        version = publisher.version("lighting", task=task)
        version.component("main", frames[0], locations=[disk_location, "ftrack.server"])
        version.component("notes", notes)
    seen = other_session.get("AssetVersion", version.entity["id"])
    assert seen["is_published"] is True
    main = next(item for item in seen["components"] if item["name"] == "main")
    member = next(item for item in main["members"] if item["name"] == "0007")
    registered = {item["location_id"]: item for item in member["component_locations"]}
    assert set(registered) == {disk_location["id"], symbol.SERVER_LOCATION_ID}
    path = Path(
        disk_location.accessor.prefix, registered[disk_location["id"]]["resource_identifier"]
    )
    assert path.read_bytes() == frames[1][6].read_bytes()
    assert "v001" in path.parts
    assert "transferring" in [event.state for event in events if event.node == "lighting/main"]
    assert publisher.transfer.progress.finished_files == 101


def test_a_location_that_cannot_take_data_leaves_nothing(
    session: Session, other_session: Session, task: Any, disk_location: Any, notes: Path
) -> None:
    copied: list[str] = []
    add_data = type(disk_location)._add_data

    def refuse_the_second(component: Any, identifier: str, source: Any) -> None:
        if copied:
            raise OSError("no space left")
        copied.append(identifier)
        add_data(disk_location, component, identifier, source)

    disk_location._add_data = refuse_the_second
    publisher = session.publisher()
    version = publisher.version("lighting", task=task)
    version.component("one", notes, locations=[disk_location])
    version.component("two", notes, locations=[disk_location])
    with pytest.raises(OSError, match="no space left"):
        publisher.run()
    assert other_session.query(f"AssetVersion where task_id is {task['id']}").all() == []
    assert other_session.query(f"Asset where context_id is {task['parent']['id']}").all() == []
    storage = Path(disk_location.accessor.prefix)
    assert list(storage.iterdir()) == []


@pytest.mark.parametrize(
    "error", [exception.AccessorPermissionDeniedError("remove", "notes.txt"), OSError("gone")]
)
def test_data_that_cannot_be_removed_does_not_hide_why_the_publish_failed(
    error: Exception,
    sandbox: Sandbox,
    session: Session,
    task: Any,
    disk_location: Any,
    notes: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Keeping(DiskAccessor):
        def remove(self, resource_identifier: str) -> None:
            raise error

    disk_location.accessor = Keeping(disk_location.accessor.prefix)
    publisher = session.publisher()
    version = publisher.version("lighting", task=task)
    version.component("notes", notes, locations=[disk_location])
    # The second call that creates something publishes.
    sandbox.fault("api", "error_body", action="create", skip=1, count=1)
    with pytest.raises(exception.PublishError):
        publisher.run()
    sandbox.clear_faults()
    assert "notes.txt in" in caplog.text
    assert "could not be removed" in caplog.text


def test_shards_send_and_finishing_places(
    sandbox: Sandbox,
    session: Session,
    task: Any,
    disk_location: Any,
    notes: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in sandbox.env().items():
        monkeypatch.setenv(name, value)
    script = notes.with_name("script.nk")
    script.write_text("script")
    publisher = session.publisher()
    version = publisher.version("lighting", task=task)
    version.component("notes", notes, locations=["ftrack.server", disk_location])
    # Nobody but this process reads it.
    version.component("script", script, locations=[disk_location])
    publisher.finish([shard.run() for shard in publisher.plan().shards(2)])
    for component in version.entity["components"]:
        path = Path(disk_location.get_filesystem_path(component))
        assert path.read_text() == component["name"]
    assert publisher.run().changed is False
