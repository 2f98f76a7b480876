"""Large files go to the server in parts, whatever goes wrong with one of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ftrack_rs import Session
from ftrack_rs.sandbox import Sandbox

#: What decides by itself how a file is sent: the third part holds a single byte.
PART, SIZE = 8 * 1024 * 1024, 2 * 8 * 1024 * 1024 + 1


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    path = tmp_path / "movie.mov"
    path.write_bytes(random.Random(1).randbytes(SIZE))
    return path


@pytest.fixture(autouse=True)
def no_faults(sandbox: Sandbox) -> Iterator[None]:
    sandbox.clear_calls()
    yield
    sandbox.clear_faults()


def sent(session: Session, sandbox: Sandbox, server_location: Any, movie: Path) -> list[int]:
    """Publish the movie, compare what came, and return the sizes of what was sent, in order."""
    component = session.create_component(movie, location=server_location)
    assert server_location.accessor.open(component["id"]).read() == movie.read_bytes()
    uploads = sandbox.calls(endpoint="upload")
    accepted = [call for call in uploads if call["status"] == 200]
    assert all(call["request_bytes"] == call["declared_bytes"] for call in accepted)
    return sorted(call["declared_bytes"] for call in uploads)


def test_a_large_file_is_sent_once(
    session: Session, sandbox: Sandbox, server_location: Any, movie: Path
) -> None:
    assert sent(session, sandbox, server_location, movie) == [1, PART, PART]
    assert [call["actions"] for call in sandbox.calls(action="complete_multipart_upload")] == [
        ["complete_multipart_upload"]
    ]


@pytest.mark.parametrize("fault", ["status=503", "reset=middle", "lost_answer", "no_etag"])
def test_a_part_that_fails_is_sent_again_alone(
    session: Session, sandbox: Sandbox, server_location: Any, movie: Path, fault: str
) -> None:
    sandbox.fault(f"upload:{fault}:count=1")
    sizes = sent(session, sandbox, server_location, movie)
    assert len(sizes) == 4
    assert set(sizes) == {1, PART}


@pytest.mark.parametrize(
    "fault", ["upload:expired", "api:lost_answer:action=complete_multipart_upload"]
)
def test_an_upload_that_comes_to_nothing_is_made_anew(
    session: Session, sandbox: Sandbox, server_location: Any, movie: Path, fault: str
) -> None:
    sandbox.fault(f"{fault}:count=1")
    sent(session, sandbox, server_location, movie)
    assert len(sandbox.calls(action="get_upload_metadata")) == 2
