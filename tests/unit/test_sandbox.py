from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ftrack_rs import Session, exception
from ftrack_rs.event.base import Event
from ftrack_rs.sandbox import Sandbox, find_ffmpeg


def test_what_is_needed_to_find_it(sandbox: Sandbox) -> None:
    assert sandbox.url.startswith("http://127.0.0.1:")
    assert sandbox.env() == {
        "FTRACK_SERVER": sandbox.url,
        "FTRACK_API_USER": sandbox.api_user,
        "FTRACK_API_KEY": sandbox.api_key,
    }


def test_calls_are_counted(sandbox: Sandbox, session: Session) -> None:
    before = len(sandbox.calls())
    session.query("select id from User limit 1").all()
    (call,) = sandbox.calls()[before:]
    assert call["actions"] == ["query"]
    assert call["request_bytes"] > 0
    assert call["response_bytes"] > 0
    assert call["micros"] >= 0


def test_events_are_logged_as_they_were_published(
    sandbox: Sandbox, session: Session, shot: Any, unique_name: str
) -> None:
    sandbox.clear_calls()
    received: list[Any] = []
    session.event_hub.connect()
    session.event_hub.subscribe(f"topic={unique_name}", received.append)
    event = Event(topic=unique_name, data={"number": 1})
    session.event_hub.publish(event)
    while not received:
        session.event_hub.wait(1)
    (logged,) = sandbox.events(unique_name)
    assert logged["event"]["data"] == {"number": 1}
    assert logged["event"]["id"] == event["id"]
    assert logged["user"] == sandbox.api_user
    assert logged["deliveries"] == 1
    assert logged["published_bytes"] > 0
    assert logged["delivered_bytes"] > 0
    assert logged["refused"] is None
    subscriptions = [
        logged["event"]["data"]["subscription"]
        for logged in sandbox.events("ftrack.meta.subscribe")
    ]
    assert f"topic={unique_name}" in subscriptions
    shot["description"] = "changed"
    session.commit()
    (update,) = sandbox.events("ftrack.update")
    assert update["user"] is None
    sandbox.clear_calls()
    assert sandbox.events() == []


def test_a_temporary_server_leaves_nothing_behind() -> None:
    with Sandbox(seed="empty") as sandbox:
        folder = Path(sandbox.data_dir)
        assert folder.is_dir()
        with sandbox.session() as session:
            assert session.query("Project").all() == []
        url = sandbox.url
    assert not folder.exists()
    with pytest.raises(exception.ServerError, match="Could not reach"):
        Session(url, sandbox.api_key, sandbox.api_user)
    sandbox.stop()


def test_data_survives_a_restart(tmp_path: Path) -> None:
    with Sandbox(data_dir=tmp_path, seed="empty") as sandbox, sandbox.session() as session:
        key = sandbox.api_key
        session.create("User", {"username": "survivor"})
        session.commit()
    with Sandbox(data_dir=tmp_path, seed="empty") as sandbox, sandbox.session() as session:
        assert sandbox.api_key == key
        assert session.query("User where username is survivor").one()


def test_options_reach_the_server(tmp_path: Path) -> None:
    options = {"api_user": "robot", "batch_limit": 3, "body_limit": 5000, "query_depth_limit": 1}
    with Sandbox(seed="empty", host="127.0.0.1", url_expiry=1, **options) as sandbox:
        assert sandbox.api_user == "robot"
        with sandbox.session() as session:
            query = {"action": "query", "expression": "User"}
            assert len(session.call([query] * 3)) == 3
            for refused, problem in (
                ([query] * 4, "3 operations at most"),
                ([{**query, "expression": "User where ((id is a))"}], "1 levels"),
                ([{**query, "expression": "User where id is " + "x" * 5000}], "5000"),
            ):
                with pytest.raises(exception.ServerError, match=problem):
                    session.call(refused)


def test_mails_are_kept(sandbox: Sandbox, session: Session) -> None:
    user = session.create("User", {"username": "invited", "email": "invited@example.com"})
    session.commit()
    before = len(sandbox.outbox())
    user.send_invite()
    (mail,) = sandbox.outbox()[before:]
    assert mail["kind"] == "user_invite"
    assert mail["recipient_id"] == user["id"]
    assert mail["address"] == "invited@example.com"


def test_options_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="nowhere"):
        Sandbox(host="nowhere")
    with pytest.raises(ValueError, match="url_expiry"):
        Sandbox(url_expiry=-1)


def test_bad_arguments_are_named(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing"):
        Sandbox(seed="nothing")
    port = int(sandbox.url.rsplit(":", 1)[1])
    with pytest.raises(OSError, match=str(port)):
        Sandbox(port=port)
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(OSError, match="file"):
        Sandbox(data_dir=file)


def test_faults_are_set_with_words_or_as_text() -> None:
    with Sandbox(seed="empty") as sandbox:
        sandbox.fault("api", "lost_answer", action="create", count=1, skip=2, probability=0.5)
        sandbox.fault("upload", status=503, retry_after=1, body="a:b")
        sandbox.fault("upload:reset=middle")
        assert [fault["fault"] for fault in sandbox.faults()] == [
            "api:lost_answer:action=create:count=1:skip=2:probability=0.5",
            "upload:status=503:retry_after=1:body=a:b",
            "upload:reset=middle",
        ]
        sandbox.clear_faults()
        assert sandbox.faults() == []
        with pytest.raises(TypeError, match="one kind"):
            sandbox.fault("api")
        with pytest.raises(TypeError, match="one kind"):
            sandbox.fault("api", "refuse", status=503)
        with pytest.raises(ValueError, match="explode"):
            sandbox.fault("api", "explode")


def test_a_snapshot_starts_another_server(tmp_path: Path) -> None:
    with Sandbox(seed="empty") as sandbox:
        sandbox.snapshot(tmp_path / "state")
        with pytest.raises(FileExistsError, match="state"):
            sandbox.snapshot(tmp_path / "state")
        key = sandbox.api_key
    with Sandbox(snapshot=tmp_path / "state") as sandbox:
        assert sandbox.api_key == key
    with pytest.raises(OSError, match="stopped"):
        sandbox.reset()
    with pytest.raises(OSError, match="nowhere"):
        Sandbox(snapshot=tmp_path / "nowhere")


#: Two children end as any script does, one of them by leaving the block of the server.
FORKING = """
import os, sys
from ftrack_rs.sandbox import Sandbox

with Sandbox(seed="empty") as sandbox, sandbox.session() as session:
    child = os.fork()
    if child == 0:
        assert session.query("User").all()
        for ask in (sandbox.calls, sandbox.outbox, sandbox.reset):
            try:
                ask()
            except OSError as error:
                assert "process" in str(error), error
            else:
                raise AssertionError(ask)
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
    child = os.fork()
    if child:
        assert os.waitpid(child, 0)[1] == 0
        session.create("User", {"username": "new"})
        session.commit()
        sandbox.reset()
        assert os.path.isdir(sandbox.data_dir)
print("left")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_server_outlives_the_forked_children_of_its_process() -> None:
    # Of forks with threads, which the server is.
    no_warnings = ["-W", "ignore::DeprecationWarning"]
    command = [sys.executable, *no_warnings, "-c", FORKING]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.count("left") == 2


#: The stack of a thread takes two megabytes.
CRAMPED = """
import resource, sys
from ftrack_rs._core import draw_frames

with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 20),) * 2)
try:
    draw_frames(sys.argv[1], "frame", 1, 8, 8)
except OSError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems tell and limit otherwise")
def test_a_lack_of_threads_is_an_error_of_the_system(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CRAMPED, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.stdout.startswith("Cannot start a thread to draw frames"), ended


def test_ffmpeg_is_found_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/ffmpeg")
    assert find_ffmpeg() == "/usr/bin/ffmpeg"
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    assert find_ffmpeg() is None
