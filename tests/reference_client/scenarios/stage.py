"""What scenarios share: their list, and the entities they play with."""

from __future__ import annotations

import contextlib
import uuid

import ftrack_api
import ftrack_api.exception

SCENARIOS = {}


def scenario(function):
    """Register *function*, which takes a new session."""
    subject = function.__module__.rpartition(".")[2]
    SCENARIOS[f"{subject}.{function.__name__}"] = function
    return function


def unique(prefix):
    """Return a name nothing else has."""
    return f"{prefix}_{uuid.uuid4().hex[:8]}"


def new_project(session):
    """Create a project with one sequence, shot and task, uncommitted."""
    schema = session.query("ProjectSchema").first()
    name = unique("project")
    project = session.create(
        "Project", {"name": name, "full_name": f"{name} full", "project_schema": schema}
    )
    sequence = session.create("Sequence", {"name": "seq010", "parent": project})
    shot = session.create("Shot", {"name": "sh010", "parent": sequence})
    task = session.create("Task", {"name": "compositing", "parent": shot})
    return project, sequence, shot, task


def new_version(session, task):
    """Create an asset below the parent of *task* and a version of it, uncommitted."""
    asset = session.create(
        "Asset",
        {
            "name": unique("asset"),
            "parent": task["parent"],
            "type": session.query("AssetType").first(),
        },
    )
    return session.create("AssetVersion", {"asset": asset, "task": task, "comment": "first"})


def new_user(session, **attributes):
    """Create a user, uncommitted."""
    return session.create("User", {"username": unique("user"), **attributes})


def caller(session):
    """Return the user that the session is signed in as."""
    return session.query(f'User where username is "{session.api_user}"').one()


def one(answers):
    """Return the only answer of a call."""
    (answer,) = answers
    return answer


@contextlib.contextmanager
def refused(text):
    """Expect that the server refuses what is done within, and says *text*."""
    try:
        yield
    except ftrack_api.exception.ServerError as error:
        if text not in str(error):
            raise
    else:
        raise AssertionError(f"the server did not refuse with {text!r}")


def elsewhere(entity):
    """Return *entity* as a session sees it that has not seen it before."""
    return ftrack_api.Session().get(entity.entity_type, entity["id"])
