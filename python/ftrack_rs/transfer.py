"""Settings of transfers, and the handle to control them while they run."""

from __future__ import annotations

from contextvars import ContextVar
from types import TracebackType

from ftrack_rs._core import TransferControl

#: The transfers that surround the code that runs, the innermost last.
_entered: ContextVar[tuple[Transfer, ...]] = ContextVar("entered transfers", default=())


class Transfer:
    """How data moves, and the handle to it while it does.

    What moves data within a `with` block obeys, also deep within methods that know nothing of it:

        transfer = ftrack_rs.Transfer(bandwidth=20_000_000)
        with transfer:
            version.create_component("render.%04d.exr [1-50]", location=server)

    Meanwhile any thread may call the methods. The block concerns the thread, or the task, that
    enters it. One transfer may be entered many times, also at once.
    """

    def __init__(self, *, bandwidth: int | None = None, concurrency: int | None = None) -> None:
        """Prepare to move data; nothing moves yet.

        Args:
            bandwidth: Most bytes that move in a second; None for no limit.
            concurrency: Files and parts of files that move at the same time; by default as many as
                turn out to be good, within one limit for the whole process.

        Raises:
            ValueError: If a number is zero.
            OverflowError: If a number is negative.
        """
        self._control = TransferControl(bandwidth, concurrency)

    def __enter__(self) -> Transfer:
        """Move data within this block as this transfer says."""
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
            ValueError: If it is zero.
            OverflowError: If it is negative.
        """
        self._control.limit_bandwidth(bandwidth)

    @property
    def progress(self) -> dict[str, int]:
        """What has been counted so far, such as `transferred_bytes` of `total_bytes`."""
        return self._control.snapshot()


def current() -> Transfer | None:
    """Return the transfer of the innermost block that surrounds the caller, if there is one."""
    entered = _entered.get()
    return entered[-1] if entered else None


def control() -> TransferControl | None:
    """Return the native part of the current transfer, if there is one."""
    transfer = current()
    return transfer._control if transfer else None
