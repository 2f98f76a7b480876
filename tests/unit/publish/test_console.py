from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ftrack_rs import Session, cli
from ftrack_rs.publish.console import component_names, task_reference
from ftrack_rs.sandbox import Sandbox


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    path.write_text("notes")
    return path


@pytest.fixture(autouse=True)
def environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in sandbox.env().items():
        monkeypatch.setenv(name, value)


def publish(*arguments: Any) -> int:
    return cli.main(["publish", *map(str, arguments)])


def test_files_are_published_and_listed(
    capsys: pytest.CaptureFixture[str],
    session: Session,
    task: Any,
    frames: tuple[str, list[Path]],
    notes: Path,
) -> None:
    arguments = [frames[0], notes, "--task", task["id"], "--asset", "comp", "--type", "Render"]
    assert publish(*arguments, "--comment", "from a shell") == 0
    output = capsys.readouterr().out
    (version,) = session.query(f"AssetVersion where task_id is {task['id']}")
    assert f"comp v001  {session.server_url}/#slideEntityType" in output
    assert version["comment"] == "from a shell"
    assert sorted(item["name"] for item in version["components"]) == ["notes", "render"]
    assert publish(*arguments, "--comment", "from a shell") == 0
    assert "nothing was done" in capsys.readouterr().out


def test_a_dry_run_shows_the_plan(
    capsys: pytest.CaptureFixture[str], session: Session, task: Any, notes: Path
) -> None:
    arguments = ["--task", task["id"], "--asset", "comp", "--dry-run"]
    assert publish(notes, *arguments) == 0
    assert "send to ftrack.server" in capsys.readouterr().out
    assert publish(notes.with_name("missing"), *arguments, "--json") == 1
    (conflict,) = json.loads(capsys.readouterr().out)["conflicts"]
    assert conflict["kind"] == "file"
    assert session.query(f"AssetVersion where task_id is {task['id']}").all() == []


def test_machines_read_json(
    capsys: pytest.CaptureFixture[str], task: Any, notes: Path, sandbox: Sandbox
) -> None:
    arguments = [notes, "--task", task["id"], "--asset", "comp", "--json"]
    sandbox.fault("upload", "expired")
    assert publish(*arguments) == 1
    sandbox.clear_faults()
    answer = json.loads(capsys.readouterr().out)
    assert answer["published"] is False
    assert {node["state"] for node in answer["nodes"]} == {"failed"}
    assert publish(*arguments) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["published"] is True
    assert answer["versions"][0]["number"] == 1


def test_tasks_are_found_by_id_page_and_names() -> None:
    identity = "44dd9fb2-4164-11df-9218-0019bb4983d8"
    page = f"https://studio.example.com/#slideEntityType=task&slideEntityId={identity}"
    assert task_reference(identity) == task_reference(page) == identity
    assert task_reference("film/sh010/lighting") == (
        'Task where name is "lighting" and parent.name is "sh010" and parent.parent.name is "film"'
    )


def test_components_are_called_like_their_files() -> None:
    assert component_names(["/a/b.exr"]) == ["main"]
    assert component_names(["/a/b.%04d.exr [1-2]", "c.v001.mov"]) == ["b", "c.v001"]
