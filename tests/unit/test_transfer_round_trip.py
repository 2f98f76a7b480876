"""What comes back from the server is what was sent, whatever its size and whatever went wrong."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ftrack_rs import Session
from ftrack_rs.accessor.disk import DiskAccessor
from ftrack_rs.sandbox import Sandbox
from ftrack_rs.structure.id import IdStructure

#: Bytes that the engine moves in one piece, and those of the smallest part of an upload.
BLOCK, PART = 512 * 1024, 8 * 1024 * 1024

BOUNDARIES = [
    size for boundary in (64, BLOCK, 2 * BLOCK) for size in (boundary - 1, boundary, boundary + 1)
]
#: From the third part on, files are sent in parts.
PART_BOUNDARIES = [parts * PART + offset for parts in (1, 2, 3) for offset in (-1, 0, 1)]

KINDS = [
    "refuse",
    "reset=before",
    "reset=middle",
    "reset=after",
    "status=408",
    "status=429",
    "status=500",
    "status=503",
    "truncate",
    "lost_answer",
]
# At most three failures in a row, where six attempts are made.
faults = st.lists(
    st.tuples(st.sampled_from(("upload", "download")), st.sampled_from(KINDS), st.integers(0, 2)),
    max_size=3,
)


@pytest.fixture(scope="module")
def disk_session(sandbox: Sandbox) -> Any:
    with sandbox.session() as session:
        session.ensure("Location", {"name": "round-trip.disk"})
        yield session


def send_and_fetch(session: Session, sandbox: Sandbox, size: int, spoiled: Any) -> None:
    content = random.Random(size).randbytes(size)
    server = session.query('Location where name is "ftrack.server"').one()
    disk: Any = session.query('Location where name is "round-trip.disk"').one()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "source.bin")
        source.write_bytes(content)
        disk.accessor, disk.structure = DiskAccessor(prefix=f"{folder}/copy"), IdStructure()
        for endpoint, kind, skip in spoiled:
            sandbox.fault(f"{endpoint}:{kind}:count=1:skip={skip}")
        try:
            component = session.create_component(
                str(source), {"name": uuid4().hex}, location=server
            )
            disk.add_component(component, server)
        finally:
            sandbox.clear_faults()
        assert Path(disk.get_filesystem_path(component)).read_bytes() == content


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    size=st.one_of(st.sampled_from([0, 1, *BOUNDARIES]), st.integers(0, 100_000)), spoiled=faults
)
def test_small_files_come_back_as_they_were_sent(
    size: int, spoiled: Any, disk_session: Session, sandbox: Sandbox
) -> None:
    send_and_fetch(disk_session, sandbox, size, spoiled)


# Few, because each moves megabytes through both ends.
@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(size=st.sampled_from(PART_BOUNDARIES), spoiled=faults)
def test_files_of_several_parts_come_back_as_they_were_sent(
    size: int, spoiled: Any, disk_session: Session, sandbox: Sandbox
) -> None:
    send_and_fetch(disk_session, sandbox, size, spoiled)
