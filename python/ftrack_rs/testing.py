"""Fixtures for pytest: an ftrack server for the tests of a pipeline, and faults to try them with.

pytest finds this module by itself once the package is installed. The server starts when the first
test asks for it, serves the whole run, and is back in its first state for every test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

# The package itself is imported by the fixtures: a run that uses none of them does not pay for it.
if TYPE_CHECKING:
    from ftrack_rs import Session
    from ftrack_rs.sandbox import Sandbox


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare what can be set in the configuration of pytest."""
    parser.addini(
        "ftrack_sandbox_seed",
        "What the ftrack server of tests holds: studio (default) or empty.",
        default="studio",
    )
    parser.addini(
        "ftrack_sandbox_snapshot",
        "Folder of a snapshot that the ftrack server of tests holds instead of a seed.",
        type="string",
        default="",
    )


@pytest.fixture(scope="session")
def _ftrack_server(pytestconfig: pytest.Config) -> Iterator[Sandbox]:
    from ftrack_rs.sandbox import Sandbox

    snapshot = pytestconfig.getini("ftrack_sandbox_snapshot")
    path = pytestconfig.rootpath / snapshot if snapshot else None
    seed = pytestconfig.getini("ftrack_sandbox_seed")
    with Sandbox(seed=seed, snapshot=path) as sandbox:
        yield sandbox


@pytest.fixture
def ftrack_sandbox(_ftrack_server: Sandbox) -> Sandbox:
    """An ftrack server in its first state, without faults and logged calls."""
    _ftrack_server.reset()
    return _ftrack_server


@pytest.fixture
def ftrack_session(ftrack_sandbox: Sandbox) -> Iterator[Session]:
    """A session with that server, which is closed after the test."""
    with ftrack_sandbox.session() as session:
        yield session


@pytest.fixture
def ftrack_faults(ftrack_sandbox: Sandbox) -> Iterator[Callable[..., int]]:
    """A function that makes requests fail, as in `ftrack_faults("upload", status=503, count=2)`.

    It takes the arguments of :meth:`ftrack_rs.sandbox.Sandbox.fault`; the faults end with the test.
    """
    yield ftrack_sandbox.fault
    ftrack_sandbox.clear_faults()
