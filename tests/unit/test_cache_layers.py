"""What a session keeps in a file is what the next one knows: written, referred to, and custom."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from call_log import Calls
from ftrack_rs import Session
from ftrack_rs.cache import FileCache, SerialisedCache
from ftrack_rs.sandbox import Sandbox

#: Opens a session that keeps its entities in the file of the test.
OpenSession = Callable[[], Any]


@pytest.fixture
def open_session(sandbox: Sandbox, tmp_path: Path) -> OpenSession:
    def keep(session: Session) -> SerialisedCache:
        encode = functools.partial(session.encode, entity_attribute_strategy="persisted_only")
        return SerialisedCache(FileCache(tmp_path / "cache.dbm"), encode, session.decode)

    @contextmanager
    def opened() -> Iterator[Session]:
        with sandbox.session(cache=keep) as session:
            yield session

    return opened


def test_what_was_committed_is_in_the_file(open_session: OpenSession, task: Any) -> None:
    with open_session() as session:
        seen = session.query(f"select name, status.name from Task where id is {task['id']}").one()
        omitted = session.query('Status where name is "Omitted"').one()
        seen["description"] = "rotoscoped"
        seen["status"] = omitted
        session.commit()
    with open_session() as session:
        seen = session.get("Task", task["id"])
        assert (seen["description"], seen["status"]["name"]) == ("rotoscoped", "Omitted")


def test_what_was_created_and_changed_is_in_the_file(open_session: OpenSession, shot: Any) -> None:
    with open_session() as session:
        made = session.create("Task", {"name": "made", "parent": session.get("Shot", shot["id"])})
        session.commit()
        made["name"] = "changed"
        session.commit()
    with open_session() as session:
        assert session.get("Task", made["id"])["name"] == "changed"


def test_a_cleared_identity_map_is_filled_by_what_was_committed(
    open_session: OpenSession, task: Any
) -> None:
    with open_session() as session:
        session.get("Task", task["id"])["description"] = "keyed"
        session.commit()
        session._local_cache.clear()
        assert session.get("Task", task["id"])["description"] == "keyed"


def test_related_entities_come_from_the_file(
    open_session: OpenSession, task: Any, calls: Calls
) -> None:
    projections = "select name, parent.name, parent.parent.name, status.name from Task"
    shot, status = task["parent"], task["status"]["name"]
    names = shot["name"], shot["parent"]["name"]
    description = shot["description"]
    with open_session() as session:
        session.query(f"{projections} where id is {task['id']}").one()
    with open_session() as session:
        calls.forget()
        seen = session.get("Task", task["id"])
        with session.auto_populating(False):
            assert seen["parent"]["name"] == names[0]
        assert seen["parent"]["parent"]["name"] == names[1]
        assert seen["status"]["name"] == status
        assert calls.actions == []
        # The file does not have it, and it is asked for.
        assert seen["parent"]["description"] == description
        assert len(calls.actions) == 1


def test_custom_attributes_come_whole_from_the_file(
    open_session: OpenSession, session: Session, shot: Any, calls: Calls
) -> None:
    shot["custom_attributes"]["fstart"] = 1001
    session.commit()
    with open_session() as first:
        first.query(f"select name, custom_attributes from Shot where id is {shot['id']}").one()
    with open_session() as second:
        calls.forget()
        found = dict(second.get("Shot", shot["id"])["custom_attributes"])
        assert calls.actions == []
    assert found == dict(shot["custom_attributes"])
    assert found["fstart"] == 1001
    assert {"fend", "fps", "handles"} <= set(found)
