"""A publish from end to end, on a server that lives as long as the demo.

Draws a short animated sequence and a movie of it, publishes both twice as versions of one asset the
way ftrack's publish model wants it (the asset hangs below the task's
parent, the version points at the task), has the movie encoded for the web, and reads everything
back byte for byte.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ftrack_rs import Session, _core, exception
from ftrack_rs.sandbox import Sandbox, find_ffmpeg
from ftrack_rs.symbol import SERVER_LOCATION_ID

WIDTH, HEIGHT, RATE = 1280, 720, 24
# A 2 s movie encodes in a few seconds even on a laptop; past this something is wrong.
ENCODE_TIMEOUT = 180.0


@dataclass
class Published:
    """One component as it was published and read back."""

    version: int
    name: str
    files: list[Path]
    component: Any
    seconds: float
    calls: int
    digest: str = ""
    identical: bool = False

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in self.files)


@dataclass
class Media:
    """What the demo publishes."""

    pattern: str
    frames: list[Path]
    movie: Path | None
    published: list[Published] = field(default_factory=list)


def run(frames: int = 48, keep: bool = False) -> int:
    """Publish a drawn sequence and movie to an embedded server and print what happened.

    Args:
        frames: Number of frames to draw, at least 1.
        keep: Leave the server running afterwards, until Ctrl-C.

    Returns:
        0 when every byte came back and every encode ended well, else 1.
    """
    if frames < 1:
        raise ValueError(f"a sequence needs at least one frame, not {frames}")
    with tempfile.TemporaryDirectory(prefix="ftrack-rs-demo-") as folder, Sandbox() as sandbox:
        print(f"Embedded ftrack server on {sandbox.url}")
        with sandbox.session() as session:
            media = _draw(Path(folder), frames)
            jobs = [_publish(sandbox, session, media, number) for number in (1, 2)]
            encoded = all([_wait(session, job) for job in jobs if job is not None])
            _read_back(session, media)
            _print_table(session, media)
        identical = all(item.identical for item in media.published)
        print("Every byte came back." if identical else "Something did not come back as it was.")
        if not encoded:
            print("Something could not be encoded; the reason stands with its job above.")
        if keep:
            from ftrack_rs.cli import wait_for_interrupt

            print(f"\nThe server stays on {sandbox.url} until Ctrl-C:")
            for name, value in sandbox.env().items():
                print(f"  export {name}={value}")
            sys.stdout.flush()
            wait_for_interrupt()
    return 0 if identical and encoded else 1


def _draw(folder: Path, count: int) -> Media:
    with _step(f"Drawing {count} frames at {WIDTH}x{HEIGHT}"):
        frames = [
            Path(path) for path in _core.draw_frames(str(folder), "render", count, WIDTH, HEIGHT)
        ]
    first = int(frames[0].stem.rpartition(".")[2])
    pattern = f"{folder}/render.%04d.png [{first}-{first + count - 1}]"
    ffmpeg = find_ffmpeg()
    if ffmpeg is None:
        print("  no ffmpeg found (pip install 'ftrack-rs[sandbox]' brings one): no movie this time")
        return Media(pattern, frames, None)
    movie = folder / "render.mov"
    with _step("Making a movie of them"):
        command = [ffmpeg, "-loglevel", "error", "-framerate", str(RATE)]
        command += ["-start_number", str(first)]
        command += ["-i", f"{folder}/render.%04d.png", "-c:v", "mjpeg", "-q:v", "3", str(movie)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return Media(pattern, frames, movie)


def _publish(sandbox: Sandbox, session: Session, media: Media, number: int) -> Any | None:
    task = session.query(
        'select parent, name from Task where parent[Shot].name is_not "" order by name, id'
    ).first()
    if task is None:
        raise exception.NoResultFoundError("The seeded project has no task below a shot.")
    version = _create_version(session, task, number)
    server = session.get("Location", SERVER_LOCATION_ID)
    sources = [("main", media.pattern, media.frames)]
    if media.movie is not None:
        sources.append(("movie", str(media.movie), [media.movie]))
    for name, path, files in sources:
        calls, started = len(sandbox.calls()), time.perf_counter()
        with _step(
            f"Publishing {name} ({len(files)} file{'s'[: len(files) != 1]}) as v{number:03}"
        ):
            component = version.create_component(path, data={"name": name}, location=server)
        seconds = time.perf_counter() - started
        made = len(sandbox.calls()) - calls
        media.published.append(Published(number, name, files, component, seconds, made))
    source = media.movie or media.frames[0]
    return version.encode_media(str(source))


def _create_version(session: Session, task: Any, number: int) -> Any:
    shot = task["parent"]
    asset = session.query(
        f'select id, name from Asset where name is "{task["name"]}" and parent.id is "{shot["id"]}"'
    ).first()
    if asset is None:
        asset = session.create("Asset", {"name": task["name"], "parent": shot})
    version = session.create(
        "AssetVersion", {"asset": asset, "task": task, "comment": f"Publish {number} of the demo"}
    )
    session.commit()
    print(f"{shot['name']} / {asset['name']} / v{version['version']:03}")
    return version


def _wait(session: Session, job: Any) -> bool:
    """Follow an encode job to its end, with a bar, and say how it ended."""
    started = time.monotonic()
    while True:
        session.populate(job, "status, data")
        seconds = time.monotonic() - started
        status = job["status"]
        done = status in ("done", "failed")
        _bar("Encoding for the web", 1.0 if done else 1 - 0.9**seconds, status)
        if done:
            print()
            break
        if seconds > ENCODE_TIMEOUT:
            raise exception.ServerError(f"The encode {job['id']} did not end in {seconds:.0f} s.")
        time.sleep(0.1)
    data = json.loads(job["data"])
    if status == "failed":
        print(f"  the encode failed: {data.get('error', 'no reason given')}")
    return bool(status == "done")


def _read_back(session: Session, media: Media) -> None:
    server = session.get("Location", SERVER_LOCATION_ID)
    with _step("Reading every file back"), ThreadPoolExecutor(8) as pool:
        for item in media.published:
            members = item.component.get("members") or [item.component]
            in_order = sorted(members, key=lambda member: str(member["name"]).zfill(9))
            identifiers = server.get_resource_identifiers(in_order)
            digest = hashlib.md5(usedforsecurity=False)
            item.identical = len(identifiers) == len(item.files)
            contents = pool.map(lambda name: server.accessor.open(name).read(), identifiers)
            for path, content in zip(item.files, contents):
                item.identical &= content == path.read_bytes()
                digest.update(content)
            item.digest = digest.hexdigest()


def _print_table(session: Session, media: Media) -> None:
    print(f"\n{'version':8}{'component':18}{'files':>6}{'size':>10}", end="  ")
    print(f"{'MD5':34}{'calls':>5}{'time':>9}")
    for item in media.published:
        print(
            f"v{item.version:03}    {item.name:18}{len(item.files):6}{_megabytes(item.size):>10}  "
            f"{item.digest:34}{item.calls:5}{item.seconds:8.2f}s"
        )
    versions = {item.component["version_id"]: item.version for item in media.published}
    for identity, number in versions.items():
        encoded = session.query(
            "select name, size from Component where version_id is "
            f'"{identity}" and name not_in ("main", "movie") order by name'
        )
        for component in encoded:
            size = _megabytes(component["size"] or 0)
            print(f"v{number:03}    {component['name']:18}{1:6}{size:>10}  encoded by the server")
    print()


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.2f} MB"


@contextmanager
def _step(title: str) -> Iterator[None]:
    print(f"  {title} ... ", end="", flush=True)
    started = time.perf_counter()
    yield
    print(f"{time.perf_counter() - started:.2f} s")


def _bar(title: str, share: float, note: str) -> None:
    if not sys.stdout.isatty() and share < 1:
        return
    filled = round(share * 30)
    print(f"\r  {title} [{'#' * filled}{'.' * (30 - filled)}] {note:8}", end="", flush=True)
