"""What makes events arrive once although connections break.

Packets that the server has not acknowledged are sent again over the next connection. The server may
have routed one of them and lost only the acknowledgement, so events that came over the connection
before are not handed on a second time.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any, NamedTuple, Optional

#: Called with what the server answers to a packet.
Acknowledged = Callable[..., None]

#: Bounds what a server costs in memory that acknowledges nothing.
MOST_UNACKNOWLEDGED = 100_000
# What a server has routed before a connection broke, and what is sent again after, is close to it.
_REMEMBERED_IDS = 10_000
_SECONDS_OF_REPEATS = 60


class Durable:
    """A callback whose packet is sent again if the connection breaks before the acknowledgement."""

    def __init__(self, callback: Acknowledged) -> None:
        """Initialise with what is called."""
        self._callback = callback

    def __call__(self, *answer: Any) -> None:
        """Hand on what the server answered."""
        self._callback(*answer)


class Unacknowledged(NamedTuple):
    """A packet on its way."""

    callback: Acknowledged
    #: The packet, if it is to be sent again; None if the next connection does not need it.
    packet: Optional[str]


class Outstanding:
    """The packets that the server has not acknowledged yet."""

    def __init__(self, on_dropped: Callable[[int], None]) -> None:
        """Initialise without packets.

        Args:
            on_dropped: Called when one is given up for the first time over a connection, with how
                many have been until then.
        """
        self._on_dropped = on_dropped
        self._dropped = 0
        self._has_told = False
        self._last_number = 0
        self._packets: OrderedDict[int, Unacknowledged] = OrderedDict()
        self._changed = threading.Condition()

    def number(self) -> int:
        """Return a number that no packet had before."""
        with self._changed:
            self._last_number += 1
            return self._last_number

    def add(self, number: int, callback: Acknowledged, packet: str | None) -> None:
        """Remember a packet that is about to be sent; if there are too many, give up the oldest."""
        with self._changed:
            self._packets[number] = Unacknowledged(callback, packet)
            if len(self._packets) <= MOST_UNACKNOWLEDGED:
                return
            self._packets.popitem(last=False)
            self._dropped += 1
            is_first, self._has_told = not self._has_told, True
        if is_first:
            self._on_dropped(self._dropped)

    def pop(self, number: int) -> Acknowledged | None:
        """Forget a packet and return its callback, or None if there is no such packet."""
        with self._changed:
            found = self._packets.pop(number, None)
            self._changed.notify_all()
        return found.callback if found else None

    def start_connection(self) -> list[str]:
        """Forget what a new connection does not need and return the packets to send again."""
        with self._changed:
            self._has_told = False
            for number in [n for n, sent in self._packets.items() if sent.packet is None]:
                del self._packets[number]
            return [sent.packet for sent in self._packets.values() if sent.packet is not None]

    def clear(self) -> None:
        """Forget all packets."""
        with self._changed:
            self._packets.clear()
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait until everything is acknowledged, but no longer than that."""
        with self._changed:
            self._changed.wait_for(lambda: not self._packets, seconds)


class ReceivedIds:
    """Tells events that came over the connection before and are sent again from new ones."""

    def __init__(self) -> None:
        """Initialise without ids."""
        self._latest: deque[str] = deque(maxlen=_REMEMBERED_IDS)
        self._before: frozenset[str] = frozenset()
        self._end_of_repeats = 0.0

    def start_connection(self) -> None:
        """Take what has come until now as having come over the connection before."""
        self._before = frozenset(self._latest)
        self._end_of_repeats = time.monotonic() + _SECONDS_OF_REPEATS

    def is_repeated(self, identifier: str) -> bool:
        """Return whether the event of that id has come before; remember it if not."""
        if identifier in self._before and time.monotonic() < self._end_of_repeats:
            return True
        self._latest.append(identifier)
        return False
