"""The official client judges the embedded server.

Every scenario must pass there as it does on ftrack.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
from pathlib import Path

import pytest

from ftrack_rs import _core
from ftrack_rs.sandbox import Sandbox, find_ffmpeg

HERE = Path(__file__).parent


def scenario_names() -> list[str]:
    """Names of the decorated functions, read without importing the official client."""
    names = []
    for path in sorted((HERE / "scenarios").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        names += [f"{path.stem}.{node.name}" for node in functions if is_scenario(node)]
    return names


def is_scenario(function: ast.FunctionDef) -> bool:
    """Return whether a function is decorated as a scenario."""
    return any(
        isinstance(mark, ast.Name) and mark.id == "scenario" for mark in function.decorator_list
    )


def draw_movie(folder: Path) -> str:
    """Return the path of a movie of one second; empty where there is no program to make it."""
    ffmpeg = find_ffmpeg()
    if ffmpeg is None:
        return ""
    _core.draw_frames(str(folder), "frame", 25, 160, 90)
    movie = folder / "movie.mov"
    frames = ["-framerate", "25", "-start_number", "1001", "-i", str(folder / "frame.%04d.png")]
    subprocess.run([ffmpeg, "-v", "error", *frames, str(movie)], check=True)
    return str(movie)


@pytest.fixture(scope="module")
def outcomes(reference_python: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run all scenarios in one process of the official client; failures by name."""
    folder = tmp_path_factory.mktemp("reference")
    (still,) = _core.draw_frames(str(folder), "still", 1, 320, 180)
    with Sandbox() as sandbox:
        environment = dict(os.environ, **sandbox.env())
        environment["FTRACK_API_SCHEMA_CACHE_PATH"] = str(folder)
        environment["SCENARIO_STILL"] = str(still)
        environment["SCENARIO_MOVIE"] = draw_movie(tmp_path_factory.mktemp("movie"))
        finished = subprocess.run(
            [reference_python, "-m", "scenarios"],
            cwd=HERE,
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
