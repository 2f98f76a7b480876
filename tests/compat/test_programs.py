"""Every program gives the same with this client as with the official one.

Both run all programs in one process each, with a server of their own that starts out the same. A
program that is to give something else stands in `INTENDED`, with its line in docs/differences.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from intended import INTENDED
from runner import load_programs

from ftrack_rs.sandbox import Sandbox

HERE = Path(__file__).parent
NAMES = sorted(load_programs())

pytestmark = pytest.mark.timeout(600)
Outcomes = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def outcomes(
    reference_python: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Outcomes, Outcomes]:
    """What every program gave with the official client, and with this one."""
    with Sandbox() as one, Sandbox() as other:
        official = start(reference_python, "ftrack_api", one, tmp_path_factory)
        own = start(sys.executable, "ftrack_rs", other, tmp_path_factory)
        return finish(official), finish(own)


def start(
    python: str, client: str, sandbox: Sandbox, folders: pytest.TempPathFactory
) -> tuple[subprocess.Popen[bytes], Path]:
    written = folders.mktemp(client) / "outcomes"
    with written.open("wb") as output:
        process = subprocess.Popen(
            [python, str(HERE / "runner.py"), client],
            env={**os.environ, **sandbox.env(), "FTRACK_RS_ALLOW_DEBUG": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return process, written


def finish(started: tuple[subprocess.Popen[bytes], Path]) -> Outcomes:
    process, written = started
    process.wait(timeout=500)
    text = written.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines() if line.startswith('{"name"')]
    assert lines, text
    return {line["name"]: line for line in lines}


@pytest.mark.parametrize("name", NAMES)
def test_program(name: str, outcomes: tuple[Outcomes, Outcomes]) -> None:
    official, own = (side.get(name) for side in outcomes)
    assert official is not None, "the official client stopped before this program"
    assert own is not None, "this client stopped before this program"
    if name in INTENDED:
        assert comparable(own) != comparable(official), "the difference is gone"
    else:
        assert comparable(own) == comparable(official), own["failure"] or official["failure"]


def comparable(outcome: dict[str, Any]) -> dict[str, Any]:
    return {key: outcome[key] for key in ("result", "notes", "writes")}


@pytest.mark.parametrize("name", NAMES)
def test_program_reads_no_more(name: str, outcomes: tuple[Outcomes, Outcomes]) -> None:
    official, own = (side[name] for side in outcomes)
    # Threads that look for the same thing at the same time may each ask for it.
    spare = 16 if "thread" in name else 0
    assert len(own["reads"]) <= len(official["reads"]) + spare


def test_there_are_no_intended_differences_of_programs_that_are_gone() -> None:
    assert set(INTENDED) - set(NAMES) == set()


def test_every_intended_difference_is_documented() -> None:
    text = (HERE.parents[1] / "docs" / "differences.md").read_text(encoding="utf-8")
    headings = {line[4:] for line in text.splitlines() if line.startswith("### ")}
    assert set(INTENDED.values()) - headings == set()
