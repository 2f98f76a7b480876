from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ftrack_rs
from ftrack_rs import Session, Transfer, exception, symbol
from ftrack_rs.progress_bar import ProgressBar, with_bar
from ftrack_rs.transfer import Progress

#: Enough to be seen moving at the bandwidths below.
SIZE = 4_000_000


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    path = tmp_path / "movie.mov"
    path.write_bytes(os.urandom(SIZE))
    return path


class Background:
    """A call on a thread of its own."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(call,), daemon=True)
        self._thread.start()

    def _run(self, call: Callable[[], Any]) -> None:
        try:
            call()
        except BaseException as error:
            self.error = error

    def join(self) -> None:
        self._thread.join(30)
        assert not self._thread.is_alive()


def publish(version: Any, path: Any, location: Any, **arguments: Any) -> Any:
    return version.create_component(path, {"name": "main"}, location=location, **arguments)


def test_progress_is_reported_from_one_thread_until_the_end(
    version: Any, server_location: Any, movie: Path
) -> None:
    seen: list[tuple[float, int, Progress]] = []

    def note(progress: Progress) -> None:
        seen.append((time.monotonic(), threading.get_ident(), progress))

    with Transfer(on_progress=note, bandwidth=4 * SIZE):
        publish(version, movie, server_location)
    times, threads, reports = zip(*seen)
    assert set(threads) == {threading.get_ident()}
    last = reports[-1]
    assert (last.files, last.finished_files) == (1, 1)
    assert last.total_bytes == last.transferred_bytes == last.hashed_bytes == SIZE
    assert last.fraction == 1.0
    # On a busy machine nothing may have moved when the first is made.
    moving = next(report for report in reports if 0 < report.transferred_bytes < SIZE)
    assert moving.rate > 0
    assert moving.eta is not None
    assert moving.eta > 0
    assert last.each_file == [(movie, SIZE, SIZE, True)]
    assert len(times) <= 2 + (times[-1] - times[0]) * 20
    assert [r.transferred_bytes for r in reports] == sorted(r.transferred_bytes for r in reports)


def test_an_exception_in_a_report_ends_the_transfer(
    session: Session, other_session: Session, version: Any, server_location: Any, movie: Path
) -> None:
    class Stop(Exception):
        pass

    def stop(progress: Progress) -> None:
        raise Stop

    with pytest.raises(Stop), Transfer(on_progress=stop, bandwidth=SIZE):
        publish(version, movie, server_location)
    session.rollback()
    assert other_session.query(f"Component where version_id is {version['id']}").all() == []


CALLS: dict[str, Callable[..., Any]] = {
    "Session.create_component": lambda version, path, location, **given: (
        version.session.create_component(path, location=location, **given)
    ),
    "AssetVersion.create_component": publish,
    "Location.add_component": lambda version, path, location, **given: location.add_component(
        version.create_component(path, {"name": "m"}), _origin(version), **given
    ),
    "Location.add_components": lambda version, path, location, **given: location.add_components(
        [version.create_component(path, {"name": "m"})], _origin(version), **given
    ),
    "create_thumbnail": lambda version, path, _, **given: version.create_thumbnail(path, **given),
    "Session.encode_media": lambda version, path, _, **given: version.session.encode_media(
        path, **given
    ),
    "AssetVersion.encode_media": lambda version, path, _, **given: version.encode_media(
        path, **given
    ),
}


def _origin(version: Any) -> Any:
    return version.session.get("Location", symbol.ORIGIN_LOCATION_ID)


@pytest.mark.parametrize("name", CALLS)
def test_every_call_that_moves_data_reports_and_obeys(
    version: Any, server_location: Any, movie: Path, name: str
) -> None:
    reports: list[Progress] = []
    CALLS[name](version, movie, server_location, on_progress=reports.append)
    assert reports[-1].finished_files == 1
    transfer = Transfer()
    transfer.cancel()
    with pytest.raises(exception.TransferCancelledError):
        CALLS[name](version, movie, server_location, transfer=transfer)


def test_a_call_takes_one_of_both(version: Any, server_location: Any, movie: Path) -> None:
    with pytest.raises(TypeError, match="on_progress belongs to the transfer"):
        publish(version, movie, server_location, transfer=Transfer(), on_progress=print)


def test_cancelling_ends_it_within_a_second_and_registers_nothing(
    session: Session, other_session: Session, version: Any, server_location: Any, movie: Path
) -> None:
    moving = threading.Event()
    transfer = Transfer(on_progress=lambda _: moving.set(), bandwidth=SIZE // 20)
    call = Background(lambda: publish(version, movie, server_location, transfer=transfer))
    assert moving.wait(10)
    assert not transfer.done
    assert not transfer.wait(0)
    started = time.monotonic()
    transfer.cancel()
    assert transfer.wait(5)
    assert time.monotonic() - started < 1
    call.join()
    assert isinstance(call.error, exception.TransferCancelledError)
    assert transfer.done
    session.rollback()
    assert other_session.query(f"Component where version_id is {version['id']}").all() == []


def test_nothing_moves_during_a_pause(version: Any, server_location: Any, movie: Path) -> None:
    reports: list[Progress] = []
    paused = threading.Event()

    def note(progress: Progress) -> None:
        reports.append(progress)
        if len(reports) == 1:
            transfer.pause()
        if len(reports) == 6:
            paused.set()

    transfer = Transfer(on_progress=note, bandwidth=SIZE)
    call = Background(lambda: publish(version, movie, server_location, transfer=transfer))
    assert paused.wait(10)
    # What was under way when the pause began may still have arrived.
    assert reports[5].transferred_bytes == reports[3].transferred_bytes < SIZE
    transfer.limit_bandwidth(None)
    transfer.resume()
    assert transfer.wait(10)
    call.join()
    assert call.error is None
    assert reports[-1].transferred_bytes == SIZE


def test_a_transfer_that_was_never_used_is_not_done() -> None:
    transfer = Transfer()
    assert not transfer.done
    assert not transfer.wait(0)
    with transfer:
        assert not transfer.done
    assert transfer.done
    assert transfer.wait()


@pytest.mark.parametrize(
    ("settings", "message"), [({"preflight": "on"}, "preflight"), ({"bandwidth": 0}, "at least 1")]
)
def test_settings_that_make_no_sense_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Transfer(**settings)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def report(done: int, rate: float = 0.0, eta: float | None = None) -> Progress:
    control: Any = None
    return Progress(2, done // 500, 1000, done, 1000, rate, eta, control)


def test_a_terminal_shows_one_line() -> None:
    terminal = Terminal()
    bar = ProgressBar(terminal)
    bar(report(500, 1_250_000, 75))
    bar(report(1000))
    bar.close()
    drawn = terminal.getvalue().split("\r")
    assert "50% 1 of 2 files, 500 bytes of 1 kB, 1.25 MB/s, 1:15 left" in drawn[1]
    assert drawn[1].startswith("[###")
    assert drawn[2].rstrip().endswith("100% 2 of 2 files, 1 kB of 1 kB")
    assert drawn[2].endswith("\n")
    assert len(drawn[2]) > len(drawn[1])


def test_a_file_gets_the_last_line() -> None:
    log = io.StringIO()
    bar = ProgressBar(log)
    bar(report(500))
    bar(report(1000))
    bar.close()
    bar.close()
    assert log.getvalue() == "2 of 2 files, 1 kB of 1 kB\n"


def test_a_narrow_terminal_shows_what_fits() -> None:
    assert with_bar("7 of 50 files, 1 of 3 GB", report(500), 14) == "7 of 50 files,"
    assert with_bar("7 files", report(500), 30) == "[########-------]  50% 7 files"


def test_a_bar_is_asked_for_by_name(
    version: Any, server_location: Any, movie: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(version, movie, server_location, on_progress="bar")
    assert capsys.readouterr().err.startswith("1 of 1 files, 4 MB of 4 MB")


def test_the_package_offers_it() -> None:
    assert ftrack_rs.Transfer is Transfer


@pytest.mark.parametrize("name", ["bandwidth", "concurrency", "recent"])
def test_settings_of_the_wrong_type_are_named(name: str) -> None:
    settings: Any = {name: "fast"}
    with pytest.raises(TypeError, match=f"{name} is a .*number.*, not 'fast'"):
        Transfer(**settings)
