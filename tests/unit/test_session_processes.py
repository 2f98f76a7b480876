"""Sessions in processes that are forked from one that works with them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ftrack_rs.sandbox import Sandbox

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

#: Python warns of forks with threads, which is what is tried here.
NO_WARNINGS = ["-W", "ignore::DeprecationWarning"]

#: What each program begins with. A child that hangs ends with an error.
PREPARE = """
import faulthandler, os, threading
from ftrack_rs import Session

session = Session(schema_cache_path=False, plugin_paths=[])

def fork(work):
    child = os.fork()
    if child == 0:
        faulthandler.dump_traceback_later(20, exit=True)
        work()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""

BUSY = """
query = "select name, parent.name, parent.parent.name, status.name, type.name from Task"
task = session.query(query).first()
is_over = threading.Event()

def work():
    while not is_over.is_set():
        session.query(query).all()

threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:
    thread.start()
for _ in range(30):
    fork(lambda: task["name"])
is_over.set()
for thread in threads:
    thread.join()
"""


def run(sandbox: Sandbox, program: str) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, *NO_WARNINGS, "-c", PREPARE + program],
        env={**os.environ, **sandbox.env()},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return ended.returncode, ended.stderr


def test_a_child_reads_what_is_known_whatever_other_threads_do(sandbox: Sandbox) -> None:
    assert run(sandbox, BUSY) == (0, "")
