"""Handles live with Python's cyclic collector.

It may run at any allocation, and it must find what nobody holds any more.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from ftrack_rs import Session
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
