"""Measures the event hub beside the official client's, in one run.

Each client runs in a process of its own, the embedded server in this one. Figures are the medians
of the rounds. The official client takes half a minute to match 10,000 events with 1,000
subscribers, so it is given fewer, and what it takes for one is multiplied. Nothing is asserted: a
benchmark reports.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

from ftrack_rs.sandbox import Sandbox

PROGRAM = Path(__file__).with_name("event_program.py")
EVENTS = 10_000
CASES = {
    "match": f"match {EVENTS:,} events with 1,000 subscribers",
    "exchange": f"publish and receive {EVENTS:,} events",
}
#: Events that the official client gets.
FEWER = {"match": 200, "exchange": 1_000}


def main() -> None:
    """Run both clients and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", required=True, help="Python with the official client")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of ftrack-rs (default 5)")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f}"
    print(f"{machine}, Python {platform.python_version()}")
    print(f"\n{'':50}{'official':>10}{'ftrack-rs':>11}{'ratio':>9}")
    with Sandbox(seed="empty") as sandbox:
        for case, title in CASES.items():
            slow = seconds(sandbox, options.reference, "ftrack_api", case, FEWER[case], 1)
            fast = seconds(sandbox, sys.executable, "ftrack_rs", case, EVENTS, options.rounds)
            print(f"{title:50}{slow:9.3f}s{fast:10.4f}s{slow / fast:8.1f}x", flush=True)


def seconds(
    sandbox: Sandbox, python: str, module: str, case: str, events: int, rounds: int
) -> float:
    """Run the program with one client and return the seconds that EVENTS events take it."""
    command = [python, str(PROGRAM), module, case, str(events), str(rounds)]
    environment = {**os.environ, **sandbox.env()}
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise SystemExit(f"{module} failed:\n{finished.stderr}")
    outcome = json.loads(finished.stdout.splitlines()[-1])
    assert outcome["called"] == (events if case == "exchange" else events // 10), outcome
    return statistics.median(outcome["seconds"]) * EVENTS / events


if __name__ == "__main__":
    main()
