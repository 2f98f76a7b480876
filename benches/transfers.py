"""Measures transfers beside the official client, a raw uploader, hashlib and cp.

The server and each client have processes of their own. Contenders take turns, so that a machine
whose clock or disk changes does so for all of them. Figures are the medians of the rounds. They are
written to docs/benchmarks: the figures as JSON, and made of them a table and a chart of each case.
`--quick` runs everything with little data, to try it, and writes nothing.

No sequence is deleted before the end: on file systems without a journal, files take several times
as long to create for minutes after many were deleted. As the official client deletes a temporary
file for each that it sends, it comes last.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Callable, TypeVar

from contenders import (
    Client,
    Server,
    copy_with_cp,
    hash_with_hashlib,
    native,
    native_program,
    put_parts,
    put_sequence,
    server,
    timed,
)
from machine import settle
from plot import bars

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "benchmarks"
PROGRAM = Path(__file__).with_name("transfer_program.py")
MB, MIB = 1_000_000, 1 << 20
OURS = "ftrack-rs"
T = TypeVar("T")


@dataclass
class Case:
    """What was measured: seconds by contender, the ratio of two of them, and what it should be."""

    name: str
    title: str
    subtitle: str
    seconds: dict[str, float]
    ratio: float
    target: float
    #: What else was seen, with what it may be at most: a name, a value and a limit, in bytes.
    limits: list[tuple[str, int, int]] = field(default_factory=list)

    @property
    def is_met(self) -> bool:
        """Whether the target and all limits are met."""
        return self.ratio >= self.target and all(value <= most for _, value, most in self.limits)


class Bench:
    """The settings of a run, and its cases."""

    def __init__(self, reference: str, folder: Path, is_quick: bool) -> None:
        self.reference = reference
        self.folder = folder
        self.is_quick = is_quick
        self.rounds = 1 if is_quick else 5
        # One round alone may be the one in which the disk was busy.
        self.official_rounds = 1 if is_quick else 3

    def cases(self) -> Iterator[Case]:
        """Measure one case after the other."""
        few = 10 if self.is_quick else 1
        yield self.sequence("sequence", 50 // few, MB, 0, 15)
        yield self.sequence("latency", 100 // few, MB, 50, 15)
        yield self.sequence("small-files", 1_000 // few, MB // 10, 0, 20)
        yield self.large_file((64 if self.is_quick else 2_048) * MIB)
        yield self.hashing(64 // few, 16 * MB)
        yield self.disk(50 // few, MB)

    def settle(self) -> None:
        """Prepare the machine for a case."""
        if not self.is_quick:
            settle()

    def by_turns(self, *contenders: Callable[[], T]) -> list[list[T]]:
        """Let each contender do its rounds; return what each gave.

        Each is as often the one that comes last: memory that the system has just got back is
        quicker to get again.
        """
        outcomes: dict[Callable[[], T], list[T]] = {contender: [] for contender in contenders}
        turns = list(contenders)
        for _ in range(self.rounds):
            turns.reverse()
            for contender in turns:
                outcomes[contender].append(contender())
        return [outcomes[contender] for contender in contenders]

    def sequence(self, name: str, files: int, size: int, latency: int, target: float) -> Case:
        """Publish a sequence with both clients."""
        pattern, paths = self.files(files, size)
        faults = [f"any:latency={latency}"] if latency else []
        with (
            server(self.folder / f"{name}-server", *faults) as running,
            self.client(sys.executable, "ftrack_rs", running, "publish", pattern) as client,
            self.client(self.reference, "ftrack_api", running, "publish", pattern) as reference,
        ):
            self.settle()
            ours, raw = self.by_turns(
                lambda: (client.seconds(),), lambda: put_sequence(running, paths)
            )
            official = [reference.seconds() for _ in range(self.official_rounds)]
        each = f"{latency} ms added to each answer" if latency else "no latency added"
        slow, (fast,) = statistics.median(official), medians(ours)
        put, floor = medians(raw)
        return Case(
            name,
            f"Publish a sequence of {files:,} x {size // 1000:,} kB",
            f"to the embedded server, {each}; plain PUT: only the bytes; seconds, less is better",
            {"official client": slow, "plain PUT": put, "plain PUT and calls": floor, OURS: fast},
            slow / fast,
            target,
        )

    def large_file(self, size: int) -> Case:
        """Publish a file by parts, and PUT the same parts with nothing around it."""
        path = self.folder / "large.bin"
        write(path, size)
        with (
            server(self.folder / "large-file-server") as running,
            self.client(sys.executable, "ftrack_rs", running, "publish", str(path)) as client,
            self.client(self.reference, "ftrack_api", running, "publish", str(path)) as reference,
        ):

            def publish() -> dict[str, Any]:
                running.post("/sandbox/reset")
                return client.round()

            def put() -> dict[str, Any]:
                running.post("/sandbox/reset")
                return {"seconds": put_parts(running, path)}

            self.settle()
            ours, raw = self.by_turns(publish, put)
            official = reference.seconds()
        seconds, floor = median(ours), median(raw)
        return Case(
            "large-file",
            f"Publish one file of {size // MIB:,} MiB by parts",
            "beside a plain parallel PUT of the same parts by sendfile, and their completion; "
            "seconds, less is better",
            {"official client": official, "plain PUT": floor, OURS: seconds},
            floor / seconds,
            0.8,
            [
                ("memory growth", max(outcome["growth"] for outcome in ours), 256 * MIB),
                # The journal may note down what it does; the file itself is not to be written.
                ("written to disk", max(outcome["written"] for outcome in ours), MIB),
            ],
        )

    def hashing(self, files: int, size: int) -> Case:
        """Hash files that are in memory, on one core, with hashlib and in vector lanes.

        The ratio is that of one core each. What users get, on all cores, stands beside it.
        """
        _, paths = self.files(files, size)
        names = [str(path) for path in paths]
        ours, reading, on_all = self.by_turns(
            lambda: native("hash", *names, one_core=True),
            lambda: native("read", *names, one_core=True),
            lambda: native("hash", *names),
        )
        usual = [timed(hash_with_hashlib, paths) for _ in range(self.rounds)]
        assert ours[0]["digests"] == usual[0][1]
        slow = statistics.median(seconds for seconds, _ in usual)
        fast, floor, together = median(ours), median(reading), median(on_all)
        return Case(
            "hashing",
            f"MD5 of {files:,} files of {size // MB:,} MB on one core",
            "from the page cache; reading: only copying them from there; seconds, less is better",
            {
                "hashlib": slow,
                "reading": floor,
                f"{OURS}, {os.cpu_count()} cores": together,
                OURS: fast,
            },
            slow / fast,
            10,
        )

    def disk(self, files: int, size: int) -> Case:
        """Publish a sequence to a disk, and copy it with as many processes as there are cores."""
        copies = self.folder / "copies"
        copies.mkdir()
        pattern, paths = self.files(files, size)
        arguments = ("publish_to_disk", pattern, str(copies))
        numbers = itertools.count()
        with (
            server(self.folder / "disk-server") as running,
            self.client(sys.executable, "ftrack_rs", running, *arguments) as client,
            self.client(self.reference, "ftrack_api", running, *arguments) as reference,
        ):

            def copy() -> float:
                return timed(copy_with_cp, paths, copies / f"cp-{next(numbers)}")[0]

            self.settle()
            ours, plain = self.by_turns(client.seconds, copy)
            official = [reference.seconds() for _ in range(self.official_rounds)]
        cp, seconds = statistics.median(plain), statistics.median(ours)
        return Case(
            "disk",
            f"Publish a sequence of {files:,} x {size // 1000:,} kB to a disk",
            "beside cp --reflink=auto, a process for each core; seconds, less is better",
            {"official client": statistics.median(official), "cp": cp, OURS: seconds},
            cp / seconds,
            0.9,
        )

    @contextlib.contextmanager
    def client(
        self, python: str, module: str, running: Server, case: str, *arguments: str
    ) -> Iterator[Client]:
        """Let a client wait in a process of its own, ready to run a case, for a block."""
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        # What is written to a memory file system would not be counted.
        places = {"TMPDIR": str(temporary), "FTRACK_RS_STATE_PATH": str(self.folder / "state")}
        environment = {**os.environ, **running.environment, **places}
        client = Client([python, str(PROGRAM), module, case, *arguments], environment)
        try:
            yield client
        finally:
            client.stop()

    def files(self, count: int, size: int) -> tuple[str, list[Path]]:
        """Make a sequence of files, unless there is one; return its path and theirs."""
        folder = self.folder / f"files-{count}-{size}"
        paths = [folder / f"frame.{number:04}.exr" for number in range(1, count + 1)]
        if not folder.exists():
            folder.mkdir()
            for path in paths:
                write(path, size)
        return f"{folder}/frame.%04d.exr [1-{count}]", paths


def write(path: Path, size: int) -> None:
    """Write a file of random bytes, a minute old: what is newer is looked at twice by ftrack-rs."""
    with path.open("wb") as file:
        for start in range(0, size, 16 * MIB):
            file.write(os.urandom(min(16 * MIB, size - start)))
    written = time.time() - 60
    os.utime(path, (written, written))


def median(outcomes: list[dict[str, Any]]) -> float:
    """Return the median of the seconds of rounds."""
    return statistics.median(outcome["seconds"] for outcome in outcomes)


def medians(rounds: list[tuple[float, ...]]) -> list[float]:
    """Return the median of each of the values that rounds gave."""
    return [statistics.median(values) for values in zip(*rounds)]


def line(case: Case) -> str:
    """Return a case as one line of text."""
    seconds = ", ".join(f"{name} {value:.3f} s" for name, value in case.seconds.items())
    limits = "".join(f", {name} {value / MIB:.1f} MiB" for name, value, _ in case.limits)
    verdict = "" if case.is_met else "  MISSED"
    return f"{case.title}: {seconds}; {case.ratio:.2f}x (target {case.target:g}x){limits}{verdict}"


def machine() -> str:
    """Describe where this runs."""
    names = [
        item for item in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in item
    ]
    model = names[0].split(":")[1].strip() if names else platform.machine()
    system = f"{platform.system()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores of {model}, {system}"


def table(where: str, cases: list[Case]) -> str:
    """Return the page with all figures."""
    lines = [
        "# Transfers, measured",
        "",
        f"`make bench` writes this page from [transfers.json](transfers.json). {where}.",
        "",
        "| | seconds | ratio | target |",
        "|---|---|---:|---:|",
    ]
    for case in cases:
        seconds = ", ".join(f"{name} {value:.3f}" for name, value in case.seconds.items())
        lines.append(f"| {case.title} | {seconds} | {case.ratio:.2f}x | {case.target:g}x |")
    for case in cases:
        for name, value, most in case.limits:
            lines.append(
                f"| {case.title}: {name} | {value / MIB:.1f} MiB | | {most // MIB} MiB at most |"
            )
    lines.append("")
    lines += [f"![{case.title}]({case.name}.svg)\n" for case in cases]
    return "\n".join(lines)


def publish_results(cases: list[Case]) -> None:
    """Write figures, table and charts."""
    where = machine()
    RESULTS.mkdir(exist_ok=True)
    figures = {"machine": where, "cases": [asdict(case) for case in cases]}
    (RESULTS / "transfers.json").write_text(json.dumps(figures, indent=2) + "\n")
    (RESULTS / "transfers.md").write_text(table(where, cases))
    for case in cases:
        values = [(name, value, f"{value:.3f} s") for name, value in case.seconds.items()]
        (RESULTS / f"{case.name}.svg").write_text(bars(case.title, case.subtitle, values, OURS))


def main() -> None:
    """Measure all cases, and fail if one misses its target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", required=True, help="Python with the official client")
    parser.add_argument("--quick", action="store_true", help="little data, and no results written")
    options = parser.parse_args()
    cases = []
    with tempfile.TemporaryDirectory(prefix="ftrack-rs-bench-") as folder:
        # Built before anything is measured.
        native_program()
        for case in Bench(options.reference, Path(folder), options.quick).cases():
            print(line(case), flush=True)
            cases.append(case)
    if not options.quick:
        publish_results(cases)
    sys.exit(0 if options.quick or all(case.is_met for case in cases) else 1)


if __name__ == "__main__":
    main()
