"""The command `ftrack-rs publish`."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from itertools import chain, count
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO
from uuid import UUID

from ftrack_rs import Session, exception
from ftrack_rs._core import parse_sequence
from ftrack_rs.event.hub import EventHub
from ftrack_rs.progress_bar import describe, size_text, with_bar
from ftrack_rs.publish.publisher import Publisher
from ftrack_rs.publish.result import NodeEvent, Published
from ftrack_rs.query import quoted
from ftrack_rs.transfer import FileProgress, Progress, Transfer

#: Width of the bar of a file in characters.
_BAR = 24

#: Most files that have a bar of their own.
_MOST_FILES = 4

#: Most seconds to wait for a connection to the event server when everything is published.
_PATIENCE = 5.0

#: Seconds between two drawings of the bars.
_INTERVAL = 0.1

#: Names that the server looks for, which no component of a user may have.
_KEPT_NAMES = ("reviewable", "thumbnail")

#: An id within the address of a page of ftrack.
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def run(options: argparse.Namespace) -> int:
    """Publish, or say what would be published.

    Returns:
        0 if everything is published, or could be; else 1.
    """
    with Session(plugin_paths=[]) as session:
        transfer = Transfer()
        bars = Bars(sys.stderr, transfer)
        publisher = Publisher(session, on_event=bars.event, transfer=transfer, force=options.force)
        _describe(publisher, session, options)
        if options.dry_run:
            plan = publisher.plan()
            print(plan.to_json() if options.json else plan)
            return 1 if plan.conflicts else 0
        try:
            with _announcing(session.event_hub), nullcontext() if options.json else bars:
                published = publisher.run()
        except exception.PublishError as error:
            _report_failure(error, options.json)
            return 1
    _report(published, options.json)
    return 0


@contextmanager
def _announcing(hub: EventHub) -> Iterator[None]:
    """Connect to the event server meanwhile, and wait at the end until it knows what was published.

    Where it cannot be reached there is nobody to tell.
    """
    hub.init_connection()
    connecting = threading.Thread(target=_connect, args=(hub,), daemon=True)
    connecting.start()
    yield
    connecting.join(_PATIENCE)
    with suppress(exception.EventHubConnectionError):
        # What is to return waits for the server to acknowledge what it was sent.
        hub.disconnect(reconnect=True)


def _connect(hub: EventHub) -> None:
    with suppress(exception.EventHubConnectionError):
        hub.connect()


def _describe(publisher: Publisher, session: Session, options: argparse.Namespace) -> None:
    version = publisher.version(
        options.asset,
        type=options.type,
        task=task_reference(options.task),
        comment=options.comment,
    )
    for name, path in zip(component_names(options.paths), options.paths):
        version.component(name, path)
    if options.thumbnail:
        version.thumbnail(options.thumbnail)
    if options.reviewable:
        single = [path for path in options.paths if parse_sequence(path) is None]
        if not single:
            raise ValueError("a reviewable is one file, but all paths are sequences")
        version.reviewable(single[-1])


def component_names(paths: list[str]) -> list[str]:
    """Return a name for each component: `main` for a single one, else those of their files.

    What would have the name of another has its extension with it, as in `render_mov`, and a number
    where that is not enough.
    """
    if len(paths) == 1:
        return ["main"]
    files = [_stem_and_extension(path) for path in paths]
    stems = Counter(stem.lower() for stem, _ in files)
    names: list[str] = []
    taken = set(_KEPT_NAMES)
    for stem, extension in files:
        is_alone = stems[stem.lower()] == 1 and stem.lower() not in _KEPT_NAMES
        name = stem if is_alone or not extension else f"{stem}_{extension}"
        numbered = (f"{name}_{number}" for number in count(2))
        names.append(next(name for name in chain([name], numbered) if name.lower() not in taken))
        taken.add(names[-1].lower())
    return names


def _stem_and_extension(path: str) -> tuple[str, str]:
    sequence = parse_sequence(path)
    file = Path(sequence.pattern if sequence else path)
    return re.sub(r"[._-]?%\d*d$", "", file.stem) or file.stem, file.suffix[1:]


def task_reference(text: str) -> str:
    """Return the id or the query that finds the task of the command line."""
    try:
        return str(UUID(text))
    except ValueError:
        found = _ID.search(text)
    if found:
        return found.group()
    names = reversed([name.strip() for name in text.strip("/ ").split("/")])
    conditions = [f"{'parent.' * depth}name is {quoted(name)}" for depth, name in enumerate(names)]
    return f"Task where {' and '.join(conditions)}"


def _report(published: Published, as_json: bool) -> None:
    if as_json:
        versions = [vars(version) for version in published.versions]
        print(json.dumps({"published": True, "versions": versions}))
        return
    rows = [("VERSION", "NUMBER", "ID", "URL")]
    for version in published.versions:
        rows.append((version.label, f"v{version.number:03}", version.id, version.url))
        rows += [(f"  {name}", "", identity, "") for name, identity in version.components.items()]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths))
        print("  ".join(cells).rstrip())
    if not published.changed:
        print("all of it was published before; nothing was done")


def _report_failure(error: exception.PublishError, as_json: bool) -> None:
    nodes: list[dict[str, Any]] = error.details.get("nodes", [])
    if as_json:
        print(json.dumps({"published": False, "error": str(error), "nodes": nodes}))
        return
    print(f"ftrack-rs: {error}", file=sys.stderr)
    for node in nodes:
        print(f"  {node['node']:24} {node['state']}", file=sys.stderr)


class Bars:
    """Lines that tell how far a publish is, drawn over and over on a terminal while it runs."""

    def __init__(self, stream: TextIO, transfer: Transfer) -> None:
        """Draw to *stream* how far *transfer* is."""
        self._stream = stream
        self._transfer = transfer
        self._last = ""
        self._drawn = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._draw_on, daemon=True)

    def event(self, event: NodeEvent) -> None:
        """Take note of the last step of any part."""
        note = f", {event.message}" if event.message else ""
        self._last = f"{event.node} {event.state}{note}"

    def __enter__(self) -> None:
        """Draw from now on, if there is a terminal."""
        if self._stream.isatty():
            self._thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave nothing of what was drawn."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
            self._draw([])

    def _draw_on(self) -> None:
        while not self._stop.wait(_INTERVAL):
            columns = shutil.get_terminal_size().columns - 1
            self._draw(self.lines(columns))

    def _draw(self, lines: list[str]) -> None:
        back = f"\x1b[{self._drawn}F" if self._drawn else ""
        self._stream.write(back + "\x1b[J" + "".join(f"{line}\n" for line in lines))
        self._stream.flush()
        self._drawn = len(lines)

    def lines(self, columns: int) -> list[str]:
        """Return a line for each of the files that move, one for all, and the last step."""
        progress = self._transfer.progress
        moving = [file for file in progress.each_file if 0 < file.transferred_bytes < file.size]
        lines = [_file_line(file) for file in moving[:_MOST_FILES]]
        if len(moving) > _MOST_FILES:
            lines.append(f"and {len(moving) - _MOST_FILES} more")
        lines.append(with_bar(_total(progress), progress, columns))
        return [line[:columns] for line in [*lines, self._last]]


def _file_line(file: FileProgress) -> str:
    done = file.transferred_bytes / file.size
    bar = "#" * round(done * _BAR)
    return f"[{bar:-<{_BAR}}] {done:4.0%} {file.path.name}, {size_text(file.size)}"


def _total(progress: Progress) -> str:
    if progress.total_bytes:
        return describe(progress)
    return f"{size_text(progress.hashed_bytes)} hashed"
