"""Measures ftrack-rs beside the official client.

Both run the same programs against the same embedded server in one run. The server lives in this
process and each client in a process of its own, so neither pays for the other. Figures are the
medians of the rounds; the ratio is how many times faster ftrack-rs is. Nothing is asserted: a
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
import tempfile
import uuid
from pathlib import Path
from typing import Any

from machine import settle

from ftrack_rs import Session
from ftrack_rs.sandbox import Sandbox

PROGRAM = Path(__file__).with_name("client_program.py")
TASKS = 10_000
FRAMES, FRAME_BYTES = 50, 1_000_000
BATCH = 1_000
# One round alone may be the one in which the disk was busy.
REFERENCE_ROUNDS = 3


def main() -> None:
    """Prepare the data, run both clients and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", required=True, help="Python with the official client")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of ftrack-rs (default 5)")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        with sandbox.session() as session:
            project = create_tasks(session)
        pattern = write_frames(Path(folder))
        print(f"\n{'':44}{'official':>10}{'ftrack-rs':>11}{'ratio':>8}{'calls':>14}")
        compare(options, sandbox, f"query {TASKS} tasks with 3 references", "query", project)
        compare(options, sandbox, f"upload a sequence of {FRAMES} x 1 MB", "upload", pattern)


def create_tasks(session: Session) -> str:
    """Create a project with TASKS tasks below 100 shots; returns its id."""
    schema = session.query("ProjectSchema").first()
    name = f"bench_{uuid.uuid4().hex[:6]}"
    project = session.create("Project", {"name": name, "full_name": name, "project_schema": schema})
    shots = [session.create("Shot", {"name": f"sh{n:03}", "parent": project}) for n in range(100)]
    session.commit()
    for start in range(0, TASKS, BATCH):
        for number in range(start, start + BATCH):
            parent = shots[number % len(shots)]
            session.create("Task", {"name": f"task{number:05}", "parent": parent})
        session.commit()
    return str(project["id"])


def write_frames(folder: Path) -> str:
    """Write FRAMES files of FRAME_BYTES random bytes; returns the sequence path."""
    for number in range(1, FRAMES + 1):
        (folder / f"frame.{number:04}.exr").write_bytes(os.urandom(FRAME_BYTES))
    return f"{folder}/frame.%04d.exr [1-{FRAMES}]"


def compare(
    options: argparse.Namespace, sandbox: Sandbox, title: str, case: str, argument: str
) -> None:
    """Run one case with both clients and print its row.

    The official client deletes a temporary file for each that it sends, after which some file
    systems take several times as long to create new ones: it comes second.
    """
    settle()
    before = len(sandbox.calls())
    ours = run(sandbox.env(), sys.executable, "ftrack_rs", case, argument, options.rounds)
    between = len(sandbox.calls())
    reference = run(
        sandbox.env(), options.reference, "ftrack_api", case, argument, REFERENCE_ROUNDS
    )
    after = len(sandbox.calls())
    assert reference["rows"] == ours["rows"], (reference, ours)
    slow, fast = statistics.median(reference["seconds"]), statistics.median(ours["seconds"])
    calls = f"{(after - between) // REFERENCE_ROUNDS} / {(between - before) // options.rounds}"
    print(f"{title:44}{slow:9.3f}s{fast:10.3f}s{slow / fast:7.1f}x{calls:>14}")


def run(
    server: dict[str, str], python: str, module: str, case: str, argument: str, rounds: int
) -> dict[str, Any]:
    """Run the program with one client; *server* names the server. Returns what it printed."""
    command = [python, str(PROGRAM), module, case, argument, str(rounds)]
    environment = dict(os.environ, **server)
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise SystemExit(f"{module} failed:\n{finished.stderr}")
    outcome: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return outcome


if __name__ == "__main__":
    main()
