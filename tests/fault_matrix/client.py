"""A client in a process of its own, which does tasks and tells what came of them."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).with_name("program.py")

#: Seconds that a connection may be silent, for both clients.
TIMEOUT = 2.0

#: Seconds that a client may take to start, on a busy machine.
_STARTING = 60


@dataclass(frozen=True)
class Kind:
    """One of the clients that are compared."""

    #: How it is called in tables.
    name: str
    #: The Python that has it, and its module.
    python: str
    module: str


class Client:
    """A running client."""

    def __init__(self, kind: Kind, environment: dict[str, str]) -> None:
        self.kind = kind
        self._environment = dict(os.environ, **environment)
        self._process: subprocess.Popen[str] | None = None

    def ask(self, do: str, **arguments: Any) -> None:
        """Give it a task; start it if it does not run."""
        if self._process is None:
            self._start()
        self._say(json.dumps({"do": do, **arguments}))

    def resume(self) -> None:
        """Let a copy go on that was held half way."""
        self._say("resume")

    def answer(self, timeout: float) -> dict[str, Any] | None:
        """Return what it says next, or None if it says nothing for so many seconds."""
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            return None
        if not line:
            raise RuntimeError(f"{self.kind.name} ended:\n{self._errors()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        assert self._process
        os.kill(self._process.pid, signal.SIGINT)

    def kill(self) -> None:
        """End it and its children, without a chance to do anything about it."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        self._process = None

    def _start(self) -> None:
        command = [self.kind.python, str(PROGRAM), self.kind.module, str(TIMEOUT)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
            start_new_session=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,))
        self._reader.start()
        assert self.answer(_STARTING) == {"ready": True}

    def _say(self, line: str) -> None:
        assert self._process
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _read(self, stream: Any) -> None:
        for line in stream:
            self._lines.put(line)
        self._lines.put("")

    def _errors(self) -> str:
        assert self._process
        assert self._process.stderr
        self._process.kill()
        return self._process.stderr.read()
