"""What is measured in transfers.py: clients in processes of their own, and what does without one.

The raw uploader, which is written in Rust, sends bytes and nothing else.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from ftrack_rs.symbol import SERVER_LOCATION_ID

ROOT = Path(__file__).parents[1]
MIB = 1 << 20


class Server:
    """The embedded server in a process of its own."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "ftrack_rs", "sandbox", "--port", "0", "--seed", "empty"]
        command += ["--data", str(folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.environment: dict[str, str] = {}
        while len(self.environment) < 3:
            line = self._process.stdout.readline()
            if line.startswith("export "):
                name, value = line.split(" ", 1)[1].strip().split("=", 1)
                self.environment[name] = value
        self.url = self.environment["FTRACK_SERVER"]

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()

    def post(self, path: str, body: str = "") -> bytes:
        """Send a request and return the body of the answer."""
        headers = {
            "ftrack-user": self.environment["FTRACK_API_USER"],
            "ftrack-api-key": self.environment["FTRACK_API_KEY"],
            "Content-Type": "application/json",
        }
        request = urllib.request.Request(self.url + path, body.encode(), headers, method="POST")
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def call(self, operations: list[dict[str, Any]]) -> Any:
        """Call the API with operations and return what it answers."""
        return json.loads(self.post("/api", json.dumps(operations)))


@contextlib.contextmanager
def server(folder: Path, *faults: str) -> Iterator[Server]:
    """Run a server, whose data are in a folder, with faults for the length of a block."""
    running = Server(folder)
    try:
        running.post("/sandbox/faults", "\n".join(faults))
        yield running
    finally:
        running.stop()


class Client:
    """A client in a process of its own, which runs a round of a case whenever it is asked to."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )

    def round(self) -> dict[str, Any]:
        """Run a round and return what the program says of it."""
        process = self._process
        assert process.stdin
        assert process.stdout
        process.stdin.write("\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise SystemExit(f"{process.args} failed:\n{process.communicate()[1]}")
        outcome: dict[str, Any] = json.loads(answer)
        return outcome

    def seconds(self) -> float:
        """Run a round and return the seconds it took."""
        return float(self.round()["seconds"])

    def stop(self) -> None:
        """Let it end."""
        self._process.communicate()


def put_sequence(running: Server, paths: list[Path]) -> tuple[float, float]:
    """Publish as many bytes as files have with nothing but what has to be sent.

    The raw uploader PUTs the bytes; the first file is sent in the place of all. The calls that
    ask for its URLs and create and register the components have been encoded before, and the
    answers are not looked at: no client can be faster. Returns the seconds of PUTting alone,
    and of everything.
    """
    size = paths[0].stat().st_size
    components = [str(uuid4()) for _ in paths]
    uploads = [upload_of(component, size) for component in components]
    asking = [json.dumps(uploads[start : start + 500]) for start in range(0, len(paths), 500)]
    commit = json.dumps(creation_of(components, size))
    asked, answers = timed(lambda: [running.post("/api", body) for body in asking])
    lines = []
    for signed in (signed for answer in answers for signed in json.loads(answer)):
        url = urlsplit(signed["url"])
        lines.append(f"{url.netloc} {url.path}?{url.query} 0 {size}")
    outcome = native("put", str(paths[0]), "8", stdin="\n".join(lines))
    committed, created = timed(running.post, "/api", commit)
    assert created.startswith(b"[")
    return float(outcome["seconds"]), asked + float(outcome["seconds"]) + committed


def put_parts(running: Server, path: Path) -> float:
    """PUT a file in parts with the raw uploader; return the seconds until it is a file.

    The embedded server makes it of its parts when it is told that they are complete.
    """
    size, part = path.stat().st_size, 32 * MIB
    count = -(-size // part)
    component = str(uuid4())
    operation = {
        "action": "get_upload_metadata",
        "component_id": component,
        "file_name": path.name,
        "file_size": size,
        "checksum": None,
        "parts": count,
    }
    upload = running.call([operation])[0]
    lines = []
    for number, signed in enumerate(upload["urls"]):
        url = urlsplit(signed["signed_url"])
        offset = number * part
        length = min(part, size - offset)
        lines.append(f"{url.netloc} {url.path}?{url.query} {offset} {length}")
    outcome = native("put", str(path), "8", stdin="\n".join(lines))
    tags = enumerate(outcome["e_tags"], 1)
    complete = {
        "action": "complete_multipart_upload",
        "component_id": component,
        "upload_id": upload["upload_id"],
        "parts": [{"part_number": number, "e_tag": tag} for number, tag in tags],
    }
    seconds, answer = timed(running.call, [complete])
    assert isinstance(answer, list)
    return float(outcome["seconds"]) + seconds


def upload_of(component: str, size: int) -> dict[str, Any]:
    """Return the operation that asks where the bytes of a component go."""
    return {
        "action": "get_upload_metadata",
        "component_id": component,
        "file_name": f"{component}.exr",
        "file_size": size,
        "checksum": None,
    }


def creation_of(components: list[str], size: int) -> list[dict[str, Any]]:
    """Return the operations that create a sequence of components and register them all."""
    sequence = str(uuid4())
    entities: list[dict[str, Any]] = [
        {
            "__entity_type__": "SequenceComponent",
            "id": sequence,
            "name": "main",
            "padding": 4,
            "file_type": ".exr",
        }
    ]
    for number, component in enumerate(components, 1):
        entities.append(
            {
                "__entity_type__": "FileComponent",
                "id": component,
                "container_id": sequence,
                "name": f"{number:04}",
                "file_type": ".exr",
                "size": size,
            }
        )
    for component in (sequence, *components):
        entities.append(
            {
                "__entity_type__": "ComponentLocation",
                "id": str(uuid4()),
                "component_id": component,
                "location_id": SERVER_LOCATION_ID,
                "resource_identifier": component,
            }
        )
    return [
        {
            "action": "create",
            "entity_type": entity["__entity_type__"],
            "entity_key": [entity["id"]],
            "entity_data": entity,
        }
        for entity in entities
    ]


def native(*arguments: str, stdin: str = "", one_core: bool = False) -> dict[str, Any]:
    """Run the Rust side of this benchmark."""
    preparation = use_one_core if one_core else None
    return last_line([native_program(), *arguments], input=stdin, preexec_fn=preparation)


@functools.cache
def native_program() -> str:
    """Build the Rust side of this benchmark and return its path."""
    command = ["cargo", "bench", "--package", "ftrack-client", "--bench", "transfers", "--no-run"]
    command += ["--quiet", "--message-format", "json"]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    messages = map(json.loads, built.stdout.splitlines())
    return next(message["executable"] for message in messages if message.get("executable"))


def last_line(command: list[str], **options: Any) -> dict[str, Any]:
    """Run a program and return what its last line says."""
    finished = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if finished.returncode:
        raise SystemExit(f"{' '.join(command[:4])} failed:\n{finished.stderr}")
    outcome: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return outcome


def use_one_core() -> None:
    """Stay on one of the cores that this process may use."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def hash_with_hashlib(paths: list[Path]) -> list[str]:
    """Return the MD5 of each file."""
    digests = []
    for path in paths:
        digest = hashlib.md5()
        with path.open("rb") as file:
            while chunk := file.read(MIB):
                digest.update(chunk)
        digests.append(digest.hexdigest())
    return digests


def copy_with_cp(paths: list[Path], folder: Path) -> None:
    """Copy files with several processes at a time."""
    folder.mkdir()
    command = ["xargs", "-0", "-P", str(os.cpu_count()), "-n", "8"]
    command += ["cp", "--reflink=auto", "-t", str(folder)]
    subprocess.run(command, input="\0".join(map(str, paths)), text=True, check=True)


def timed(function: Any, *arguments: Any) -> tuple[float, Any]:
    """Return how long a call took, and what it gave."""
    started = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - started, result
