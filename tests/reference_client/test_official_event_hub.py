"""The official client's event hub judges the event server.

Every scenario must pass there as it does on ftrack.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
from pathlib import Path

import pytest

from ftrack_rs.sandbox import Sandbox

PROGRAM = Path(__file__).parent / "event_scenarios.py"


def scenario_names() -> list[str]:
    """Names of the decorated functions, read without importing the official client."""
    tree = ast.parse(PROGRAM.read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [node.name for node in functions if node.decorator_list]


@pytest.fixture(scope="module")
def outcomes(reference_python: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run all scenarios in one process of the official client; failures by name."""
    with Sandbox() as sandbox:
        environment = dict(os.environ, **sandbox.env())
        environment["FTRACK_API_SCHEMA_CACHE_PATH"] = str(tmp_path_factory.mktemp("schemas"))
        finished = subprocess.run(
            [reference_python, str(PROGRAM)],
            env=environment,
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
    assert name in outcomes, "the official client stopped before this scenario"
    assert outcomes[name] is None, outcomes[name]
