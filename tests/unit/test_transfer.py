from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ftrack_rs import Session, Transfer, exception, symbol, transfer
from ftrack_rs.sandbox import Sandbox

Publish = Callable[[Transfer], "Future[Any]"]


@pytest.fixture
def publish(sandbox: Sandbox, frames: tuple[str, list[Path]]) -> Iterator[Publish]:
    """Publishes fifty frames under a transfer, in a thread of its own."""

    def run(handle: Transfer) -> Any:
        with sandbox.session() as session, handle:
            location = session.get("Location", symbol.SERVER_LOCATION_ID)
            return session.create_component(frames[0], location=location)["id"]

    with ThreadPoolExecutor() as threads:
        yield lambda handle: threads.submit(run, handle)
    sandbox.clear_faults()


def wait_until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_cancelled_transfer_registers_nothing(
    session: Session, sandbox: Sandbox, publish: Publish
) -> None:
    before = len(session.query("select id from ComponentLocation").all())
    sandbox.fault("upload", "black_hole")
    handle = Transfer()
    publishing = publish(handle)
    wait_until(lambda: sum(fault["fired"] for fault in sandbox.faults()))
    handle.cancel()
    cancelled = time.monotonic()
    with pytest.raises(exception.TransferCancelledError):
        publishing.result()
    assert time.monotonic() - cancelled < 1
    assert len(session.query("select id from ComponentLocation").all()) == before


def test_a_paused_transfer_goes_on_when_it_is_resumed(sandbox: Sandbox, publish: Publish) -> None:
    sandbox.clear_calls()
    handle = Transfer()
    handle.pause()
    publishing = publish(handle)
    wait_until(lambda: sandbox.calls(action="get_upload_metadata"))
    assert handle.progress.transferred_bytes == 0
    assert handle.progress.files == 50
    handle.resume()
    publishing.result()
    progress = handle.progress
    assert progress.finished_files == 50
    assert progress.transferred_bytes == progress.total_bytes


def test_a_limited_bandwidth_holds(sandbox: Sandbox, publish: Publish) -> None:
    handle = Transfer(bandwidth=100_000)
    started = time.monotonic()
    publish(handle).result()
    # 51 kB, of which 10 kB may come at once, and the last frame does not wait for itself.
    assert time.monotonic() - started > 0.35


def test_the_innermost_block_counts_in_its_own_thread() -> None:
    outer, inner = Transfer(), Transfer()
    assert transfer.current() is None
    with outer:
        with inner:
            assert transfer.current() is inner
            with outer:
                assert transfer.current() is outer
            with ThreadPoolExecutor() as threads:
                assert threads.submit(transfer.current).result() is None
        assert transfer.current() is outer
    assert transfer.current() is None


def test_one_transfer_may_be_entered_by_threads_at_once() -> None:
    handle, barrier = Transfer(), threading.Barrier(8, timeout=20)

    def enter() -> bool:
        with handle:
            barrier.wait()
            seen = transfer.current() is handle
            barrier.wait()
        return seen and transfer.current() is None

    with ThreadPoolExecutor(8) as threads:
        assert all(running.result() for running in [threads.submit(enter) for _ in range(8)])


def test_limits_are_positive_numbers() -> None:
    for limit in ("concurrency", "bandwidth"):
        for number in (0, -1):
            with pytest.raises(ValueError, match=f"{limit} is at least 1.*not {number}"):
                Transfer(**{limit: number})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="bandwidth is at least 1"):
        Transfer().limit_bandwidth(-1)
    with pytest.raises(ValueError, match="recent is a number of seconds, not -1"):
        Transfer(recent=-1)
    for no_function in ("percent", 5):
        with pytest.raises(ValueError, match=f"on_progress is .* not {no_function!r}"):
            Transfer(on_progress=no_function)  # type: ignore[arg-type]
