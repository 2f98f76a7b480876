"""Moves data through two file-like objects, in bounded chunks, where native code has no way.

Most accessors were written to be used by one thread, so components pass one after the other, in the
thread that asks for it. An accessor that bears more says so by
:attr:`~ftrack_rs.accessor.base.Accessor.components_at_once`; then components pass side by side.
"""

from __future__ import annotations

import contextvars
import functools
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, Callable

from ftrack_rs import exception, symbol, transfer
from ftrack_rs._core import PassedFiles
from ftrack_rs.movement_item import Item, StoppedError

_logger = logging.getLogger("ftrack_api.transfer")

#: Seconds in which the waiting thread looks for signals and tells the progress.
_TICK = 0.1

#: Seconds that threads get to take back what they have begun. One that hangs in an accessor of
#: somebody's own cannot be ended; what it does later is taken back when it returns.
_SETTLING = 0.5

_Admit = Callable[[int], None]


def move(items: Sequence[Item], target: Any, moved: list[Item], at_once: int = 1) -> None:
    """Move the data of *items* to the accessor *target*, and note which it has *moved*.

    Args:
        items: What to move.
        target: The accessor it goes to.
        moved: Gets each item whose data has arrived.
        at_once: How many pass at the same time.

    Raises:
        StoppedError: If one could not be moved.
        TransferCancelledError: If the transfer was cancelled.
    """
    control = transfer.control()
    sizes = [(str(item.identifier), int(item.component["size"] or 0)) for item in items]
    files = control.passed_files(sizes) if control else None
    threads = min(at_once, (control and control.concurrency) or at_once)
    # A single item too: this thread, to which signals come, waits for no accessor that hangs.
    if threads > 1:
        _SideBySide(items, target, files).run(min(threads, len(items)), moved)
    else:
        _one_by_one(items, target, files, moved)


def _one_by_one(
    items: Sequence[Item], target: Any, files: PassedFiles | None, moved: list[Item]
) -> None:
    for index, item in enumerate(items):
        try:
            size = _pass(item, target, functools.partial(files.admit, index) if files else None)
        except Exception as error:
            raise StoppedError(item, error, moved) from error
        if files:
            files.finish(index, size)
        moved.append(item)


class _EndedError(Exception):
    """Raised in a thread whose work is of no use any more."""


class _SideBySide:
    """Items that pass in several threads.

    The thread that asked for it only waits: signals come to it, and it tells the progress.
    """

    def __init__(self, items: Sequence[Item], target: Any, files: PassedFiles | None) -> None:
        self._items, self._target, self._files = items, target, files
        self._waiting = deque(range(len(items)))
        self._ended = threading.Event()
        self._outcomes: queue.SimpleQueue[tuple[int, BaseException | None]] = queue.SimpleQueue()

    def run(self, threads: int, moved: list[Item]) -> None:
        """Move all items with so many threads; see :func:`move`."""
        workers = [
            # What surrounds the call, as the session's transfer does, surrounds its threads too.
            threading.Thread(target=contextvars.copy_context().run, args=(self._work,), daemon=True)
            for _ in range(threads)
        ]
        if self._files:
            # The first to tell the progress is the only one who does.
            self._files.tick()
        for worker in workers:
            worker.start()
        try:
            failure = self._wait(moved)
        finally:
            self._end(workers)
            # Others may have arrived meanwhile.
            while not self._outcomes.empty():
                self._note(self._outcomes.get(), moved)
        if failure is not None:
            index, error = failure
            if not isinstance(error, Exception):
                raise error
            raise StoppedError(self._items[index], error, moved) from error

    def _wait(self, moved: list[Item]) -> tuple[int, BaseException] | None:
        """Wait until all items have passed; return the first that has not, and why."""
        for _ in self._items:
            failure = self._note(self._next_outcome(), moved)
            if failure is not None:
                return failure
        return None

    def _next_outcome(self) -> tuple[int, BaseException | None]:
        while True:
            if self._files:
                self._files.tick()
            try:
                return self._outcomes.get(timeout=_TICK)
            except queue.Empty:
                continue

    def _note(
        self, outcome: tuple[int, BaseException | None], moved: list[Item]
    ) -> tuple[int, BaseException] | None:
        index, error = outcome
        if error is not None:
            return index, error
        moved.append(self._items[index])
        return None

    def _end(self, workers: list[threading.Thread]) -> None:
        self._ended.set()
        deadline = time.monotonic() + _SETTLING
        for worker in workers:
            worker.join(max(0.0, deadline - time.monotonic()))

    def _work(self) -> None:
        while not self._ended.is_set():
            try:
                index = self._waiting.popleft()
            except IndexError:
                return
            try:
                size = _pass(
                    self._items[index], self._target, functools.partial(self._admit, index)
                )
            except BaseException as error:
                self._outcomes.put((index, error))
            else:
                if self._files:
                    self._files.finish(index, size)
                self._outcomes.put((index, None))

    def _admit(self, index: int, count: int) -> None:
        if self._files:
            self._files.admit(index, count, ticking=False)
        if self._ended.is_set():
            raise _EndedError()


def _pass(item: Item, target: Any, admit: _Admit | None) -> int:
    """Copy the data of *item* to *target* and return its size."""
    source_data = item.source.accessor.open(item.origin, "rb")
    try:
        target_data = target.open(item.identifier, "wb")
        try:
            size = _pump(source_data, target_data, admit)
            if item.size not in (None, size):
                raise exception.AccessorOperationFailedError(
                    operation="read",
                    resource_identifier=item.origin,
                    error=f"{size} bytes came of a component that has {item.size}.",
                )
            target_data.close()
        except BaseException:
            # Data of somebody's own may know no way to take back what was begun.
            discard = getattr(target_data, "discard", None)
            if discard:
                _discard(discard, item)
            raise
    finally:
        source_data.close()
    return size


def _discard(discard: Callable[[], object], item: Item) -> None:
    """Take back what was begun; what is raised meanwhile does not hide why."""
    try:
        discard()
    except Exception as error:
        _logger.warning(
            "What was written of %s could not be taken back: %s", item.identifier, error
        )


def _pump(source_data: Any, target_data: Any, admit: _Admit | None) -> int:
    size = 0
    while chunk := source_data.read(symbol.CHUNK_SIZE):
        if admit:
            admit(len(chunk))
        target_data.write(chunk)
        size += len(chunk.encode() if isinstance(chunk, str) else chunk)
    if admit:
        # What was cancelled meanwhile is not to appear at its target.
        admit(0)
    return size
