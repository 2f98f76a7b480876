"""What the command shows of a publish while it runs, and at its end."""

from __future__ import annotations

import io
import json
import re
import shlex
import threading
from pathlib import Path
from typing import Any

import pytest

from ftrack_rs import Session, Transfer, cli
from ftrack_rs.publish import NodeEvent
from ftrack_rs.publish.console import Bars, component_names, task_reference
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
    title, line, *components = (line.split() for line in output.splitlines())
    assert title == ["VERSION", "NUMBER", "ID", "URL"]
    assert line[:3] == ["comp", "v001", version["id"]]
    assert line[3].startswith(f"{session.server_url}/#slideEntityType")
    assert sorted(name for name, _ in components) == ["notes", "render"]
    assert version["comment"] == "from a shell"
    assert sorted(item["name"] for item in version["components"]) == ["notes", "render"]
    assert publish(*arguments, "--comment", "from a shell") == 0
    assert "nothing was done" in capsys.readouterr().out
    assert publish(*arguments, "--comment", "from a shell", "--force") == 0
    assert "v002" in capsys.readouterr().out


def test_text_is_no_reviewable(
    capsys: pytest.CaptureFixture[str], session: Session, task: Any, notes: Path
) -> None:
    assert publish(notes, "--task", task["id"], "--asset", "comp", "--reviewable") == 1
    said = f"ftrack-rs: A reviewable is a movie or a picture, which '{notes}' is not."
    assert said in capsys.readouterr().err
    assert not session.query(f"AssetVersion where task_id is {task['id']}").all()


def test_what_was_published_is_announced(session: Session, task: Any, notes: Path) -> None:
    seen: list[Any] = []
    session.event_hub.connect()
    session.event_hub.subscribe("topic=ftrack_rs.publish.done", seen.append)
    assert publish(notes, "--task", task["id"], "--asset", "comp") == 0
    while not seen:
        session.event_hub.wait(0.05)
    ((announced,),) = [event["data"]["versions"] for event in seen]
    assert announced["number"] == 1


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


def test_bars_show_the_files_that_move_and_all_of_them() -> None:
    class Terminal(io.StringIO):
        drawn = threading.Event()

        def isatty(self) -> bool:
            return True

        def flush(self) -> None:
            self.drawn.set()

    transfer, stream = Transfer(), Terminal()
    bars = Bars(stream, transfer)
    passed = transfer._control.passed_files([("/r/a.exr", 100), ("/r/b.exr", 300)])
    passed.admit(1, 200)
    bars.event(NodeEvent("comp/main", "transferring", None))
    one, total, last = bars.lines(80)
    assert one == "[################--------]  67% b.exr, 300 bytes"
    assert "50%" in total
    assert "0 of 2 files, 200 bytes of 400 bytes" in total
    assert last == "comp/main transferring"
    with bars:
        assert stream.drawn.wait(timeout=10)
    assert "comp/main transferring" in stream.getvalue()
    # Nothing is left of it.
    assert stream.getvalue().endswith("\x1b[3F\x1b[J")


def test_tasks_are_found_by_id_page_and_names() -> None:
    identity = "44dd9fb2-4164-11df-9218-0019bb4983d8"
    page = f"https://studio.example.com/#slideEntityType=task&slideEntityId={identity}"
    assert task_reference(identity) == task_reference(page) == identity
    assert task_reference("film/sh010/lighting") == (
        'Task where name is "lighting" and parent.name is "sh010" and parent.parent.name is "film"'
    )
    assert task_reference("film / sh010 / lighting") == task_reference("film/sh010/lighting")
    assert task_reference('12" reel\\') == 'Task where name is "12\\" reel\\\\"'


def test_components_are_called_like_their_files() -> None:
    assert component_names(["/a/b.exr"]) == ["main"]
    assert component_names(["/a/b.%04d.exr [1-2]", "c.v001.mov"]) == ["b", "c.v001"]


def test_components_whose_files_are_called_the_same_have_names_of_their_own() -> None:
    assert component_names(["render.%04d.exr [1-48]", "render.mov"]) == ["render_exr", "render_mov"]
    assert component_names(["a/Main.exr", "b/main.exr"]) == ["Main_exr", "main_exr_2"]
    assert component_names(["a/main", "b/main"]) == ["main", "main_2"]
    # The server has these names for components of its own.
    assert component_names(["thumbnail.png", "reviewable"]) == ["thumbnail_png", "reviewable_2"]


def test_the_command_of_the_documentation_publishes(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    session: Session,
    task: Any,
    frames: tuple[str, list[Path]],
    tmp_path: Path,
) -> None:
    text = (Path(__file__).parents[3] / "docs" / "publishing.md").read_text(encoding="utf-8")
    (line,) = re.findall("^ftrack-rs publish (.*)$", text, re.MULTILINE)
    arguments = shlex.split(line)
    arguments[arguments.index("--task") + 1] = task["id"]
    (tmp_path / "render.mov").write_bytes(b"not really a movie")
    monkeypatch.chdir(tmp_path)
    assert publish(*arguments, "--dry-run", "--json") == 0, capsys.readouterr()
    plan = json.loads(capsys.readouterr().out)
    components = plan["versions"][0]["components"]
    assert [component["name"] for component in components] == ["render_exr", "render_mov"]
