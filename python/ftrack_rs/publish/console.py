"""The command `ftrack-rs publish`."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ftrack_rs import Session, exception
from ftrack_rs._core import parse_sequence
from ftrack_rs.publish.publisher import Publisher
from ftrack_rs.publish.result import NodeEvent, Published

if TYPE_CHECKING:
    from ftrack_rs.transfer import Transfer

#: Width of a bar in characters.
_BAR = 24

#: Seconds between two drawings of the bar.
_INTERVAL = 0.1

#: An id within the address of a page of ftrack.
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def run(options: argparse.Namespace) -> int:
    """Publish, or say what would be published.

    Returns:
        0 if everything is published, or could be; else 1.
    """
    with Session(plugin_paths=[]) as session:
        bars = _Bars(enabled=sys.stderr.isatty() and not options.json)
        publisher = Publisher(session, on_event=bars.event)
        _describe(publisher, session, options)
        if options.dry_run:
            plan = publisher.plan()
            print(plan.to_json() if options.json else plan)
            return 1 if plan.conflicts else 0
        try:
            with bars.of(publisher.transfer):
                published = publisher.run()
        except exception.PublishError as error:
            _report_failure(error, options.json)
            return 1
    _report(published, options.json)
    return 0


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
    """Return the names of components: `main` for a single one, else those of their files."""
    if len(paths) == 1:
        return ["main"]
    names = []
    for path in paths:
        sequence = parse_sequence(path)
        stem = Path(sequence.pattern if sequence else path).stem
        names.append(re.sub(r"[._-]?%\d*d$", "", stem) or stem)
    return names


def task_reference(text: str) -> str:
    """Return the id or the query that finds the task of the command line."""
    try:
        return str(UUID(text))
    except ValueError:
        found = _ID.search(text)
    if found:
        return found.group()
    names = [name.replace('"', '\\"') for name in text.strip("/").split("/")]
    conditions = [
        f'{"parent." * depth}name is "{name}"' for depth, name in enumerate(reversed(names))
    ]
    return f"Task where {' and '.join(conditions)}"


def _report(published: Published, as_json: bool) -> None:
    if as_json:
        versions = [vars(version) for version in published.versions]
        print(json.dumps({"published": True, "versions": versions}))
        return
    for version in published.versions:
        note = "  (published before; nothing was done)" if version.was_there else ""
        print(f"{version.label} v{version.number:03}  {version.url}{note}")
        for name, identity in version.components.items():
            print(f"  {name:20} {identity}")


def _report_failure(error: exception.PublishError, as_json: bool) -> None:
    nodes: list[dict[str, Any]] = error.details.get("nodes", [])
    if as_json:
        print(json.dumps({"published": False, "error": str(error), "nodes": nodes}))
        return
    print(f"ftrack-rs: {error}", file=sys.stderr)
    for node in nodes:
        print(f"  {node['node']:24} {node['state']}", file=sys.stderr)


class _Bars:
    """One line that tells how far a publish is, while it runs, on a terminal."""

    def __init__(self, enabled: bool) -> None:
        self._enabled = enabled
        self._last = ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._transfer: Transfer | None = None

    def of(self, transfer: Transfer) -> _Bars:
        """Look at a transfer from now on."""
        self._transfer = transfer
        return self

    def event(self, event: NodeEvent) -> None:
        """Take note of the last step of any part."""
        self._last = f"{event.node} {event.state}"

    def __enter__(self) -> None:
        if self._enabled:
            self._thread = threading.Thread(target=self._draw_on, daemon=True)
            self._thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            sys.stderr.write("\r\x1b[K")

    def _draw_on(self) -> None:
        while not self._stop.wait(_INTERVAL):
            sys.stderr.write("\r\x1b[K" + self._line())
            sys.stderr.flush()

    def _line(self) -> str:
        if self._transfer is None:
            return self._last
        progress = self._transfer.progress
        bar = "#" * round(progress.fraction * _BAR)
        size = f"{progress.fraction:4.0%} of {progress.total_bytes / 1e6:.1f} MB"
        line = f"[{bar:-<{_BAR}}] {size}  {self._last}"
        return line[: os.get_terminal_size(sys.stderr.fileno()).columns - 1]
