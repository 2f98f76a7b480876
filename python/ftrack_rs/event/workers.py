"""Handles events side by side, those that concern the same entity one after another.

Without workers a hub handles events on the thread that waits, and one slow callback holds up all
that come after it. :class:`Workers` says how many threads are to share them; :class:`Pool` is those
threads. An event runs as soon as no earlier one that waits or runs has a key in common with it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal

from ftrack_rs.event.base import Event

# Seconds between two chances for Ctrl-C to be noticed, on systems where locks do not look for it.
_STEP = 0.2


def entity_ids(event: Event) -> list[Hashable]:
    """Return the ids of the entities that *event* is about, or its topic if it names none."""
    data = event["data"]
    entities = data.get("entities") if isinstance(data, Mapping) else None
    listed = entities if isinstance(entities, (list, tuple)) else ()
    ids = [entity.get("entityId") for entity in listed if isinstance(entity, Mapping)]
    return [identifier for identifier in ids if isinstance(identifier, str)] or [event["topic"]]


@dataclass(frozen=True)
class Workers:
    """How many events are handled at the same time, and what becomes of those that wait.

    Attributes:
        count: Threads that call the callbacks.
        key: Called with an event; events of the same key are handled in their order. A list or a
            set stands for several keys. An event that it was not made for, so that it raises
            LookupError or TypeError, has its topic for a key. The default keeps the events of each
            entity in order.
        capacity: Events that wait for a thread at most.
        when_full: What becomes of a further one: ``"block"`` leaves it in the queue of the hub
            until there is room, ``"drop_oldest"`` takes it in place of the one that has waited
            longest, with a warning that counts.

    Raises:
        TypeError: If a number is none.
        ValueError: If there would be no thread, no room, or there is no such policy.
    """

    count: int
    key: Callable[[Event], Any] = entity_ids
    capacity: int = 1000
    when_full: Literal["block", "drop_oldest"] = "block"

    def __post_init__(self) -> None:
        """Refuse what could never handle an event."""
        for name in ("count", "capacity"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"Workers need a whole number for {name}, not {value!r}.")
        if self.count < 1 or self.capacity < 1:
            raise ValueError("Workers need at least one thread and room for one event.")
        if self.when_full not in ("block", "drop_oldest"):
            raise ValueError(f'when_full is "block" or "drop_oldest", not {self.when_full!r}.')

    def keys(self, event: Event) -> frozenset[Hashable]:
        """Return all keys of *event*."""
        try:
            key = self.key(event)
            return frozenset(key if isinstance(key, (list, set)) else [key])
        except (LookupError, TypeError):
            return frozenset([event["topic"]])


class _Task:
    """An event, and how many of its keys belong to an earlier one."""

    __slots__ = ("blockers", "event", "keys")

    def __init__(self, event: Event, keys: frozenset[Hashable]) -> None:
        self.event = event
        self.keys = keys
        self.blockers = 0


class Pool:
    """Threads that handle events until the end of a ``with`` block.

    What was submitted is handled before the block ends. If it ends by an exception, such as that of
    Ctrl-C, what waits is given up, and threads end with the callback that they are in.
    """

    def __init__(
        self,
        workers: Workers,
        handle: Callable[[Event], Any],
        on_dropped: Callable[[Event], None],
    ) -> None:
        """Start the threads.

        Args:
            workers: How many there are, and what becomes of events that wait.
            handle: Called with each event, by any of the threads.
            on_dropped: Called with an event that is dropped, by the thread that submits.
        """
        self._workers = workers
        self._handle = handle
        self._on_dropped = on_dropped
        self._changed = threading.Condition()
        # By key the tasks that wait or run, in their order.
        self._lines: dict[Hashable, deque[_Task]] = {}
        # The tasks that have not begun, the oldest first; a dictionary lets any of them leave.
        self._waiting: dict[_Task, None] = {}
        self._ready: deque[_Task] = deque()
        self._ending = False
        self._failure: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._work, name=f"ftrack-event-worker-{n}", daemon=True)
            for n in range(workers.count)
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if exception_type is None:
                self._end()
                self._join()
                self.check()
        finally:
            self._give_up()

    def submit(self, event: Event) -> None:
        """Have *event* handled; waits for room if the policy says so.

        Raises:
            BaseException: What handling an earlier event has raised.
        """
        task = _Task(event, self._workers.keys(event))
        dropped = None
        with self._changed:
            if self._workers.when_full == "drop_oldest" and self._is_full():
                dropped = next(iter(self._waiting))
                self._leave(dropped)
            while self._is_full():
                self._changed.wait(_STEP)
            self._join_lines(task)
        if dropped is not None:
            self._on_dropped(dropped.event)
        self.check()

    def check(self) -> None:
        """Raise what handling an event has raised, if anything."""
        if self._failure is not None:
            raise self._failure

    def _is_full(self) -> bool:
        return len(self._waiting) >= self._workers.capacity and self._failure is None

    def _join_lines(self, task: _Task) -> None:
        for key in task.keys:
            line = self._lines.setdefault(key, deque())
            task.blockers += bool(line)
            line.append(task)
        self._waiting[task] = None
        self._call_if_free(task)

    def _leave(self, task: _Task) -> None:
        """Take *task* out, whether it was handled or is not to be, and let those behind it go."""
        if task in self._waiting:
            del self._waiting[task]
            if not task.blockers:
                self._ready.remove(task)
        for key in task.keys & self._lines.keys():
            line = self._lines[key]
            was_first = line[0] is task
            line.remove(task)
            if not line:
                del self._lines[key]
            elif was_first:
                line[0].blockers -= 1
                self._call_if_free(line[0])
        self._changed.notify_all()

    def _call_if_free(self, task: _Task) -> None:
        if not task.blockers:
            self._ready.append(task)
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            task = self._next()
            if task is None:
                return
            try:
                self._handle(task.event)
            except BaseException as error:
                # Callbacks that fail are logged; this is for who waits, as without workers.
                self._failure = self._failure or error
            with self._changed:
                self._leave(task)

    def _next(self) -> _Task | None:
        with self._changed:
            while not self._ready:
                if self._ending and not self._waiting:
                    return None
                self._changed.wait()
            task = self._ready.popleft()
            del self._waiting[task]
            self._changed.notify_all()
            return task

    def _end(self) -> None:
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def _join(self) -> None:
        for thread in self._threads:
            while thread.is_alive() and self._failure is None:
                thread.join(_STEP)

    def _give_up(self) -> None:
        with self._changed:
            self._ending = True
            for given_up in (self._lines, self._waiting, self._ready):
                given_up.clear()
            self._changed.notify_all()
