"""Data passes through accessors of somebody's own one by one, or side by side if they say so."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ftrack_rs import Session, Transfer, data, exception, pass_through
from ftrack_rs.movement_item import Item, StoppedError
from ftrack_rs.sandbox import Sandbox
from shelf import MakeLocation, Shelf

#: Frames of the sequence that is moved.
FRAMES = 12


class WideShelf(Shelf):
    """An accessor that notes in which threads it writes, and how many components at a time."""

    components_at_once = 4

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[int] = set()
        self.most = 0
        self._writing = 0
        self._lock = threading.Lock()

    def open(self, resource_identifier: str, mode: str = "rb") -> data.Data:
        opened = super().open(resource_identifier, mode)
        if "w" in mode:
            write = opened.write
            opened.write = lambda content: self._write(write, content)  # type: ignore[method-assign]
        return opened

    def _write(self, write: Any, content: bytes) -> None:
        with self.writing():
            write(content)

    @contextmanager
    def writing(self) -> Iterator[None]:
        with self._lock:
            self.threads.add(threading.get_ident())
            self._writing += 1
            self.most = max(self.most, self._writing)
        yield
        with self._lock:
            self._writing -= 1


class MeetingShelf(WideShelf):
    """An accessor that writes nothing before as many components meet as it bears."""

    def __init__(self) -> None:
        super().__init__()
        self.meeting = threading.Barrier(self.components_at_once, timeout=20)

    def _write(self, write: Any, content: bytes) -> None:
        with self.writing():
            self.meeting.wait()
            write(content)


class HangingShelf(WideShelf):
    """An accessor that hangs while it writes, until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.hangs = threading.Event()
        self.let_go = threading.Event()
        self.discarded = threading.Semaphore(0)

    def open(self, resource_identifier: str, mode: str = "rb") -> data.Data:
        opened: Any = super().open(resource_identifier, mode)
        discard = opened.discard

        def noted_discard() -> None:
            discard()
            self.discarded.release()

        opened.discard = noted_discard
        return opened  # type: ignore[no-any-return]

    def _write(self, write: Any, content: bytes) -> None:
        self.hangs.set()
        assert self.let_go.wait(20)
        write(content)


@pytest.fixture
def component(session: Session, version: Any, tmp_path: Path) -> Any:
    """A sequence that is in no location but that of its origin."""
    for number in range(1, FRAMES + 1):
        (tmp_path / f"frame.{number}.exr").write_bytes(bytes([number]) * 1000 * number)
    created = session.create_component(
        f"{tmp_path}/frame.%d.exr [1-{FRAMES}]", {"version": version}, location=None
    )
    session.commit()
    return created


def stored(location: Any, component: Any) -> dict[str, bytes]:
    identifiers = {
        member["name"]: location.get_resource_identifier(member) for member in component["members"]
    }
    return {name: location.accessor.stored[key] for name, key in identifiers.items()}


def expected() -> dict[str, bytes]:
    return {str(number): bytes([number]) * 1000 * number for number in range(1, FRAMES + 1)}


def test_by_default_one_passes_after_the_other_in_the_calling_thread(
    component: Any, origin: Any, make_location: MakeLocation
) -> None:
    class OneByOne(WideShelf):
        components_at_once = Shelf.components_at_once

    location = make_location("shelf", OneByOne())
    location.add_component(component, origin)
    assert location.accessor.threads == {threading.get_ident()}
    assert location.accessor.most == 1


def test_as_many_pass_side_by_side_as_the_accessor_bears(
    component: Any, origin: Any, make_location: MakeLocation
) -> None:
    location = make_location("shelf", MeetingShelf())
    location.add_component(component, origin)
    assert stored(location, component) == expected()
    assert location.accessor.most == MeetingShelf.components_at_once
    assert location.get_component_availability(component) == 100.0


def test_the_accessor_that_bears_least_decides(
    component: Any, origin: Any, make_location: MakeLocation, server_location: Any
) -> None:
    class TwoAtOnce(WideShelf):
        components_at_once = 2

    first = make_location("first", WideShelf())
    first.add_component(component, origin)
    second = make_location("second", TwoAtOnce())
    second.add_component(component, first)
    assert stored(second, component) == expected()
    assert second.accessor.most <= 2
    server_location.add_component(component, second)
    assert server_location.get_component_availability(component) == 100.0


def test_a_transfer_may_ask_for_fewer(
    component: Any, origin: Any, make_location: MakeLocation
) -> None:
    location = make_location("shelf", WideShelf())
    location.add_component(component, origin, transfer=Transfer(concurrency=1))
    assert location.accessor.threads == {threading.get_ident()}


def test_progress_is_told_by_the_calling_thread_alone(
    component: Any, origin: Any, make_location: MakeLocation
) -> None:
    told_by: set[int] = set()
    transfer = Transfer(on_progress=lambda progress: told_by.add(threading.get_ident()))
    location = make_location("shelf", WideShelf())
    location.add_component(component, origin, transfer=transfer)
    assert told_by == {threading.get_ident()}
    progress = transfer.progress
    assert (progress.files, progress.finished_files) == (FRAMES, FRAMES)
    assert progress.transferred_bytes == progress.total_bytes == sum(map(len, expected().values()))


def test_the_failure_of_one_ends_all_and_tells_what_arrived(
    component: Any, origin: Any, make_location: MakeLocation
) -> None:
    class Failing(WideShelf):
        def _write(self, write: Any, content: bytes) -> None:
            if content[0] == 7:
                raise OSError("the shelf broke")
            super()._write(write, content)

    location = make_location("shelf", Failing())
    with pytest.raises(exception.LocationError, match="the shelf broke") as caught:
        location.add_component(component, origin)
    error: Any = caught.value
    while isinstance(error.details["error"], exception.LocationError):
        error = error.details["error"]
    assert error.details["component"]["name"] == "7"
    arrived = {identifier for _, identifier in error.details["transferred"]}
    assert arrived == set(location.accessor.stored)
    assert location.get_component_availability(component) == 0.0


@pytest.mark.parametrize("is_alone", [False, True])
def test_a_cancelled_transfer_ends_although_the_accessor_hangs(
    component: Any, origin: Any, make_location: MakeLocation, is_alone: bool
) -> None:
    moved = component["members"][0] if is_alone else component
    location, transfer = make_location("shelf", HangingShelf()), Transfer()
    accessor = location.accessor

    def cancel() -> None:
        accessor.hangs.wait()
        transfer.cancel()

    threading.Thread(target=cancel).start()
    started = time.monotonic()
    with pytest.raises(exception.TransferCancelledError):
        location.add_component(moved, origin, transfer=transfer)
    assert time.monotonic() - started < 5
    accessor.let_go.set()
    for _ in range(1 if is_alone else HangingShelf.components_at_once):
        assert accessor.discarded.acquire(timeout=20)
    assert accessor.stored == {}
    assert location.get_component_availability(component) == 0.0


def test_what_on_progress_raises_ends_the_transfer(
    component: Any, origin: Any, make_location: MakeLocation
) -> None:
    def refuse(progress: Any) -> None:
        raise RuntimeError("enough")

    location = make_location("shelf", WideShelf())
    with pytest.raises(RuntimeError, match="enough"):
        location.add_component(component, origin, on_progress=refuse)
    assert location.get_component_availability(component) == 0.0


INTERRUPTED = """
import os, signal, sys
from ftrack_rs import Session
from ftrack_rs.structure.entity_id import EntityIdStructure
from test_pass_through import HangingShelf

session = Session(schema_cache_path=False, plugin_paths=[])
location = session.get("Location", sys.argv[1])
location.accessor = HangingShelf()
location.structure = EntityIdStructure()
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, 0.3)
try:
    session.create_component(sys.argv[2], location=location)
except KeyboardInterrupt:
    print(location.accessor.stored, flush=True)
"""


def test_an_interrupt_ends_a_program_although_the_accessor_hangs(
    session: Session, component: Any, make_location: MakeLocation, sandbox: Sandbox, tmp_path: Path
) -> None:
    location = make_location("shelf", Shelf())
    session.commit()
    path = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, location["id"], f"{tmp_path}/frame.%d.exr [1-3]"],
        env={**os.environ, **sandbox.env(), "PYTHONPATH": os.pathsep.join(path)},
        stdout=subprocess.PIPE,
        text=True,
        timeout=15,
        check=True,
    )
    assert done.stdout == "{}\n"


def test_data_that_cannot_be_taken_back_does_not_hide_why(
    component: Any, origin: Any, make_location: MakeLocation, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(WideShelf):
        def open(self, resource_identifier: str, mode: str = "rb") -> data.Data:
            opened: Any = super().open(resource_identifier, mode)
            discard = opened.discard

            def broken_discard() -> None:
                discard()
                raise OSError("the shelf is stuck")

            opened.discard = broken_discard
            return opened  # type: ignore[no-any-return]

        def _write(self, write: Any, content: bytes) -> None:
            raise OSError("the shelf is full")

    location = make_location("shelf", Broken())
    with pytest.raises(exception.LocationError, match="the shelf is full"):
        location.add_component(component, origin)
    assert "the shelf is stuck" in caplog.text


@pytest.mark.parametrize("error", [OSError("full"), SystemExit(3)])
def test_what_has_arrived_beside_a_failure_is_told(error: BaseException) -> None:
    closing = threading.Barrier(4, timeout=20)

    class Failing(MeetingShelf):
        def open(self, resource_identifier: str, mode: str = "rb") -> data.Data:
            opened: Any = super().open(resource_identifier, mode)
            close = opened.close

            def late_close() -> None:
                closing.wait()
                # By then the failure is known, and the others are waited for.
                time.sleep(0.1)
                close()

            if resource_identifier != "0":
                opened.close = late_close
            return opened  # type: ignore[no-any-return]

        def _write(self, write: Any, content: bytes) -> None:
            super()._write(write, content)
            if content == b"0":
                closing.wait()
                raise error

    class Byte(Item):
        size = 1

    target, source = Failing(), SimpleNamespace(accessor=Shelf())
    items = []
    for number in range(4):
        item = Byte({"size": 1}, source)
        item.origin = item.identifier = str(number)
        source.accessor.stored[item.origin] = item.origin.encode()
        items.append(item)
    moved: list[Item] = []
    with pytest.raises((StoppedError, SystemExit)):
        pass_through.move(items, target, moved, 4)
    assert {item.identifier for item in moved} == set(target.stored) == {"1", "2", "3"}
