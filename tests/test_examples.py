"""The examples do what they say."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    return capsys.readouterr().out


def test_a_render_is_published_once(capsys: pytest.CaptureFixture[str]) -> None:
    output = run("publish_render.py", capsys)
    assert "first: v001 published, " in output
    assert "again: v001 was published before" in output


def test_dependencies_are_published_together(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["publish_dependencies.py"])
    output = run("publish_dependencies.py", capsys)
    assert "animation v001, made with rig" in output


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_dask_workers_send_shards(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FTRACK_SERVER", "FTRACK_API_USER", "FTRACK_API_KEY"):
        monkeypatch.setenv(name, "set by the example")
    output = run("dask_publish.py", capsys)
    assert "2 shards sent 48 files: v001" in output
