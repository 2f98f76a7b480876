"""The official JavaScript client judges the embedded server, as the Python client does."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ftrack_rs.sandbox import Sandbox

HERE = Path(__file__).parent
PROGRAM = HERE / "scenarios.mjs"


def scenario_names() -> list[str]:
    """Names of the scenarios, read without node."""
    return re.findall(r"^  async (\w+)\(\) \{$", PROGRAM.read_text(encoding="utf-8"), re.MULTILINE)


def missing(reason: str) -> None:
    """Skip where the client cannot be had; in CI that is a failure."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def node() -> str:
    """Path of node, with the client installed as the lock file says."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        missing("node and npm are not installed here")
    if not (HERE / "node_modules/.package-lock.json").exists():
        install = [str(npm), "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        finished = subprocess.run(install, cwd=HERE, capture_output=True, text=True, check=False)
        if finished.returncode != 0:
            missing(f"npm cannot install @ftrack/api here: {finished.stderr.strip()[-300:]}")
    return str(node)


@pytest.fixture(scope="module")
def outcomes(node: str) -> dict[str, str]:
    """Run all scenarios in one process of node; failures by name."""
    with Sandbox() as sandbox:
        finished = subprocess.run(
            [node, str(PROGRAM)],
            env=dict(os.environ, **sandbox.env()),
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
    lines = [json.loads(line) for line in finished.stdout.splitlines() if line.startswith("{")]
    assert lines, finished.stderr
    return {line["name"]: line["failure"] for line in lines}


@pytest.mark.parametrize("name", scenario_names())
def test_scenario(name: str, outcomes: dict[str, str]) -> None:
    assert name in outcomes, "the client stopped before this scenario"
    assert outcomes[name] is None, outcomes[name]
