"""What the documentation shows works as it stands there."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from ftrack_rs import Session, _core
from ftrack_rs.sandbox import Sandbox, find_ffmpeg

ROOT = Path(__file__).parents[1]


def example(document: str, containing: str) -> str:
    """Return the first Python block of *document* with *containing* in it."""
    text = (ROOT / document).read_text(encoding="utf-8")
    blocks: list[str] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return next(block for block in blocks if containing in block)


@pytest.fixture
def renders(tmp_path: Path) -> Path:
    """A folder with the frames and the movie that the quickstart publishes."""
    _core.draw_frames(str(tmp_path), "des_040", 48, 64, 36)
    ffmpeg = find_ffmpeg()
    if ffmpeg is None:
        pytest.fail("imageio-ffmpeg, which brings an ffmpeg, is part of the test set-up")
    command = [ffmpeg, "-loglevel", "error", "-start_number", "1001"]
    command += ["-i", f"{tmp_path}/des_040.%04d.png", f"{tmp_path}/des_040.mov"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return tmp_path


def finish(session: Session, job: Any) -> str:
    """Wait for the end of an encode job and return its status."""
    for _ in range(600):
        session.populate(job, "status, data")
        if job["status"] in ("done", "failed"):
            break
        threading.Event().wait(0.05)
    return str(job["status"])


def test_the_quickstart_publishes_and_encodes(renders: Path) -> None:
    code = example("README.md", "encode_media").replace("/renders", renders.as_posix())
    code += "    outcome = inspect(session, version, job)\n"
    seen: dict[str, Any] = {"inspect": inspect}
    exec(compile(code, "README.md", "exec"), seen)
    status, names, thumbnail = seen["outcome"]
    assert status == "done"
    assert {"main", "ftrackreview-mp4", "thumbnail"} <= names
    assert thumbnail


@pytest.mark.parametrize("document", ["README.md", "docs/publishing.md"])
def test_a_described_publish_runs(
    session: Session, task: Any, renders: Path, document: str
) -> None:
    (renders / "model.abc").write_text("vertices")
    code = example(document, "session.publisher()")
    code = code.replace("/renders", renders.as_posix())
    exec(compile(code, document, "exec"), {"session": session, "task": task})
    versions = session.query(f"AssetVersion where task_id is {task['id']}").all()
    assert "lighting" in {version["asset"]["name"] for version in versions}


def inspect(session: Session, version: Any, job: Any) -> tuple[str, set[str], Any]:
    """Return how the encode ended, what the version holds now, and its thumbnail."""
    status = finish(session, job)
    assert status == "done", json.loads(job["data"])
    session.populate(version, "components.name, thumbnail_id")
    names = {component["name"] for component in version["components"]}
    return status, names, version["thumbnail_id"]


def test_the_server_starts_as_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = example("README.md", "data_dir=").replace("port=8080", "port=0")
    seen: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), seen)
    assert isinstance(seen["sandbox"], Sandbox)
    assert (tmp_path / "site").is_dir()


def test_guesses_about_the_server_are_found_by_one_word() -> None:
    lines = [
        (f"{source.relative_to(ROOT)}:{number}: {line.strip()}", line)
        for source in (ROOT / "src").rglob("*.rs")
        for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), 1)
        if re.search("//.*guess", line, re.IGNORECASE)
    ]
    assert len(lines) > 40
    assert [place for place, line in lines if "Guess: " not in line] == []
