"""Connects a hub in the background, however long that takes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ftrack_rs.exception import EventHubConnectionError
from ftrack_rs.logging import LazyLogMessage as L

if TYPE_CHECKING:
    from ftrack_rs.event.link import Link

# Seconds that the second attempt waits at most; those after it up to twice as long each.
_FIRST_DELAY = 0.5


class FirstConnection:
    """Attempts to connect a hub that was never connected.

    Once it was, native code makes the connection again.
    """

    def __init__(self, hub: Link) -> None:
        """Initialise for *hub*, without an attempt."""
        self._hub = hub
        self._ended = threading.Event()
        self._thread: int | None = None
        self._has_failed = False

    def make(self) -> bool:
        """Try until the hub is connected, :meth:`give_up` is called, or the user is refused.

        Returns:
            Whether the hub is connected, which nobody has ended since.
        """
        import random  # Takes long to import, and few sessions connect.

        self._thread = threading.get_ident()
        limit, delay = _FIRST_DELAY, 0.0
        while not self._ended.wait(delay):
            try:
                self._hub.connect()
            except EventHubConnectionError as error:
                if self._hub.connected:
                    return True
                if _is_refusal(error.__cause__):
                    self._hub.logger.error(L("{0}", error))
                    return False
                self._log(error)
            else:
                return not self._ended.is_set()
            # Full jitter, so that all who wait for a server do not come at once.
            delay = random.uniform(0, min(limit, self._hub.reconnect_cap))
            limit *= 2
        return False

    def give_up(self) -> None:
        """Make no further attempt."""
        self._ended.set()

    def is_given_up_here(self) -> bool:
        """Return whether it is this that the running thread connects for, although it was ended."""
        return self._ended.is_set() and self._thread == threading.get_ident()

    def _log(self, error: EventHubConnectionError) -> None:
        if self._has_failed:
            self._hub.logger.debug(L("{0}", error))
        else:
            self._hub.logger.warning(L("{0} Trying again in the background.", error))
        self._has_failed = True


def _is_refusal(error: BaseException | None) -> bool:
    """Return whether the server refuses the user, which no number of attempts makes better."""
    return isinstance(error, EventHubConnectionError) and bool(error.details.get("is_refused"))
