"""Settings of transfers, and the handle to control them while they run."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple, Union

from ftrack_rs._core import TransferControl, TransferIntent
from ftrack_rs.progress_bar import ProgressBar

#: The transfers that surround the code that runs, the innermost last.
_entered: ContextVar[tuple[Transfer, ...]] = ContextVar("entered transfers", default=())

#: The transfer in the journal that the code that runs is part of.
noted_intent: ContextVar[TransferIntent | None] = ContextVar("noted intent", default=None)

#: Least seconds between two reports. Native code asks for one ten times a second.
_REPORT_INTERVAL = 0.05

#: Seconds over which the rate is taken: long enough to be steady, short enough to show a change.
_RATE_SPAN = 5.0


class FileProgress(NamedTuple):
    """How far one file is: its path, its size in bytes, how many of these moved, and the end."""

    path: Path
    size: int
    transferred_bytes: int
    finished: bool


@dataclass(frozen=True)
class Progress:
    """How far a transfer is at one moment.

    Attributes:
        files: Files that are to be moved, as far as is known.
        finished_files: Files that arrived.
        total_bytes: Bytes of all files.
        transferred_bytes: Bytes that were moved.
        hashed_bytes: Bytes that were hashed before they are moved.
        rate: Bytes that moved in a second lately; 0 if none did.
        eta: Seconds until the end at this rate; None if nothing moves.
    """

    files: int
    finished_files: int
    total_bytes: int
    transferred_bytes: int
    hashed_bytes: int
    rate: float
    eta: float | None
    _control: TransferControl = field(repr=False, compare=False)

    @property
    def fraction(self) -> float:
        """How much of all bytes was moved, from 0 to 1."""
        return self.transferred_bytes / self.total_bytes if self.total_bytes else 0.0

    @property
    def each_file(self) -> list[FileProgress]:
        """How far each file is, looked up when it is asked for."""
        return [FileProgress(*values) for values in self._control.files()]


OnProgress = Union[Callable[[Progress], object], Literal["bar"], None]


class Transfer:
    """How data moves, and the handle to it while it does.

    What moves data within a `with` block obeys, also deep within methods that know nothing of it:

        transfer = ftrack_rs.Transfer(bandwidth=20_000_000)
        with transfer:
            version.create_component("render.%04d.exr [1-50]", location=server)

    Calls that move data also take it as `transfer=`. Meanwhile any thread may call the methods. The
    block concerns the thread, or the task, that enters it. One transfer may be entered many times,
    also at once.
    """

    def __init__(
        self,
        *,
        on_progress: OnProgress = None,
        bandwidth: int | None = None,
        concurrency: int | None = None,
        preflight: Literal["strict", "off"] = "strict",
        recent: float = 3.0,
        journal: bool = True,
        verify: bool = False,
        fsync: Literal["never", "file", "folder"] = "never",
    ) -> None:
        """Prepare to move data; nothing moves yet.

        Args:
            on_progress: Called with a :class:`Progress` about ten times a second, from a thread
                that moves data, and at the end; what it raises ends the transfer. `bar` for a line
                on the terminal.
            bandwidth: Most bytes that move in a second; None for no limit.
            concurrency: Files and parts of files that move at the same time; by default as many as
                turn out to be good, within one limit for the whole process.
            preflight: `strict` to refuse sequences with missing or empty frames before anything
                moves; `off` to do what the official client does.
            recent: Seconds after its last change in which a frame may still be growing.
            journal: Let the same call, made again after this process was killed, continue.
            verify: Whether copies from folder to folder are read again and their MD5 compared with
                that of their sources. What the server sends or takes is always verified.
            fsync: What has to be on the disk when a file counts as written: nothing, the content of
                the `file`, or its name in the `folder` too. Without it a power cut, but no crash of
                a program, may leave the files of the last seconds empty; with it copies take much
                longer.

        Raises:
            TypeError: If a number is none.
            ValueError: If a number is too small, or another argument is something else.
        """
        if on_progress not in (None, "bar") and not callable(on_progress):
            raise ValueError(f"on_progress is a function or 'bar', not {on_progress!r}.")
        if preflight not in ("strict", "off"):
            raise ValueError(f"preflight is 'strict' or 'off', not {preflight!r}.")
        if not isinstance(recent, (int, float)):
            raise TypeError(f"recent is a number of seconds, not {recent!r}.")
        if recent < 0:
            raise ValueError(f"recent is a number of seconds, not {recent!r}.")
        _check_positive("bandwidth", bandwidth)
        _check_positive("concurrency", concurrency)
        self.preflight = preflight
        self.recent = recent
        self.journal = journal
        self._bar = ProgressBar() if on_progress == "bar" else None
        self._on_progress = self._bar if on_progress == "bar" else on_progress
        self._control = TransferControl(bandwidth, concurrency, verify, fsync)
        self._pace = _Pace(0)
        self._users = threading.Condition()
        self._entries = 0
        self._was_entered = False
        self._reporter: int | None = None
        self._reported = 0.0

    def __enter__(self) -> Transfer:
        """Move data within this block as this transfer says."""
        with self._users:
            if self._entries == 0:
                self._pace = _Pace(self._control.snapshot()["transferred_bytes"])
            self._entries += 1
            self._was_entered = True
        _entered.set((*_entered.get(), self))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Return to what surrounds this block."""
        _entered.set(_entered.get()[:-1])
        try:
            if kind is None and self not in _entered.get():
                self._report(is_final=True)
        finally:
            self._leave()

    def _leave(self) -> None:
        with self._users:
            self._entries -= 1
            if self._reporter == threading.get_ident() and self not in _entered.get():
                self._reporter = None
            if self._entries == 0:
                if self._bar:
                    self._bar.close()
                self._users.notify_all()

    def cancel(self) -> None:
        """Stop for good: what moves data raises TransferCancelledError within a second."""
        self._control.cancel()

    def pause(self) -> None:
        """Let nothing more move until :meth:`resume`."""
        self._control.pause()

    def resume(self) -> None:
        """End a pause."""
        self._control.resume()

    def limit_bandwidth(self, bandwidth: int | None) -> None:
        """Limit what moves from now on.

        Args:
            bandwidth: Most bytes that move in a second; None for no limit.

        Raises:
            TypeError: If it is no whole number.
            ValueError: If it is zero or negative.
        """
        _check_positive("bandwidth", bandwidth)
        self._control.limit_bandwidth(bandwidth)

    @property
    def done(self) -> bool:
        """Whether it was entered, and everything that did has left."""
        with self._users:
            return self._is_done()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is :attr:`done`, from another thread than those that move data.

        Args:
            timeout: Most seconds to wait; None to wait for however long it takes.

        Returns:
            Whether it is done.
        """
        with self._users:
            return self._users.wait_for(self._is_done, timeout)

    def _is_done(self) -> bool:
        return self._was_entered and self._entries == 0

    @property
    def progress(self) -> Progress:
        """How far it is at this moment."""
        counts = self._control.snapshot()
        rate = self._pace.rate(counts["transferred_bytes"])
        left = counts["total_bytes"] - counts["transferred_bytes"]
        return Progress(
            **counts, rate=rate, eta=left / rate if rate else None, _control=self._control
        )

    def _report(self, is_final: bool = False) -> None:
        """Call `on_progress` unless that was done just now, or is done by another thread."""
        if self._on_progress is None:
            return
        with self._users:
            now, thread = time.monotonic(), threading.get_ident()
            if self._reporter not in (None, thread):
                return
            if not is_final and now - self._reported < _REPORT_INTERVAL:
                return
            self._reporter, self._reported = thread, now
        self._on_progress(self.progress)


def _check_positive(name: str, value: int | None) -> None:
    if value is not None and not hasattr(value, "__index__"):
        raise TypeError(f"{name} is a whole number, or None for no limit, not {value!r}.")
    if value is not None and value < 1:
        raise ValueError(f"{name} is at least 1, or None for no limit, not {value!r}.")


class _Pace:
    """How fast a count rises."""

    def __init__(self, count: int) -> None:
        self._samples = deque([(time.monotonic(), count)])
        self._lock = threading.Lock()

    def rate(self, count: int) -> float:
        """Return by how much *count*, as it is now, rose in a second lately."""
        with self._lock:
            now = time.monotonic()
            self._samples.append((now, count))
            while len(self._samples) > 2 and self._samples[1][0] < now - _RATE_SPAN:
                self._samples.popleft()
            since, before = self._samples[0]
        return max(0.0, (count - before) / (now - since)) if now > since else 0.0


def current() -> Transfer | None:
    """Return the transfer of the innermost block that surrounds the caller, if there is one."""
    entered = _entered.get()
    return entered[-1] if entered else None


@contextmanager
def using(on_progress: OnProgress, transfer: Transfer | None) -> Iterator[None]:
    """Surround a call with the transfer that it was given, or one made for its *on_progress*.

    Raises:
        TypeError: If it was given both.
    """
    if on_progress is not None and transfer is not None:
        raise TypeError("on_progress belongs to the transfer where one is given")
    if on_progress is not None:
        transfer = Transfer(on_progress=on_progress)
    if transfer is None:
        yield
    else:
        with transfer:
            yield


def control() -> TransferControl | None:
    """Return what native code needs of the current transfer, if there is one."""
    transfer, intent = current(), noted_intent.get()
    if transfer is None and intent is None:
        return None
    transfer = transfer or Transfer()
    return transfer._control.of_call(transfer._report, intent)
