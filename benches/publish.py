"""Measures a publish of many versions beside the same work with the official client.

10 versions with 5 components of 20 frames each go to an embedded server that answers 20 ms late, as
a server elsewhere does. The official client does it the way its documentation shows: one version
after the other, one `create_component` after the other. ftrack-rs describes everything and
publishes it at once. Both run in a process of their own; the calls are those that the server has
counted. Nothing is asserted: a benchmark reports.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ftrack_rs.sandbox import Sandbox

VERSIONS, COMPONENTS, FRAMES, FRAME_BYTES = 10, 5, 20, 200_000
LATENCY = 20

OFFICIAL = """
import json, sys, time
import ftrack_api

session = ftrack_api.Session()
task_id, patterns = sys.argv[1], json.loads(sys.argv[2])
task = session.get("Task", task_id)
server = session.query("Location where name is 'ftrack.server'").one()
kind = session.query("AssetType where name is 'Upload'").first()
started = time.perf_counter()
for number, components in enumerate(patterns):
    data = {"name": f"official{number}", "type": kind, "parent": task["parent"]}
    asset = session.create("Asset", data)
    version = session.create("AssetVersion", {"asset": asset, "task": task})
    session.commit()
    for name, pattern in components.items():
        version.create_component(pattern, {"name": name}, location=server)
print(time.perf_counter() - started)
"""

OURS = """
import json, sys, time
import ftrack_rs

session = ftrack_rs.Session()
task_id, patterns = sys.argv[1], json.loads(sys.argv[2])
started = time.perf_counter()
with session.publisher() as publisher:
    for number, components in enumerate(patterns):
        version = publisher.version(f"ours{number}", task=task_id)
        for name, pattern in components.items():
            version.component(name, pattern)
print(time.perf_counter() - started)
"""


def main() -> None:
    """Write the frames, run both clients and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", required=True, help="Python with the official client")
    parser.add_argument("--rounds", type=int, default=1, help="rounds of each client (default 1)")
    options = parser.parse_args()
    size = VERSIONS * COMPONENTS * FRAMES * FRAME_BYTES / 1e6
    print(
        f"\npublish {VERSIONS} versions x {COMPONENTS} components x {FRAMES} frames, {size:.0f} MB"
    )
    with tempfile.TemporaryDirectory() as folder:
        patterns = write_frames(Path(folder))
        for round_ in range(options.rounds):
            official = measure(options.reference, OFFICIAL, patterns)
            ours = measure(sys.executable, OURS, patterns)
            print(f"round {round_ + 1}")
            for name, (seconds, calls, uploads) in (("official", official), ("ftrack-rs", ours)):
                print(f"  {name:10} {seconds:8.2f} s {calls:6} API calls {uploads:6} uploads")
            print(f"  {official[0] / ours[0]:.1f} times faster")


def write_frames(folder: Path) -> list[dict[str, str]]:
    """Write the files; returns the sequences of each version, by the name of the component."""
    versions = []
    for version in range(VERSIONS):
        components = {}
        for component in range(COMPONENTS):
            name = f"v{version}c{component}"
            for frame in range(FRAMES):
                (folder / f"{name}.{frame:04}.exr").write_bytes(os.urandom(FRAME_BYTES))
            components[f"part{component}"] = f"{folder}/{name}.%04d.exr [0-{FRAMES - 1}]"
        versions.append(components)
    return versions


def measure(python: str, program: str, patterns: list[dict[str, str]]) -> tuple[float, int, int]:
    """Run a client against a new server; returns seconds, API calls and uploads."""
    with Sandbox() as sandbox:
        with sandbox.session() as session:
            task = session.query('Task where parent.name is "des_040"').first()["id"]
        for endpoint in ("api", "upload"):
            sandbox.fault(endpoint, latency=LATENCY)
        sandbox.clear_calls()
        done = subprocess.run(
            [python, "-c", program, task, json.dumps(patterns)],
            env={**os.environ, **sandbox.env()},
            check=True,
            capture_output=True,
            text=True,
        )
        uploads = len(sandbox.calls(endpoint="upload"))
        return float(done.stdout), len(sandbox.calls()), uploads


if __name__ == "__main__":
    main()
