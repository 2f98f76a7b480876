"""What programs that use the package say under `mypy --strict`."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import ftrack_rs
from ftrack_rs import Session
from ftrack_rs.publish import Publisher

_PROGRAM = """
from __future__ import annotations
from typing import Any, Optional
import ftrack_rs
from ftrack_rs.entity.base import Entity
from ftrack_rs.structure.standard import StandardStructure

def task(session: ftrack_rs.Session) -> Entity:
    return session.query("Task").one()

def perhaps(session: ftrack_rs.Session) -> Optional[Entity]:
    return session.get("Task", "1") or session.query("Task").first()

def made(session: ftrack_rs.Session) -> list[Entity]:
    notes = [session.ensure("Note", {"content": "warmer"})]
    return [session.create("Task", {"name": "light"}), *notes, *session.query("Shot")]

def found(session: ftrack_rs.Session) -> list[Entity]:
    return session.query("Task").all()

# Nobody has to say more than a script for the official client says.
def loosely(session: ftrack_rs.Session) -> str:
    location = session.query("Location").first()
    location.structure = Flat()
    task(session).create_note("warmer", location)
    with session.publisher(wait="encode") as publisher:
        publisher.version("lighting").component("main", "a.exr", locations="ftrack.server")
    return str(session.query("Task").first()["parent"]["name"].upper())

class Flat(StandardStructure):
    def get_resource_identifier(self, entity: Any, context: dict[str, Any] | None = None) -> str:
        return "flat/" + super().get_resource_identifier(entity, context)
"""


def test_a_typed_program_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mypy = pytest.importorskip("mypy.api")
    (tmp_path / "program.py").write_text(_PROGRAM)
    monkeypatch.setenv("MYPYPATH", str(Path(ftrack_rs.__file__).parents[1]))
    options = ["--strict", "--config-file=", f"--cache-dir={tmp_path / 'cache'}"]
    said, failed, _ = mypy.run([*options, str(tmp_path / "program.py")])
    assert said.startswith("Success"), said + failed


def test_a_session_takes_what_its_publisher_takes() -> None:
    def options(function: object) -> dict[str, inspect.Parameter]:
        parameters = inspect.signature(function).parameters  # type: ignore[arg-type]
        return {name: it for name, it in parameters.items() if name not in ("self", "session")}

    assert options(Session.publisher) == options(Publisher.__init__)
