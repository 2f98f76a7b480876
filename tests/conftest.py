"""An embedded server for all tests, and sessions with it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

# Tests run on whatever was built; what they measure is behaviour.
os.environ.setdefault("FTRACK_RS_ALLOW_DEBUG", "1")

# A shell has its jobs in the background ignore interrupts, and so would the programs that are
# interrupted here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

from call_log import Calls
from ftrack_rs import Session
from ftrack_rs.accessor.base import Accessor
from ftrack_rs.accessor.disk import DiskAccessor
from ftrack_rs.sandbox import Sandbox
from ftrack_rs.structure.entity_id import EntityIdStructure
from ftrack_rs.symbol import ORIGIN_LOCATION_ID, SERVER_LOCATION_ID
from shelf import MakeLocation

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session", autouse=True)
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the journal of transfers out of the folder of the user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FTRACK_RS_STATE_PATH", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def session(sandbox: Sandbox) -> Iterator[Session]:
    with sandbox.session() as session:
        yield session


@pytest.fixture
def other_session(sandbox: Sandbox) -> Iterator[Session]:
    """A session that knows nothing of what the first one did."""
    with sandbox.session() as session:
        yield session


@pytest.fixture
def calls(sandbox: Sandbox, session: Session) -> Calls:
    return Calls(sandbox)


@pytest.fixture
def unique_name() -> str:
    return f"test_{uuid4().hex}"


@pytest.fixture
def shot(session: Session, unique_name: str) -> Any:
    """A shot of its own for each test."""
    project = session.query("Project").first()
    shot = session.create("Shot", {"name": unique_name, "parent": project})
    session.commit()
    return shot


@pytest.fixture
def task(session: Session, shot: Any) -> Any:
    task = session.create("Task", {"name": "compositing", "parent": shot})
    session.commit()
    return task


@pytest.fixture
def version(session: Session, shot: Any, task: Any) -> Any:
    asset = session.create("Asset", {"name": "comp", "parent": shot})
    version = session.create("AssetVersion", {"asset": asset, "task": task})
    session.commit()
    return version


@pytest.fixture
def server_location(session: Session) -> Any:
    return session.get("Location", SERVER_LOCATION_ID)


@pytest.fixture
def frames(tmp_path: Path) -> tuple[str, list[Path]]:
    """A sequence of fifty files, and its path."""
    files = [tmp_path / f"render.{index:04}.exr" for index in range(1, 51)]
    for index, path in enumerate(files):
        path.write_bytes(bytes([index]) * (1000 + index))
    return f"{tmp_path}/render.%04d.exr [1-50]", files


@pytest.fixture
def make_location(session: Session, tmp_path: Path, unique_name: str) -> MakeLocation:
    def make(name: str = "storage", accessor: Accessor | None = None) -> Any:
        location = session.ensure("Location", {"name": f"{unique_name}_{name}"})
        if accessor is None:
            (tmp_path / name).mkdir()
            accessor = DiskAccessor(str(tmp_path / name))
        location.accessor = accessor
        location.structure = EntityIdStructure()
        return location

    return make


@pytest.fixture
def origin(session: Session) -> Any:
    return session.get("Location", ORIGIN_LOCATION_ID)


@pytest.fixture(scope="session")
def reference_python() -> str:
    """Path of a Python that has the official client installed.

    `make test` puts one into .venv-reference; FTRACK_RS_REFERENCE_PYTHON names another. In CI its
    absence is a failure, elsewhere the tests are skipped.
    """
    python = os.environ.get("FTRACK_RS_REFERENCE_PYTHON", ROOT / ".venv-reference/bin/python")
    probe = [str(python), "-c", "import ftrack_api; print(ftrack_api.__version__)"]
    try:
        version = subprocess.run(probe, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        reason = "the official client (ftrack-python-api 3.1.0) could not be installed here"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    assert version == "3.1.0"
    return str(python)
