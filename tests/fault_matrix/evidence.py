"""What is really there after a cell: on the server, on the disk, and in the requests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fault_matrix.outcome import Outcome
from fault_matrix.server import Server
from ftrack_rs.symbol import ORIGIN_LOCATION_ID, SERVER_LOCATION_ID

#: Faults that answer when all of a body has been read.
_READ_ALL = {"status", "error_body", "expired"}


@dataclass(frozen=True)
class Evidence:
    """Where to look for the files of a cell, and what they should be."""

    server: Server
    #: Whether they go to ftrack.server; else to the folder.
    is_upload: bool
    folder: Path
    #: The names of the components, and the bytes of each.
    names: list[str]
    content: bytes
    #: What had been acknowledged before, if anything had.
    before: tuple[str, bytes] | None

    def add_to(self, outcome: Outcome) -> None:
        """Put what is found beside what is claimed."""
        here = self._registered(*self.names)
        # Whoever claims success claims it for all of them.
        least = len(self.names) if outcome.succeeded else 1
        outcome.registered = len(set(here)) >= least
        outcome.twice |= len(here) > len(set(here)) or len(here) > len(self.names)
        outcome.true &= all(self._found(component) == self.content for component in here)
        outcome.broken |= any(path.read_bytes() != self.content for path in self._final_files())
        outcome.short = [
            f"{call['path']}: {call['request_bytes']} of {call['declared_bytes']} bytes"
            for call in self.server.calls("upload")
            if _was_read(call) and call["request_bytes"] != call["declared_bytes"]
        ]
        outcome.lost = self._is_lost()

    def _registered(self, *names: str) -> list[str]:
        """Return the ids of components that are said to be where the cell brings them."""
        places = self.server.registered(*names)
        return [component for component, location in places if self._is_target(location)]

    def _is_target(self, location_id: str) -> bool:
        if self.is_upload:
            return location_id == SERVER_LOCATION_ID
        return location_id not in (SERVER_LOCATION_ID, ORIGIN_LOCATION_ID)

    def _found(self, component_id: str) -> bytes | None:
        """Return what is there of a component."""
        if self.is_upload:
            return self.server.content(component_id)
        # The structure makes folders of the first characters of an id.
        found = [path for path in self._final_files() if path.stem == component_id[4:]]
        return found[0].read_bytes() if found else None

    def _final_files(self) -> list[Path]:
        """Return the files that stand under their final names."""
        return [path for path in self.folder.rglob("*.bin") if not path.name.startswith(".")]

    def _is_lost(self) -> bool:
        if self.before is None:
            return False
        name, content = self.before
        kept = [self.server.content(component) == content for component in self._registered(name)]
        return kept != [True]


def _was_read(call: dict[str, Any]) -> bool:
    """Whether the server has read a request to its end, as far as it had one."""
    return call["status"] == 200 or bool(_READ_ALL & set(call["faults"]))
