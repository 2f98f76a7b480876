"""The hub passes every scenario that the official client's hub passes, with the same program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ftrack_rs.sandbox import Sandbox

PROGRAM = Path(__file__).parents[1] / "reference_client" / "event_scenarios.py"


def test_the_scenarios_of_the_official_client_pass(sandbox: Sandbox) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "ftrack_rs", "run", str(PROGRAM)],
        env=dict(os.environ, **sandbox.env()),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    lines = [json.loads(line) for line in finished.stdout.splitlines() if line.startswith("{")]
    assert lines, finished.stderr
    failures = {line["name"]: line["failure"] for line in lines if line["failure"]}
    assert failures == {}
