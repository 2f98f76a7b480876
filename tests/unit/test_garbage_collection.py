"""Handles live with Python's cyclic collector.

It may run at any allocation, and it must find what nobody holds any more.
"""

from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from ftrack_rs import Session
from ftrack_rs._core import EventExpressions, TransferControl
from ftrack_rs.exception import ServerError
from ftrack_rs.sandbox import Sandbox


@pytest.fixture
def collect_at_every_allocation() -> Iterator[None]:
    thresholds = gc.get_threshold()
    gc.set_threshold(1)
    yield
    gc.set_threshold(*thresholds)


def test_a_collection_may_run_while_handles_are_made(
    sandbox: Sandbox, collect_at_every_allocation: None
) -> None:
    with sandbox.session() as session:
        tasks: list[Any] = session.query("select name, status.name, parent.name from Task").all()
        assert all(task["parent"]["name"] and task["status"]["name"] for task in tasks)


def test_entities_go_with_the_cache_that_held_them(session: Session) -> None:
    task = session.query("select parent.children from Task").first()
    parent = weakref.ref(task["parent"])
    session._local_cache.clear()
    gc.collect()
    assert parent() is not None, "an entity in use keeps what it refers to"
    assert task["parent"]["children"]
    del task
    gc.collect()
    assert parent() is None


def test_a_closed_session_goes_though_it_knows_custom_attributes(sandbox: Sandbox) -> None:
    session = sandbox.session()
    project = session.query("Project").first()
    shot = session.create("Shot", {"name": "new", "parent": project})
    shot["custom_attributes"]["fstart"] = 1001
    session.close()
    gone = weakref.ref(session)
    del session, project, shot
    gc.collect()
    assert gone() is None


def fail_and_keep_the_error(session: Any) -> weakref.ref[object]:
    """Make a cycle: the traceback leads to the pages of the query, and those to the session."""
    try:
        session.query("Task where nonsense is 1").all()
    except ServerError as error:
        session.latest_error = error
    session.close()
    return weakref.ref(session)


def test_a_session_goes_though_it_keeps_the_error_of_a_query(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    # What is logged is kept as well, with the error.
    caplog.set_level(logging.CRITICAL, "ftrack_api.session.Session")
    gone = fail_and_keep_the_error(sandbox.session())
    gc.collect()
    assert gone() is None


class Watcher(dict[str, Any]):
    """Refers to what calls it back."""

    watched: object

    def notify(self, *_: object) -> None:
        """Be told of something."""


def watched_transfer(watcher: Watcher) -> TransferControl:
    return TransferControl(None, None).of_call(watcher.notify)


def watched_files(watcher: Watcher) -> object:
    return TransferControl.passed_files(watched_transfer(watcher), [])


def watched_matches(watcher: Watcher) -> object:
    return EventExpressions([None]).matching(watcher)


@pytest.mark.parametrize("watch", [watched_transfer, watched_files, watched_matches])
def test_what_refers_to_python_goes_with_it(watch: Callable[[Watcher], object]) -> None:
    watcher = Watcher()
    watcher.watched = watch(watcher)
    gone = weakref.ref(watcher)
    del watcher
    gc.collect()
    assert gone() is None


#: Ends at once if it does not hang.
LOOKING = """
import faulthandler, gc, sys
from ftrack_rs import Session

faulthandler.dump_traceback_later(20, exit=True)
session = Session(schema_cache_path=False, plugin_paths=[])
task = session.types["Task"]
made = []
gc.callbacks.append(lambda *_: made and getattr(made[-1], "session", None))
gc.set_threshold(1)
for number in range(300):
    entity = task.__new__(task)
    entity.session = session
    # Dictionaries, so that there is none to be used again.
    made.append({number: {}})
    made.append(entity)
    entity._set_remote("name", f"{number}")
"""


def test_a_collection_may_look_at_an_entity_that_is_being_made(sandbox: Sandbox) -> None:
    environment = {**os.environ, **sandbox.env()}
    subprocess.run([sys.executable, "-c", LOOKING], env=environment, check=True, timeout=60)


def test_an_entity_may_change_while_it_is_taken_over(session: Session) -> None:
    class Surprise:
        """What is no value of its own, and so is encoded by the session."""

    def encode(value: object) -> str:
        entity._set_remote("description", "late")
        return "encoded"

    task: Any = session.types["Task"]
    entity = task.__new__(task)
    entity.session = session
    entity._set_remote("name", Surprise())
    entity._set_remote("id", str(uuid4()))
    session._encode = encode  # type: ignore[method-assign,assignment]
    other: Any = session.query("Task").first()
    other._set_remote("parent", entity)
    assert other["parent"]["name"] == "encoded"
