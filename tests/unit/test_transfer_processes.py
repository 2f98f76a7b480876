"""Transfers by forked processes, by many threads, and by processes that are interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ftrack_rs import Session
from ftrack_rs.sandbox import Sandbox

#: What each program begins with.
PREPARE = """
import os, sys
from ftrack_rs import Session, Transfer, symbol
from ftrack_rs.accessor.disk import DiskAccessor
from ftrack_rs.structure.id import IdStructure

session = Session(schema_cache_path=False, plugin_paths=[])
version = session.get("AssetVersion", sys.argv[1])
folder = sys.argv[2]
server = session.get("Location", symbol.SERVER_LOCATION_ID)
origin = session.get("Location", symbol.ORIGIN_LOCATION_ID)

def publish(name):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(name.encode() * 100_000)
    return version.create_component(path, {"name": name}, location=server)

def check(component):
    content = server.accessor.open(component["id"]).read()
    assert content == component["name"].encode() * 100_000
"""

FORKED = """
check(publish("before"))
child = os.fork()
for number in range(5):
    check(publish(f"{'parent' if child else 'child'} {number}"))
if child:
    _, status = os.waitpid(child, 0)
    assert status == 0
    check(publish("after"))
else:
    os._exit(0)
"""


def run(sandbox: Sandbox, program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PREPARE + program, *arguments],
        env={**os.environ, **sandbox.env()},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_and_its_parent_both_transfer(
    sandbox: Sandbox, other_session: Session, version: Any, tmp_path: Path
) -> None:
    with run(sandbox, FORKED, version["id"], str(tmp_path)) as process:
        assert process.wait(60) == 0
    published = other_session.query(f"Component where version_id is {version['id']}").all()
    assert len(published) == 12


def test_many_threads_transfer_at_once(
    session: Session, version: Any, server_location: Any, tmp_path: Path
) -> None:
    components = [session.create("FileComponent", {"name": f"{index}"}) for index in range(32)]
    session.commit()
    start, errors = threading.Barrier(32), []

    def transfer(index: int) -> None:
        content = os.urandom(300_000)
        path = tmp_path / f"{index}"
        path.write_bytes(content)
        start.wait(10)
        try:
            server_location.accessor.upload([(components[index], str(path))])
            received = server_location.accessor.open(components[index]["id"]).read()
            assert received == content
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=transfer, args=(index,)) for index in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


INTERRUPTED = """
from ftrack_rs.entity.location import Location

def moving(progress):
    if progress.transferred_bytes:
        print("moving", flush=True)

target = session.ensure("Location", {"name": folder})
target.accessor = DiskAccessor(os.path.join(folder, "target"))
target.structure = IdStructure()
component = session.get("FileComponent", sys.argv[3])
try:
    with Transfer(on_progress=moving, bandwidth=2_000_000, concurrency=1):
        if sys.argv[4] == "upload":
            version.create_component(os.path.join(folder, "source"), location=server)
        elif sys.argv[4] == "download":
            target.add_component(component, server)
        else:
            version.create_component(os.path.join(folder, "frame.%d.exr [1-3]"), location=target)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("way", ["upload", "download", "copy"])
def test_an_interrupt_stops_it_within_a_second_and_leaves_no_half_of_a_file(
    sandbox: Sandbox,
    other_session: Session,
    version: Any,
    server_location: Any,
    tmp_path: Path,
    way: str,
) -> None:
    (tmp_path / "target").mkdir()
    source = tmp_path / "source"
    source.write_bytes(os.urandom(8_000_000))
    for index in (1, 2, 3):
        (tmp_path / f"frame.{index}.exr").write_bytes(source.read_bytes())
    component = version.create_component(source, {"name": "there"}, location=server_location)
    registered = _registrations(other_session, version)
    with run(sandbox, INTERRUPTED, version["id"], str(tmp_path), component["id"], way) as process:
        assert process.stdout
        assert process.stdout.readline() == "moving\n"
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        lines = process.stdout.read().split()
        assert time.monotonic() - started < 1.5
        assert lines[-1] == "interrupted"
        assert process.wait(10) == 0
    for path in (tmp_path / "target").rglob("*"):
        # Disks are so fast that some frames may be there already.
        assert path.is_dir() or path.read_bytes() == source.read_bytes()
    assert _registrations(other_session, version) == registered


def _registrations(session: Session, version: Any) -> list[str]:
    found = session.query(
        f"select id from ComponentLocation where component.version_id is {version['id']}"
    )
    return sorted(item["id"] for item in found)
