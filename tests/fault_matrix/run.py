"""Runs cells: makes a fault happen to a client at a step, and looks at what came of it."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fault_matrix import cells
from fault_matrix.cells import Cell, Fault
from fault_matrix.client import Client, Kind
from fault_matrix.evidence import Evidence
from fault_matrix.outcome import Outcome
from fault_matrix.server import Server

#: Seconds after which a client hangs. With the timeout of `client`, six attempts and the longest
#: waits between them take twenty.
BOUND = 30.0

#: Seconds from Ctrl-C to its end.
INTERRUPT_BOUND = 1.0

#: Seconds that a client may take for what no fault meets, on a busy machine.
CALM = 60.0


class Bench:
    """A server and a client, which run one cell after the other."""

    def __init__(self, kind: Kind, folder: Path, contents: dict[int, bytes]) -> None:
        self.server = Server()
        # The journal of unfinished transfers is to outlive the client, and nothing else.
        journal = {"FTRACK_RS_STATE_PATH": str(folder / "state")}
        self.client = Client(kind, {**self.server.sandbox.env(), **journal})
        self._folder = folder
        self._contents = contents
        self._numbers = itertools.count(1)
        #: Calls that create something before the one that registers the file.
        self._earlier_creates: int | None = None

    def close(self) -> None:
        """Stop both."""
        self.client.kill()
        self.server.stop()

    def run(self, cell: Cell) -> Outcome:
        """Run a cell."""
        name = f"cell{next(self._numbers)}"
        folder = self._folder / name
        run = Run(self.server, self.client, cell, name, folder)
        try:
            run.prepare(self._contents)
            if cell.step is cells.COMMIT and self._earlier_creates is None:
                self._earlier_creates = run.count_creates() - 1
            outcome = run.outcome(self._earlier_creates or 0)
        finally:
            shutil.rmtree(folder)
        if outcome.hung or (outcome.error and not run.forgets()):
            self.client.kill()
        return outcome


class Run:
    """One cell on its way."""

    def __init__(self, server: Server, client: Client, cell: Cell, name: str, folder: Path) -> None:
        self.server = server
        self.client = client
        self.cell = cell
        self.name = name
        self.folder = folder
        self.source = folder / "source.bin"
        self.task = {"task": cell.step.task, "path": str(self.source), "name": name}

    def prepare(self, contents: dict[int, bytes]) -> None:
        """Bring client and server to the point at which the task can be done."""
        target = self.folder / "target"
        target.mkdir(parents=True)
        self.task["folder"] = str(target)
        content, before = contents[self.cell.step.size], contents[cells.SMALL]
        self.source.write_bytes(content)
        earlier = self.folder / "before.bin"
        earlier.write_bytes(before)
        is_upload = self.cell.step.task == "publish"
        both = [self.name, f"{self.name}-child"]
        names = both if self.cell.fault is cells.FORK else both[:1]
        self.evidence = Evidence(
            server=self.server,
            is_upload=is_upload,
            folder=target,
            names=names,
            content=content,
            before=(f"{self.name}-before", before) if is_upload else None,
        )
        self._do(
            "prepare",
            task=self.cell.step.task,
            path=str(self.source),
            names=names,
            before=str(earlier),
        )
        self.server.forget()

    def count_creates(self) -> int:
        """Return how many calls that create something it takes to publish a file."""
        self._do("run", trouble="", **dict(self.task, name=f"{self.name}-probe"))
        count = len(self.server.calls(action="create"))
        self.server.forget()
        return count

    def outcome(self, earlier_creates: int) -> Outcome:
        """Do the task while the fault happens, and look at what came of it."""
        skip = f"skip={earlier_creates}" if self.cell.step is cells.COMMIT else ""
        self._options = (self.cell.step.options, skip)
        outcome = self._spoil()
        self.server.sandbox.clear_faults()
        self.evidence.add_to(outcome)
        return outcome

    def forgets(self) -> bool:
        """Have the client forget what an error left in its session; return whether it can."""
        try:
            self._do("forget")
        except RuntimeError:
            return False
        return True

    def _do(self, do: str, **arguments: Any) -> None:
        """Have the client do something that no fault meets."""
        self.client.ask(do, **arguments)
        answer = self.client.answer(CALM)
        if answer is None or answer["error"]:
            raise RuntimeError(f"{self.client.kind.name} cannot {do} {self.cell}: {answer}")

    def _spoil(self) -> Outcome:
        fault = self.cell.fault
        if not fault.is_local:
            self._set(fault.kind, "" if self.cell.always else "count=1")
            outcome = self._attempt("")
            outcome.reached = self.server.has_met()
            return outcome
        if fault in (cells.SHORT_READ, cells.DISK_FULL, cells.FORK):
            outcome = self._attempt(fault.name)
            if self.cell.step is cells.PART and outcome.succeeded:
                outcome.reached = self.server.has_received_parts()
            return outcome
        return self._hold() or self._happen()

    def _happen(self) -> Outcome:
        """Have something happen to a client that is held at the step."""
        fault = self.cell.fault
        if fault is cells.KILL:
            return self._kill()
        if fault is cells.INTERRUPT:
            self.client.interrupt()
            outcome = self._settle(INTERRUPT_BOUND)
            self._let_go()
            return outcome
        is_download = self.cell.step is cells.DOWNLOAD
        _change(self.server.file(self.name) if is_download else self.source, fault)
        self._let_go()
        return self._settle(BOUND)

    def _set(self, kind: str, *options: str) -> None:
        self.server.set(self.cell.step.endpoint, kind, *self._options, *options)

    def _attempt(self, trouble: str) -> Outcome:
        self.client.ask("run", trouble=trouble, **self.task)
        return self._settle(BOUND)

    def _settle(self, bound: float) -> Outcome:
        """Wait for the end of the task."""
        answer = self.client.answer(bound)
        if answer is None:
            return Outcome(hung=True)
        return Outcome(error=answer["error"], typed=answer.get("typed", True), text=str(answer))

    def _hold(self) -> Outcome | None:
        """Hold the client at the step; return what came if it never came to the step."""
        if self.cell.step is cells.COPY:
            self.client.ask("run", trouble="held", **self.task)
            answer = self.client.answer(BOUND)
            assert answer == {"held": True}, answer
            return None
        # What a killed client has asked for is not carried out: if it were, a call without a
        # journal, made again, could not know.
        self._set("black_hole" if self.cell.fault is cells.KILL else "hold", "count=1")
        self.client.ask("run", trouble="", **self.task)
        if self.server.wait_for_request():
            return None
        outcome = self._settle(BOUND)
        outcome.reached = False
        return outcome

    def _let_go(self) -> None:
        if self.cell.step is cells.COPY:
            self.client.resume()
        else:
            self.server.sandbox.clear_faults()

    def _kill(self) -> Outcome:
        """Kill the client, and have another one make the same call."""
        self.client.kill()
        self.server.sandbox.clear_faults()
        killed = Outcome(error="killed")
        self.evidence.add_to(killed)
        self.client.ask("again", **self.task)
        again = self._settle(BOUND)
        again.true, again.broken, again.twice = killed.true, killed.broken, killed.twice
        again.repeated = again.succeeded
        return again


def _change(path: Path, fault: Fault) -> None:
    """Change a file while somebody reads it."""
    size = path.stat().st_size
    if fault is cells.VANISHES:
        path.unlink()
    elif fault is cells.GROWS:
        with path.open("ab") as file:
            file.write(b"more")
    else:
        os.truncate(path, size // 2)


def run_all(
    kind: Kind, these: Iterable[Cell], folder: Path, contents: dict[int, bytes], workers: int
) -> dict[Cell, Outcome]:
    """Run cells, several at a time, and return what came of each."""
    # What waits longest goes first, so that nobody waits for the last one.
    todo = deque(sorted(these, key=lambda cell: (cell.always, cell.step.size), reverse=True))
    outcomes: dict[Cell, Outcome] = {}

    def work(number: int) -> None:
        bench = Bench(kind, folder / f"{kind.module}-{number}", contents)
        with contextlib.closing(bench):
            while True:
                try:
                    cell = todo.popleft()
                except IndexError:
                    return
                outcomes[cell] = bench.run(cell)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))
    return outcomes
