"""Memory stays flat however many events pass, and none is lost, repeated or out of order."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SOAK = Path(__file__).parents[3] / "benches" / "event_soak.py"


def test_nothing_is_lost_and_memory_stays_flat() -> None:
    # The short form of `make soak`. How quick events are is for that to judge.
    command = [sys.executable, str(SOAK), "--seconds", "20", "--rate", "300", "--json"]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert finished.returncode == 0, finished.stderr
    outcome = json.loads(finished.stdout)
    assert outcome["events"] > 12_000
    assert (outcome["lost"], outcome["misplaced"]) == (0, 0)
    assert max(outcome["hub_growth"], outcome["server_growth"]) <= 2 << 20
