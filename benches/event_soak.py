"""Sends events through a server for a long time, and looks whether memory and delays stay flat.

One process holds a hub that publishes and a hub that listens, another the embedded server. At first
events are sent as quickly as possible, until everything that is kept in bounded numbers is full;
what memory grows from then on is a leak. `make soak` fails if it is more than 2 MiB, if an event is
lost, repeated or out of order, or if one in a hundred takes more than 5 ms from being published to
its callback. A debug build, or a machine that does other things, cannot keep the last of these, so
`--json` prints the outcome and judges nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import gc
import json
import os
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Iterator

from ftrack_rs.event.base import Event
from ftrack_rs.event.hub import EventHub

TOPIC = "bench.soak"
#: More than any hub keeps of what it has received.
FILLING = 12_000
#: Bounds of `make soak`.
MOST_GROWTH, MOST_MILLISECONDS = 2 << 20, 5.0
BUCKET_SECONDS, BUCKETS = 0.000_01, 100_000
#: Events that may be on their way while the hubs are filled.
WINDOW = 500
PATIENCE = 60.0


@dataclasses.dataclass
class Outcome:
    """What a run has shown."""

    seconds: float
    events: int
    events_a_second: float
    #: Events that did not come, or not in their place.
    lost: int
    misplaced: int
    p50_milliseconds: float
    p99_milliseconds: float
    slowest_milliseconds: float
    #: Bytes by which the process of the hubs, and the server, have grown at most.
    hub_growth: int
    server_growth: int


class Listener:
    """Counts events and their delays; takes no memory for each."""

    def __init__(self) -> None:
        self.received = 0
        self.misplaced = 0
        self.slowest = 0.0
        self._delays = array("Q", bytes(8 * BUCKETS))

    def __call__(self, event: Event) -> None:
        """Note an event."""
        delay = time.perf_counter() - event["data"]["sent"]
        self._delays[min(int(delay / BUCKET_SECONDS), BUCKETS - 1)] += 1
        self.slowest = max(self.slowest, delay)
        if event["data"]["number"] != self.received:
            self.misplaced += 1
        self.received += 1

    def forget_delays(self) -> None:
        """Start to measure."""
        self.slowest = 0.0
        for bucket in range(BUCKETS):
            self._delays[bucket] = 0

    def quantile(self, share: float) -> float:
        """Return the milliseconds that *share* of the events took at most."""
        left = share * sum(self._delays)
        for bucket, count in enumerate(self._delays):
            left -= count
            if left <= 0:
                return 1000 * BUCKET_SECONDS * (bucket + 1)
        return 0.0


class Memory:
    """How much a process has grown since this was made."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._first = resident_bytes(pid)
        self.growth = 0

    def look(self) -> None:
        """Take a sample."""
        self.growth = max(self.growth, resident_bytes(self._pid) - self._first)


def main() -> int:
    """Run, print what was found, and return whether it is within the bounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long (default 600)")
    parser.add_argument("--rate", type=int, default=1000, help="events a second (default 1000)")
    parser.add_argument("--json", action="store_true", help="print JSON, and judge nothing")
    options = parser.parse_args()
    with running_server() as (pid, environment):
        outcome = soak(pid, environment, options.seconds, options.rate)
    if options.json:
        print(json.dumps(dataclasses.asdict(outcome)))
        return 0
    for name, value in dataclasses.asdict(outcome).items():
        print(f"{name:22}{value:14,.2f}" if isinstance(value, float) else f"{name:22}{value:14,}")
    complaints = judge(outcome, options.rate)
    for complaint in complaints:
        print(f"out of bounds: {complaint}")
    return bool(complaints)


def judge(outcome: Outcome, rate: int) -> list[str]:
    """Return what is wrong with *outcome*."""
    growths = {"hubs": outcome.hub_growth, "server": outcome.server_growth}
    checks = {
        f"{outcome.lost} events are lost": outcome.lost == 0,
        f"{outcome.misplaced} events are not in their place": outcome.misplaced == 0,
        f"{outcome.events_a_second:.0f} events a second": outcome.events_a_second > 0.99 * rate,
        f"p99 is {outcome.p99_milliseconds:.2f} ms": outcome.p99_milliseconds < MOST_MILLISECONDS,
        **{f"{who} grew by {growth:,} B": growth <= MOST_GROWTH for who, growth in growths.items()},
    }
    return [complaint for complaint, is_fine in checks.items() if not is_fine]


def soak(server_pid: int, environment: dict[str, str], seconds: float, rate: int) -> Outcome:
    """Send events for so long, and return what happened."""
    names = ("FTRACK_SERVER", "FTRACK_API_USER", "FTRACK_API_KEY")
    hubs = [EventHub(*(environment[name] for name in names)) for _ in range(2)]
    sending, receiving = hubs
    listener = Listener()
    receiving.subscribe(f"topic={TOPIC}", listener)
    for hub in hubs:
        hub.connect()
    waiting = threading.Thread(target=receiving.wait)
    waiting.start()
    try:
        settle(sending, receiving)
        fill(sending, listener)
        gc.collect()
        listener.forget_delays()
        memories = [Memory(pid) for pid in (os.getpid(), server_pid)]
        started = time.perf_counter()
        sent = send(sending, listener.received, seconds, rate, memories)
        elapsed = time.perf_counter() - started
        wait_until(lambda: listener.received >= sent)
    finally:
        for hub in hubs:
            hub.disconnect()
        waiting.join()
    return Outcome(
        seconds=elapsed,
        events=sent,
        events_a_second=(sent - FILLING) / elapsed,
        lost=sent - listener.received,
        misplaced=listener.misplaced,
        p50_milliseconds=listener.quantile(0.5),
        p99_milliseconds=listener.quantile(0.99),
        slowest_milliseconds=1000 * listener.slowest,
        hub_growth=memories[0].growth,
        server_growth=memories[1].growth,
    )


def settle(sending: EventHub, receiving: EventHub) -> None:
    """Wait until the server has handled the subscriptions of *receiving*."""
    heard = threading.Event()
    with receiving.subscription(f"topic={TOPIC}.settle", lambda event: heard.set()):
        receiving.publish(Event(f"{TOPIC}.settle"))
        if not heard.wait(PATIENCE):
            raise SystemExit("no event came through the server")


def fill(hub: EventHub, listener: Listener) -> None:
    """Send events as quickly as they are received."""
    for number in range(FILLING):
        publish(hub, number)
        if number - listener.received > WINDOW:
            wait_until(lambda number=number: number - listener.received < WINDOW / 2)
    wait_until(lambda: listener.received >= FILLING)


def send(hub: EventHub, number: int, seconds: float, rate: int, memories: list[Memory]) -> int:
    """Send events at a steady rate and return the number after the last one."""
    started, first = time.perf_counter(), number
    while True:
        elapsed = time.perf_counter() - started
        if elapsed >= seconds:
            return number
        due = first + int(elapsed * rate)
        while number < due:
            publish(hub, number)
            number += 1
            if number % rate == 0:
                for memory in memories:
                    memory.look()
        time.sleep(max(0.0, (number + 1 - first) / rate - (time.perf_counter() - started)))


def publish(hub: EventHub, number: int) -> None:
    """Send one event, of the size of a usual `ftrack.update`."""
    data = {"number": number, "sent": time.perf_counter(), "text": "x" * 500}
    hub.publish(Event(TOPIC, data=data))


def wait_until(condition) -> None:  # type: ignore[no-untyped-def]
    """Wait for *condition*, or for as long as nothing takes."""
    end = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < end:
        time.sleep(0.001)


@contextlib.contextmanager
def running_server() -> Iterator[tuple[int, dict[str, str]]]:
    """Run a server in a process of its own; gives its id and where it is."""
    command = [sys.executable, "-m", "ftrack_rs", "sandbox", "--port", "0", "--seed", "empty"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        environment = {}
        try:
            for line in process.stdout:
                name, _, value = line.removeprefix("export ").strip().partition("=")
                environment[name] = value
                if name == "FTRACK_API_KEY":
                    break
            yield process.pid, environment
        finally:
            process.terminate()


def resident_bytes(pid: int) -> int:
    """Return how much memory a process holds; 0 where the system does not tell."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
