"""Events of processes that end at once, and of those that are forked from one with a connection."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from event_hubs import Connect, collect, handle_until

from ftrack_rs.event.base import Event
from ftrack_rs.sandbox import Sandbox

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

#: What each program begins with.
PREPARE = """
import multiprocessing, os, signal, sys
from ftrack_rs.event.base import Event
from ftrack_rs.event.hub import EventHub

topic = sys.argv[1]
hub = EventHub(*map(os.environ.get, ("FTRACK_SERVER", "FTRACK_API_USER", "FTRACK_API_KEY")))


def publish(hub, *numbers):
    for number in numbers:
        hub.publish(Event(topic, data={"number": number}))


def fork(work):
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""

#: Programs that publish the numbers from 0 to 9 and end in ways that leave no time for anything.
HASTY = {
    "by os._exit": """
hub.connect()
publish(hub, *range(10))
os._exit(0)
""",
    "killed": """
hub.connect()
publish(hub, *range(10))
os.kill(os.getpid(), signal.SIGKILL)
""",
    "terminated": """
hub.connect()
publish(hub, *range(10))
os.kill(os.getpid(), signal.SIGTERM)
""",
    "children of multiprocessing": """
def work(number):
    hub.connect()
    publish(hub, number)

context = multiprocessing.get_context("fork")
for number in range(10):
    child = context.Process(target=work, args=(number,))
    child.start()
    child.join()
""",
    "a child with the hub of its parent": """
hub.connect()
publish(hub, 0, 1, 2)
fork(lambda: publish(hub, *range(3, 7)))
publish(hub, 7, 8, 9)
""",
    "a child of a child": """
hub.connect()
publish(hub, 0, 1, 2)
fork(lambda: (publish(hub, 3, 4), fork(lambda: publish(hub, 5, 6))))
publish(hub, 7, 8, 9)
""",
}


def run(sandbox: Sandbox, program: str, topic: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", PREPARE + program, topic]
    return subprocess.Popen(command, env={**os.environ, **sandbox.env()})


@pytest.mark.parametrize("program", HASTY.values(), ids=HASTY)
def test_what_is_published_before_a_process_ends_arrives(
    sandbox: Sandbox, connect: Connect, topic: str, program: str
) -> None:
    hub = connect()
    collected = collect(hub, topic)
    with run(sandbox, program, topic):
        handle_until(lambda: len(collected) == 10, hub)
    # Those of different processes may overtake each other.
    assert sorted(data["number"] for data in collected) == list(range(10))


REPLY_IN_CHILD = """
hub.connect()
hub.subscribe(f"topic={topic}", lambda event: os.getpid())
if os.fork() == 0:
    hub.wait(duration=1)
os._exit(0)
"""


def test_a_child_answers_for_the_subscribers_of_the_hub(
    sandbox: Sandbox, connect: Connect, topic: str
) -> None:
    hub, replies = connect(), list[object]()
    with run(sandbox, REPLY_IN_CHILD, topic):
        # As daemons do it: the parent has ended.
        handle_until(lambda: replies or hub.publish(Event(topic), on_reply=replies.append), hub)
    assert replies


FAILING = """
hub.connect()
print("connected", flush=True)
sys.stdin.readline()


def work():
    for _ in range(2):
        try:
            publish(hub, 1)
        except Exception as error:
            print(type(error).__name__, flush=True)


fork(work)
"""


def test_a_child_that_cannot_connect_says_so(topic: str) -> None:
    with Sandbox(seed="empty") as sandbox:
        process = subprocess.Popen(
            [sys.executable, "-c", PREPARE + FAILING, topic],
            env={**os.environ, **sandbox.env()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout
        assert process.stdout.readline() == "connected\n"
    said, _ = process.communicate("the server is gone\n", timeout=60)
    assert said.split() == ["EventHubConnectionError"] * 2
