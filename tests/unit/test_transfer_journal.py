from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from ftrack_rs import Session, Transfer, cli, journal, symbol, transfers
from ftrack_rs._core import Journal
from ftrack_rs.sandbox import Sandbox

#: Nine frames of this size are worth noting.
FRAME = 8 * 1024 * 1024
FRAMES = 9


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "state"
    monkeypatch.setenv("FTRACK_RS_STATE_PATH", str(path))
    return path


@pytest.fixture
def render(tmp_path: Path) -> tuple[str, list[Path]]:
    """A sequence that is worth noting; the files are sparse."""
    files = [tmp_path / f"render.{index:04}.exr" for index in range(1, FRAMES + 1)]
    for index, path in enumerate(files):
        with open(path, "wb") as file:
            file.write(bytes([index + 1]))
            file.truncate(FRAME)
    return f"{tmp_path}/render.%04d.exr [1-{FRAMES}]", files


PUBLISH = """
import sys
from ftrack_rs import Session, symbol
from ftrack_rs._core import Journal
from ftrack_rs.entity.location import Location

arrived = int(sys.argv[3])

def tell():
    print("now", flush=True)
    sys.stdin.read()

def look(progress):
    if sum(transfer["finished_bytes"] for transfer in Journal().unfinished()) == arrived:
        tell()

def registered(location, *_):
    if location["id"] == symbol.SERVER_LOCATION_ID:
        tell()

# The first thing that is done when the component is registered.
Location._publish = registered

session = Session(schema_cache_path=False, plugin_paths=[])
version = session.get("AssetVersion", sys.argv[1])
location = session.get("Location", symbol.SERVER_LOCATION_ID)
version.create_component(sys.argv[2], {"name": "main"}, location=location, on_progress=look)
"""

#: More files than there are: the process is killed when the component is registered.
REGISTERED = FRAMES + 1


def publish_and_kill(sandbox: Sandbox, version: Any, path: str, arrived: int) -> None:
    """Publish in a process that is killed once so many frames, or as much, have *arrived*."""
    process = subprocess.Popen(
        [sys.executable, "-c", PUBLISH, version["id"], path, str(arrived * FRAME)],
        env={**os.environ, **sandbox.env()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        assert process.stdout.readline() == "now\n"
        process.send_signal(signal.SIGKILL)


@pytest.fixture
def broken_off(
    sandbox: Sandbox, version: Any, render: tuple[str, list[Path]]
) -> tuple[str, list[Path]]:
    """A sequence of which four frames arrived when its process was killed."""
    sandbox.clear_calls()
    sandbox.fault("upload", "black_hole", skip=4)
    publish_and_kill(sandbox, version, render[0], arrived=4)
    sandbox.clear_faults()
    return render


def uploads(sandbox: Sandbox) -> list[str]:
    """Return the paths of the uploads that succeeded, which tell the components."""
    return [call["path"] for call in sandbox.calls(endpoint="upload") if call["status"] == 200]


def test_the_same_call_continues_after_a_kill(
    sandbox: Sandbox,
    other_session: Session,
    version: Any,
    server_location: Any,
    broken_off: tuple[str, list[Path]],
) -> None:
    path, _ = broken_off
    assert len(uploads(sandbox)) == 4
    assert other_session.query(f"Component where version_id is {version['id']}").all() == []
    component = version.create_component(path, {"name": "main"}, location=server_location)
    assert len(uploads(sandbox)) == len(set(uploads(sandbox))) == FRAMES
    assert_published(component, server_location)
    assert Journal().unfinished() == []


def assert_published(component: Any, location: Any) -> None:
    assert location.get_component_availability(component) == 100.0
    assert len(component["members"]) == FRAMES
    for member in component["members"]:
        content = location.accessor.open(member["id"])
        assert content.read(1) == bytes([int(member["name"])])


def test_parts_that_arrived_are_kept(
    sandbox: Sandbox, version: Any, server_location: Any, tmp_path: Path
) -> None:
    movie = tmp_path / "movie.mov"
    with open(movie, "wb") as file:
        # Parts are as large as frames.
        file.truncate(FRAMES * FRAME + 1)
        file.write(b"head")
        file.seek(FRAMES * FRAME - 4)
        file.write(b"tail")
    sandbox.clear_calls()
    sandbox.fault("upload", "black_hole", skip=4)
    publish_and_kill(sandbox, version, str(movie), arrived=4)
    sandbox.clear_faults()
    assert len(uploads(sandbox)) == 4
    component = version.create_component(movie, {"name": "main"}, location=server_location)
    assert len(uploads(sandbox)) == FRAMES + 1
    assert server_location.accessor.open(component["id"]).read() == movie.read_bytes()
    assert Journal().unfinished() == []


def test_frames_that_were_rendered_again_are_sent_again(
    sandbox: Sandbox, version: Any, server_location: Any, broken_off: tuple[str, list[Path]]
) -> None:
    path, files = broken_off
    for index, file in enumerate(files, 1):
        file.write_bytes(bytes([index]) * FRAME)
    component = version.create_component(path, {"name": "main"}, location=server_location)
    assert len(uploads(sandbox)) == 4 + FRAMES
    assert_published(component, server_location)


def test_another_call_starts_anew(
    sandbox: Sandbox, version: Any, server_location: Any, broken_off: tuple[str, list[Path]]
) -> None:
    path, _ = broken_off
    version.create_component(path, {"name": "other"}, location=server_location)
    assert len(uploads(sandbox)) == 4 + FRAMES
    (transfer,) = Journal().unfinished()
    assert (transfer["finished_files"], transfer["is_running"]) == (4, False)


def test_what_was_registered_is_not_made_twice(
    sandbox: Sandbox,
    other_session: Session,
    version: Any,
    server_location: Any,
    render: tuple[str, list[Path]],
) -> None:
    publish_and_kill(sandbox, version, render[0], arrived=REGISTERED)
    (existing,) = other_session.query(
        f"SequenceComponent where version_id is {version['id']}"
    ).all()
    component = version.create_component(render[0], {"name": "main"}, location=server_location)
    assert component["id"] == existing["id"]
    assert not version.session.recorded_operations
    assert_published(component, server_location)
    assert Journal().unfinished() == []
    again = version.create_component(render[0], {"name": "main"}, location=server_location)
    assert again["id"] != existing["id"]


@pytest.mark.parametrize("reason", ["small", "switched off", "not committed", "own id"])
def test_what_is_not_worth_it_leaves_nothing_behind(
    session: Session,
    version: Any,
    server_location: Any,
    render: tuple[str, list[Path]],
    state: Path,
    reason: str,
) -> None:
    path, files = render
    data: dict[str, Any] = {"name": "main", "version": version}
    if reason == "small":
        os.truncate(files[0], 1)
        os.truncate(files[1], 1)
    elif reason == "not committed":
        data["version"] = session.create("AssetVersion", {"asset": version["asset"]})
    elif reason == "own id":
        data["id"] = str(uuid4())
    with Transfer(journal=reason != "switched off"):
        session.create_component(path, data, location=server_location)
    assert not state.exists()


def test_a_journal_that_cannot_be_used_is_a_warning(
    version: Any,
    server_location: Any,
    render: tuple[str, list[Path]],
    state: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    state.write_text("no folder")
    version.create_component(render[0], {"name": "main"}, location=server_location)
    (message,) = caplog.messages
    assert message.startswith("A transfer could not be resumed should it break off: ")
    assert str(state) in message


def test_values_survive_the_process(session: Session, version: Any) -> None:
    values = {
        "name": "main",
        "version": version,
        "metadata": {"a": "1"},
        "list": [1, None, version],
    }
    assert journal.restored(session, json.loads(json.dumps(journal.portable(values)))) == values
    for unknown in (object(), session.create("Note", {}), {"a": [b"bytes"]}):
        with pytest.raises(TypeError):
            journal.portable(unknown)
    with pytest.raises(ValueError, match=r"Task nowhere is no longer there"):
        journal.restored(session, {"entity": ["Task", ["nowhere"]]})


def test_the_command_line_lists_and_resumes(
    sandbox: Sandbox,
    other_session: Session,
    version: Any,
    broken_off: tuple[str, list[Path]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, _ = broken_off
    for name, value in sandbox.env().items():
        monkeypatch.setenv(name, value)
    assert cli.main(["transfers", "list"]) == 0
    listed = capsys.readouterr().out
    assert f"broken off, 4 of {FRAMES} files (33.6 MB of 75.5 MB)  {path}" in listed
    assert sandbox.api_key not in listed
    assert cli.main(["transfers", "resume"]) == 0
    assert len(uploads(sandbox)) == FRAMES
    component = other_session.query(f"SequenceComponent where version_id is {version['id']}").one()
    location = other_session.get("Location", symbol.SERVER_LOCATION_ID)
    assert_published(component, location)
    assert component["id"] in capsys.readouterr().out
    assert cli.main(["transfers", "list"]) == 0
    assert capsys.readouterr().out == "all transfers came to their end\n"


def test_what_others_took_up_meanwhile_is_not_begun_anew(
    sandbox: Sandbox,
    other_session: Session,
    version: Any,
    broken_off: tuple[str, list[Path]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (listed,) = Journal().unfinished()
    for name, value in sandbox.env().items():
        monkeypatch.setenv(name, value)
    assert cli.main(["transfers", "resume"]) == 0
    # Whoever lists the transfers before that is late now.
    stale = SimpleNamespace(unfinished=lambda: [listed])
    monkeypatch.setattr(transfers, "Journal", lambda: stale)
    capsys.readouterr()
    assert cli.main(["transfers", "resume"]) == 0
    assert capsys.readouterr().out == f"{listed['id']} is running, or has come to its end\n"
    found = other_session.query(f"SequenceComponent where version_id is {version['id']}").all()
    assert len(found) == 1
    assert Journal().unfinished() == []


def test_the_command_line_forgets(
    broken_off: tuple[str, list[Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    (transfer,) = Journal().unfinished()
    assert cli.main(["transfers", "clean", "nonsense"]) == 1
    assert "no unfinished transfer nonsense" in capsys.readouterr().err
    assert cli.main(["transfers", "clean", transfer["id"]]) == 0
    assert capsys.readouterr().out == f"forgot {transfer['id']}\n"
    assert Journal().unfinished() == []


def test_transfers_of_others_are_not_resumed(
    sandbox: Sandbox,
    broken_off: tuple[str, list[Path]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Sandbox() as other:
        for name, value in other.env().items():
            monkeypatch.setenv(name, value)
        (transfer,) = Journal().unfinished()
        assert cli.main(["transfers", "resume", transfer["id"]]) == 1
    assert f"belongs to {sandbox.api_user} at {sandbox.url}" in capsys.readouterr().err
