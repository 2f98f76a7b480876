"""Either client may be at either end of the event server: both ends see the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ftrack_rs.sandbox import Sandbox

PROGRAM = Path(__file__).with_name("event_exchange.py")
CLIENTS = ("ftrack_api", "ftrack_rs")
PAIRS = [(publisher, listener) for publisher in CLIENTS for listener in CLIENTS]

Seen = dict[str, Any]


@pytest.fixture(scope="module")
def outcomes(reference_python: str) -> dict[tuple[str, str], tuple[Seen, Seen]]:
    """What the publisher and the listener of each pair saw, all on one server at a time."""
    pythons = {"ftrack_api": reference_python, "ftrack_rs": sys.executable}
    with Sandbox() as sandbox:
        environment = {**os.environ, **sandbox.env(), "FTRACK_RS_ALLOW_DEBUG": "1"}

        def start(client: str, role: str, pair: tuple[str, str]) -> subprocess.Popen[str]:
            command = [pythons[client], str(PROGRAM), client, role, "exchange." + "-".join(pair)]
            return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

        listeners = {pair: start(pair[1], "listener", pair) for pair in PAIRS}
        for listener in listeners.values():
            assert listener.stdout is not None
            assert listener.stdout.readline() == "ready\n"
        publishers = {pair: start(pair[0], "publisher", pair) for pair in PAIRS}
        return {pair: (finish(publishers[pair]), finish(listeners[pair])) for pair in PAIRS}


def finish(process: subprocess.Popen[str]) -> Seen:
    output, _ = process.communicate(timeout=100)
    assert process.returncode == 0, output
    seen: Seen = json.loads(output.splitlines()[-1])
    return seen


def without_topics(seen: Seen, pair: tuple[str, str]) -> Seen:
    """Return *seen* without the name of the pair, which its topics and ids hold."""
    plain: Seen = json.loads(json.dumps(seen).replace("-".join(pair), "pair"))
    return plain


@pytest.mark.parametrize("pair", PAIRS[1:], ids=lambda pair: " to ".join(pair))
@pytest.mark.parametrize("end", [0, 1], ids=["publisher", "listener"])
def test_each_end_sees_the_same(
    outcomes: dict[tuple[str, str], tuple[Seen, Seen]], pair: tuple[str, str], end: int
) -> None:
    official = PAIRS[0]
    expected = without_topics(outcomes[official][end], official)
    assert without_topics(outcomes[pair][end], pair) == expected


def test_there_is_something_to_see(
    outcomes: dict[tuple[str, str], tuple[Seen, Seen]],
) -> None:
    publisher, listener = outcomes[PAIRS[0]]
    assert len(listener["seen"]) > 40
    assert len(publisher["seen"]["replies"]) > 10
