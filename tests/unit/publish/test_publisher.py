"""Publishes described, planned and run with `session.publisher()`."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import arrow
import pytest

from call_log import Calls
from ftrack_rs import Session, Transfer, cli, exception, symbol
from ftrack_rs._core import Journal
from ftrack_rs.publish import NodeEvent
from ftrack_rs.sandbox import Sandbox, find_ffmpeg
from shelf import MakeLocation


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    path.write_text("notes")
    return path


def versions_of(session: Session, task: Any) -> list[Any]:
    return list(session.query(f"AssetVersion where task_id is {task['id']}"))


def test_leaving_the_block_publishes(
    session: Session, other_session: Session, task: Any, frames: tuple[str, list[Path]], notes: Path
) -> None:
    with session.publisher() as publisher:
        version = publisher.version(
            "lighting", type="Render", task=task, comment="Warmer", metadata={"take": 3}
        )
        version.component("main", frames[0], metadata={"colour": "acescg"})
        version.component("notes", notes, data={"file_type": ".md"})
        files = version.container("files")
        files.component("inner", notes)
        version.thumbnail(frames[1][0])
    assert publisher.result is not None
    assert publisher.result.changed
    assert version.entity["version"] == 1
    seen = other_session.get("AssetVersion", version.entity["id"])
    assert seen["comment"] == "Warmer"
    assert seen["is_published"] is True
    assert seen["asset"]["parent"]["id"] == task["parent"]["id"]
    assert seen["asset"]["type"]["name"] == "Render"
    assert seen["metadata"]["take"] == "3"
    components = {component["name"]: component for component in seen["components"]}
    assert sorted(components) == ["files", "main", "notes"]
    assert components["main"].entity_type == "SequenceComponent"
    assert components["main"]["metadata"]["colour"] == "acescg"
    assert components["notes"]["file_type"] == ".md"
    assert len(components["main"]["members"]) == 50
    server = other_session.get("Location", symbol.SERVER_LOCATION_ID)
    availabilities = server.get_component_availabilities(list(components.values()))
    assert availabilities == [100.0, 100.0, 100.0]
    (inner,) = components["files"]["members"]
    assert server.accessor.open(inner["id"]).read() == b"notes"
    assert seen["thumbnail"]["name"] == "thumbnail"


def test_an_exception_in_the_block_drops_the_publish(
    session: Session, calls: Calls, task: Any, notes: Path
) -> None:
    def change_mind() -> None:
        with session.publisher() as publisher:
            publisher.version("lighting", task=task).component("main", notes)
            raise RuntimeError("never mind")

    calls.forget()
    with pytest.raises(RuntimeError, match="never mind"):
        change_mind()
    assert calls.actions == []


def test_changes_of_the_user_stay_recorded(
    session: Session, task: Any, shot: Any, notes: Path
) -> None:
    shot["description"] = "not committed yet"
    with session.publisher() as publisher:
        publisher.version("lighting", task=task).component("main", notes)
    assert len(session.recorded_operations) == 1
    assert shot["description"] == "not committed yet"
    session.rollback()


def test_a_plan_asks_twice_and_changes_nothing(
    session: Session, calls: Calls, task: Any, frames: tuple[str, list[Path]], tmp_path: Path
) -> None:
    publisher = session.publisher()
    version = publisher.version("lighting", type="Rendr", task=task)
    version.component("main", frames[0])
    version.component("missing", tmp_path / "missing.txt")
    calls.forget()
    plan = publisher.plan()
    assert [set(actions) for actions in calls.actions] == [{"permissions", "query"}, {"query"}]
    assert [(conflict.node, conflict.kind) for conflict in plan.conflicts] == [
        ("lighting", "unknown_type"),
        ("lighting/missing", "file"),
    ]
    assert "50 files" in str(plan)
    assert plan.data["versions"][0]["number"] == 1
    assert plan._repr_html_().startswith("<svg")
    assert plan.to_mermaid().startswith("flowchart LR")
    with pytest.raises(exception.PublishConflictError, match="no asset type 'Rendr'") as caught:
        publisher.run()
    assert len(caught.value.details["conflicts"]) == 2
    assert {node["state"] for node in caught.value.details["nodes"]} == {"failed"}
    assert versions_of(session, task) == []


def test_every_step_is_told_in_the_thread_that_runs(
    session: Session, task: Any, notes: Path
) -> None:
    events: list[NodeEvent] = []
    with session.publisher(on_event=events.append) as publisher:
        publisher.version("lighting", task=task).component("main", notes)
    assert [event.state for event in events if event.node == "lighting/main"] == [
        "queued",
        "hashing",
        "transferring",
        "verifying",
        "registering",
        "done",
    ]
    progress = publisher.transfer.progress
    assert (progress.hashed_bytes, progress.transferred_bytes) == (5, 5)


def test_a_plan_foretells_the_calls(
    session: Session, calls: Calls, task: Any, frames: tuple[str, list[Path]], notes: Path
) -> None:
    publisher = session.publisher()
    version = publisher.version("lighting", task=task)
    version.component("main", frames[0])
    version.component("notes", notes)
    plan = publisher.plan()
    calls.forget()
    publisher.run()
    assert len(calls.actions) == sum(step["calls"] for step in plan.data["steps"]) == 5


def test_an_error_of_who_watches_ends_the_publish(
    session: Session, other_session: Session, task: Any, notes: Path
) -> None:
    def refuse(event: NodeEvent) -> None:
        if event.state == "hashing":
            raise RuntimeError("enough")

    publisher = session.publisher(on_event=refuse)
    publisher.version("lighting", task=task).component("main", notes)
    with pytest.raises(RuntimeError, match="enough"):
        publisher.run()
    assert versions_of(other_session, task) == []


def test_a_publish_that_was_finished_says_so(
    session: Session, calls: Calls, task: Any, notes: Path
) -> None:
    def describe(**options: Any) -> Any:
        publisher = session.publisher(**options)
        publisher.version("lighting", task=task).component("main", notes)
        return publisher

    first = describe().run()
    again = describe().run()
    assert again.changed is False
    assert again.versions[0].id == first.versions[0].id
    assert again.versions[0].was_there
    forced = describe(force=True).run()
    assert forced.versions[0].number == 2


def test_versions_use_each_other_and_those_that_are_there(
    session: Session, task: Any, version: Any, notes: Path
) -> None:
    with session.publisher() as publisher:
        animation = publisher.version("animation", task=task)
        rig = publisher.version("rig", task=task)
        for node in (animation, rig):
            node.component("main", notes)
        animation.uses(rig, version)
        publisher.depends(animation, rig)
    used = {item["asset"]["name"] for item in animation.entity["uses_versions"]}
    assert used == {"rig", "comp"}


def test_versions_that_need_each_other_are_refused(
    session: Session, task: Any, notes: Path
) -> None:
    publisher = session.publisher()
    one, two = (publisher.version(name, task=task) for name in ("one", "two"))
    one.uses(two)
    publisher.depends(two, one)
    with pytest.raises(exception.PublishConflictError, match="one needs two needs one"):
        publisher.run()


def test_assets_and_parents_by_entity_and_by_query(
    session: Session, task: Any, shot: Any, version: Any, notes: Path
) -> None:
    with session.publisher() as publisher:
        nodes = [
            publisher.version(version["asset"], task=task),
            publisher.version(f"Asset where id is {version['asset']['id']}", comment="query"),
            publisher.version("new", parent=f'Shot where name is "{shot["name"]}"'),
        ]
        for node in nodes:
            node.component("main", notes)
        publisher.existing(version).component("more", notes)
    assert [node.entity["version"] for node in nodes] == [2, 3, 1]
    assert [item["name"] for item in version["components"]] == ["more"]


def test_what_is_not_committed_cannot_be_published_with(session: Session, shot: Any) -> None:
    task = session.create("Task", {"name": "lighting", "parent": shot})
    with pytest.raises(ValueError, match="not committed yet"):
        session.publisher().version("lighting", task=task)
    session.rollback()


def test_a_user_without_roles_may_not_publish(
    session: Session, sandbox: Sandbox, task: Any, unique_name: str, notes: Path
) -> None:
    user = session.create("User", {"username": unique_name, "is_active": True})
    session.commit()
    key = session.reset_remote("api_key", user)["api_key"]
    options: dict[str, Any] = {"schema_cache_path": False, "plugin_paths": []}
    with Session(sandbox.url, key, unique_name, **options) as stranger:
        publisher = stranger.publisher()
        publisher.version("lighting", task=task["id"]).component("main", notes)
        assert [conflict.kind for conflict in publisher.plan().conflicts] == ["no_permission"]


def test_a_playable_movie_is_shown_as_it_is(session: Session, task: Any, tmp_path: Path) -> None:
    movies = encoded(tmp_path)
    events: list[NodeEvent] = []
    with session.publisher(wait="encode", on_event=events.append) as publisher:
        direct = publisher.version("direct", task=task)
        direct.reviewable(movies["fast.mp4"])
        slow = publisher.version("slow", task=task)
        slow.reviewable(movies["late.mov"])
    assert publisher.result is not None
    assert [bool(version.job_id) for version in publisher.result.versions] == [False, True]
    states = [event.state for event in events if event.node == "slow/reviewable"]
    assert states[-2:] == ["encoding", "done"]
    messages = {event.message for event in events if event.state == "encoding"}
    assert messages & {"queued for 0 s", "running for 0 s"}
    (component,) = direct.entity["components"]
    assert component["name"] == "ftrackreview-mp4"
    assert component["metadata"]["ftr_meta"] == (
        '{"frameIn":0,"frameOut":12,"frameRate":24.0,"height":36,"width":64}'
    )
    session.populate(slow.entity, "components.name, thumbnail_id")
    names = {item["name"] for item in slow.entity["components"]}
    assert "ftrackreview-mp4" in names
    assert slow.entity["thumbnail_id"]


def test_an_encode_that_failed_is_asked_for_again(tmp_path: Path, unique_name: str) -> None:
    movie = encoded(tmp_path)["late.mov"]
    broken = tmp_path / "broken-ffmpeg"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    for ffmpeg in (str(broken), None):
        with Sandbox(data_dir=tmp_path / "data", ffmpeg=ffmpeg) as server:
            options: dict[str, Any] = {"schema_cache_path": False, "plugin_paths": []}
            with Session(server.url, server.api_key, server.api_user, **options) as session:
                publisher = session.publisher(wait="encode")
                task = session.query("Task").first()
                publisher.version(unique_name, task=task).reviewable(movie)
                if ffmpeg:
                    with pytest.raises(exception.PublishError, match="could not encode"):
                        publisher.run()
                else:
                    assert publisher.run().changed is False
                jobs = session.query('select status from Job where data like "%component%"').all()
                assert sorted(job["status"] for job in jobs)[-1] == "failed"
                assert len(jobs) == (1 if ffmpeg else 2)


def test_a_failure_is_told_of_the_file_that_failed(
    session: Session, sandbox: Sandbox, task: Any, notes: Path
) -> None:
    publisher = session.publisher(transfer=Transfer(concurrency=1))
    for name in ("one", "two"):
        publisher.version(name, task=task).component("main", notes)
    sandbox.fault("upload", status=403, skip=1)
    with pytest.raises(exception.PublishError) as raised:
        publisher.run()
    sandbox.clear_faults()
    nodes = {node["node"]: node for node in raised.value.details["nodes"]}
    assert "403" in nodes["two/main"]["message"]
    assert nodes["one/main"]["message"] != nodes["two/main"]["message"]


def encoded(folder: Path) -> dict[str, Path]:
    """Return a movie that browsers play as it is, and one that they do not."""
    ffmpeg = find_ffmpeg()
    if ffmpeg is None:
        pytest.fail("imageio-ffmpeg, which brings an ffmpeg, is part of the test set-up")
    source = ["-f", "lavfi", "-i", "testsrc=size=64x36:rate=24:duration=0.5"]
    flags = {"fast.mp4": ["-movflags", "+faststart", "-pix_fmt", "yuv420p"], "late.mov": []}
    for name, extra in flags.items():
        command = [ffmpeg, "-loglevel", "error", *source, "-c:v", "libx264", *extra]
        subprocess.run([*command, str(folder / name)], check=True, stdin=subprocess.DEVNULL)
    return {name: folder / name for name in flags}


def test_shards_travel_and_are_registered_together(
    sandbox: Sandbox,
    session: Session,
    task: Any,
    frames: tuple[str, list[Path]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in sandbox.env().items():
        monkeypatch.setenv(name, value)
    publisher = session.publisher()
    version = publisher.version("lighting", task=task)
    version.component("main", frames[0])
    pickled = [pickle.dumps(shard) for shard in publisher.plan().shards(3)]
    assert all(session.api_key.encode() not in shard for shard in pickled)
    results = [pickle.loads(shard).run() for shard in pickled]
    with pytest.raises(exception.PublishError, match="was not sent"):
        publisher.finish(results[:2])
    assert versions_of(session, task) == []
    assert publisher.finish(results).changed
    assert len(version.entity["components"]) == 1


KILLED = """
import sys
from ftrack_rs import Session

session = Session(schema_cache_path=False, plugin_paths=[])
publisher = session.publisher()
version = publisher.version("lighting", task=sys.argv[1])
version.component("main", sys.argv[2])
print(publisher.run().changed)
"""


@pytest.mark.parametrize(
    "fault",
    [
        {"endpoint": "upload", "skip": 20},
        {"endpoint": "api", "action": "get_upload_metadata"},
        {"endpoint": "api", "action": "create"},
    ],
    ids=["sending", "asking", "registering"],
)
def test_a_killed_process_leaves_nothing_and_the_next_run_publishes(
    sandbox: Sandbox,
    other_session: Session,
    task: Any,
    frames: tuple[str, list[Path]],
    fault: dict[str, Any],
) -> None:
    command = [sys.executable, "-c", KILLED, task["id"], frames[0]]
    environment = {**os.environ, **sandbox.env()}
    sandbox.fault(kind="black_hole", count=1, **fault)
    try:
        with subprocess.Popen(command, env=environment) as process:
            while not any(item["fired"] for item in sandbox.faults()):
                assert process.poll() is None
            process.send_signal(signal.SIGKILL)
    finally:
        sandbox.clear_faults()
    assert versions_of(other_session, task) == []
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout == "True\n"
    (version,) = versions_of(other_session, task)
    assert version["version"] == 1


def test_what_a_failed_publish_has_sent_is_not_sent_again(
    sandbox: Sandbox,
    session: Session,
    task: Any,
    frames: tuple[str, list[Path]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {**sandbox.env(), "FTRACK_RS_STATE_PATH": str(tmp_path / "state")}.items():
        monkeypatch.setenv(name, value)

    def describe(**options: Any) -> Any:
        publisher = session.publisher(transfer=Transfer(concurrency=1, **options))
        publisher.version("lighting", task=task).component("main", frames[0])
        return publisher

    def uploads() -> int:
        return sum(call["status"] == 200 for call in sandbox.calls(endpoint="upload"))

    sandbox.clear_calls()
    sandbox.fault("upload", "expired", skip=20)
    with pytest.raises(exception.PublishError):
        describe().run()
    sandbox.clear_faults()
    assert uploads() == 20
    (kept,) = Journal().unfinished()
    assert (kept["finished_files"], kept["files"]) == (20, 50)
    assert cli.main(["transfers", "resume", kept["id"]]) == 0
    assert uploads() == 50
    assert Journal().unfinished() == []
    assert describe().run().changed is False


def test_what_was_published_is_announced(session: Session, task: Any, notes: Path) -> None:
    seen: list[Any] = []
    session.event_hub.connect()
    session.event_hub.subscribe(
        "topic=ftrack_rs.publish.done", lambda event: seen.append(event["data"])
    )
    with session.publisher() as publisher:
        version = publisher.version("lighting", task=task)
        version.component("main", notes)
    while not seen:
        session.event_hub.wait(0.05)
    (announced,) = seen[0]["versions"]
    assert announced["id"] == version.entity["id"]
    assert announced["number"] == 1


def test_a_single_location_needs_no_list(
    session: Session, task: Any, notes: Path, make_location: MakeLocation
) -> None:
    publisher, location = session.publisher(), make_location()
    version = publisher.version("lighting", task=task)
    version.component("by_entity", notes, locations=location)
    version.component("by_name", notes, locations=location["name"])
    version.container("files", locations=location["name"]).component("inner", notes)
    publisher.run()
    for component in version.entity["components"]:
        assert location.get_component_availability(component) == 100.0


def test_nothing_is_added_to_a_publish_that_is_finished(
    session: Session, task: Any, notes: Path
) -> None:
    with session.publisher() as publisher:
        version = publisher.version("lighting", task=task)
        version.component("notes", notes)
    for add in (
        lambda: publisher.version("late", task=task),
        lambda: publisher.existing(version.entity),
        lambda: version.component("late", notes),
        lambda: version.container("late"),
    ):
        with pytest.raises(ValueError, match="This publish is finished"):
            add()
    assert not publisher.run().changed


def test_an_empty_publish_is_done_at_once(session: Session) -> None:
    with session.publisher() as publisher:
        pass
    assert publisher.result is not None
    assert publisher.result.versions == []


def test_frames_that_are_missing_are_one_sentence(
    session: Session, task: Any, tmp_path: Path
) -> None:
    pattern = f"{tmp_path}/a.%04d.exr"
    publisher = session.publisher()
    publisher.version("lighting", task=task).component("main", f"{pattern} [1-2000]")
    with pytest.raises(exception.PublishConflictError) as caught:
        publisher.run()
    assert f"lighting/main: frames 1-2000 of '{pattern}' do not exist" in str(caught.value)
    assert len(str(caught.value)) < 500
    (conflict,) = publisher.plan().data["conflicts"]
    assert len(conflict["files"]) == 2000


def test_what_cannot_be_published_is_refused_when_it_is_described(
    session: Session, task: Any, notes: Path
) -> None:
    publisher = session.publisher()
    for said, wrong in {
        "AssetVersion has no attribute 'nope'": {"data": {"nope": 1}},
        "'notes' of a new AssetVersion .* once everything is published": {"data": {"notes": []}},
        "'camera' is None": {"metadata": {"camera": None}},
        "'status' of a new AssetVersion is an entity, which 'Approved' is not": {
            "data": {"status": "Approved"}
        },
    }.items():
        with pytest.raises(ValueError, match=said):
            publisher.version("lighting", task=task, **wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must not be empty"):
        publisher.version("", task=task)
    with pytest.raises(ValueError, match="'nope' is neither an id nor a query"):
        publisher.version("lighting", task="nope")
    with pytest.raises(TypeError, match="5 is neither an entity, nor an id, nor a query"):
        publisher.version("lighting", task=5)  # type: ignore[arg-type]
    version = publisher.version("lighting", task=task)
    for wrong, said in {
        "nope": "There is no location 'nope'",
        "": "There is no location ''",
    }.items():
        for locations in (wrong, [wrong]):
            with pytest.raises(ValueError, match=said):
                version.component("notes", notes, locations=locations)
    with pytest.raises(TypeError, match="5 is neither a location nor the name of one"):
        version.component("notes", notes, locations=[5])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="named by its path, not by None"):
        version.component("notes", None)  # type: ignore[arg-type]
    for show, path in [
        (version.thumbnail, notes),
        (version.reviewable, notes),
        (version.reviewable, "/geometry/model.ABC"),
    ]:
        with pytest.raises(ValueError, match=f"picture, which '{path}' is not"):
            show(path)
    for name in (None, ""):
        with pytest.raises(ValueError, match=f"name of a component is a text, not {name!r}"):
            version.component(name, notes)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Component has no attribute 'nope'"):
        version.component("notes", notes, data={"nope": 1})


@pytest.fixture
def custom_attributes(sandbox: Sandbox, unique_name: str) -> Iterator[dict[str, str]]:
    """Keys of a text, a number and a date of versions, by their types."""
    keys: dict[str, str] = {}
    with sandbox.session() as session:
        made = [_configure(session, keys, kind, unique_name) for kind in ("text", "number", "date")]
        session.commit()
        yield keys
        for configuration in made:
            session.delete(configuration)
        session.commit()


def _configure(session: Session, keys: dict[str, str], kind: str, unique_name: str) -> Any:
    keys[kind] = f"{unique_name}_{kind}"
    return session.create(
        "CustomAttributeConfiguration",
        {
            "key": keys[kind],
            "label": kind,
            "type": session.query(f"CustomAttributeType where name is {kind}").one(),
            "entity_type": "assetversion",
            "default": "",
            "config": "{}",
        },
    )


def test_custom_attributes_are_part_of_the_publish(
    session: Session,
    sandbox: Sandbox,
    task: Any,
    notes: Path,
    custom_attributes: dict[str, str],
    calls: Calls,
) -> None:
    keys, taken = custom_attributes, arrow.get("2026-03-02T09:30:00")
    values = {keys["text"]: "warm", keys["number"]: 3, keys["date"]: taken}
    calls.forget()
    with session.publisher() as publisher:
        version = publisher.version("lighting", task=task, data={"custom_attributes": values})
        version.component("notes", notes)
    assert len([actions for actions in calls.actions if "create" in actions]) == 1
    with sandbox.session() as other:
        seen = other.get("AssetVersion", version.entity["id"])["custom_attributes"]
        assert {key: seen[key] for key in values} == values
    again = session.publisher()
    again.version("lighting", task=task, data={"custom_attributes": values}).component(
        "notes", notes
    )
    assert not again.run().changed


def test_custom_attributes_that_versions_lack_are_a_conflict(
    session: Session, task: Any, notes: Path
) -> None:
    publisher = session.publisher()
    data = {"custom_attributes": {"no_such_key": 1}}
    publisher.version("lighting", task=task, data=data).component("notes", notes)
    (conflict,) = publisher.plan().conflicts
    assert "no custom attribute 'no_such_key'" in conflict.message
    with pytest.raises(exception.PublishConflictError, match="no_such_key"):
        publisher.run()
