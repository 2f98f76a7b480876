"""Measures the hot paths of ftrack-rs beside the official client, on identical canned answers.

Where `compare.py` times whole programs against a server that works for them, here the server is
`canned_server.py`, which only sends prepared bytes: what is left is what a client does itself.
Each client and the server have a process of their own. Figures are the medians of the rounds, and
the ratio is how many times faster ftrack-rs is, by the clock and by the time of the processor,
which a busy machine disturbs less. Nothing is asserted: a benchmark reports.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from compare import TASKS, create_tasks, run

from ftrack_rs.sandbox import Sandbox

SERVER = Path(__file__).with_name("canned_server.py")
CASES = {
    "new_query": f"query {TASKS:,} rows x 8 projections, 3 references",
    "same_query": "the same again from a warm cache",
    "first_read": f"{5 * TASKS:,} first reads, 3 of 5 of references",
    "next_read": f"{5 * TASKS:,} further reads of scalars",
    "write": f"1,000 creates and a commit, {TASKS + 1_000:,} cached",
}


def main() -> None:
    """Prepare the answers, run both clients and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", required=True, help="Python with the official client")
    parser.add_argument("--rounds", type=int, default=9, help="rounds of ftrack-rs (default 9)")
    parser.add_argument("--reference-rounds", type=int, default=3, help="of the other (default 3)")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f}"
    print(f"{machine}, Python {platform.python_version()}")
    print(f"\n{'':50}{'official':>10}{'ftrack-rs':>11}{'ratio':>9}{'processor':>11}")
    with Sandbox() as sandbox:
        with sandbox.session() as session:
            project = create_tasks(session)
        with canned(sandbox) as url:
            environment = {**sandbox.env(), "FTRACK_SERVER": url}
            # This case sends all that is ever sent: from now on the server knows every answer.
            for python, module, _ in clients(options):
                run(environment, python, module, "write", project, 1)
            for case in CASES:
                compare(options, environment, case, project)
            compare_memory(options, environment, project)


@contextlib.contextmanager
def canned(sandbox: Sandbox) -> Iterator[str]:
    """Run the server of canned answers; gives its address."""
    command = [sys.executable, str(SERVER), sandbox.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def clients(options: argparse.Namespace) -> list[tuple[str, str, int]]:
    """Return the Python, the module and the rounds of each client."""
    return [
        (options.reference, "ftrack_api", options.reference_rounds),
        (sys.executable, "ftrack_rs", options.rounds),
    ]


def both(
    options: argparse.Namespace, environment: dict[str, str], case: str, project: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the case gives with the official client, and with ours."""
    reference, ours = (
        run(environment, python, module, case, project, rounds)
        for python, module, rounds in clients(options)
    )
    assert reference["rows"] == ours["rows"], (reference, ours)
    return reference, ours


def compare(
    options: argparse.Namespace, environment: dict[str, str], case: str, project: str
) -> None:
    """Run one case with both clients and print its row."""
    reference, ours = both(options, environment, case, project)
    slow, fast = (statistics.median(outcome["seconds"]) for outcome in (reference, ours))
    busy, idle = (statistics.median(outcome["processor"]) for outcome in (reference, ours))
    ratios = f"{slow / fast:8.1f}x{busy / idle:10.1f}x"
    print(f"{CASES[case]:50}{slow:9.3f}s{fast:10.4f}s{ratios}", flush=True)


def compare_memory(options: argparse.Namespace, environment: dict[str, str], project: str) -> None:
    """Print how much memory each row of the query takes."""
    reference, ours = both(options, environment, "memory", project)
    large, small = (outcome["bytes_a_row"] / 1000 for outcome in (reference, ours))
    print(f"{'memory a row':50}{large:8.2f}kB{small:9.2f}kB{large / small:8.1f}x")


if __name__ == "__main__":
    main()
