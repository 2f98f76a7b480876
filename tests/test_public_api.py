"""The public names of the package itself."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import ftrack_rs

OFFICIAL_MODULES = {
    "accessor",
    "attribute",
    "cache",
    "collection",
    "data",
    "entity",
    "event",
    "exception",
    "inspection",
    "logging",
    "operation",
    "plugin",
    "query",
    "session",
    "structure",
    "symbol",
}


def test_the_package_offers_few_names_beside_those_of_modules() -> None:
    assert set(ftrack_rs.__all__) - OFFICIAL_MODULES == {
        "Session",
        "Transfer",
        "__version__",
        "install_as_ftrack_api",
        "mixin",
    }


def test_everything_is_imported_by_a_star() -> None:
    names: dict[str, object] = {}
    exec("from ftrack_rs import *", names)
    assert names.keys() >= OFFICIAL_MODULES | {"Session", "mixin"}
    assert names["event"] is ftrack_rs.event


def test_one_import_makes_every_module_reachable() -> None:
    program = """
import ftrack_rs
ftrack_rs.event.base.Event
ftrack_rs.structure.standard.StandardStructure
ftrack_rs.exception.Error
ftrack_rs.entity.location.Location
ftrack_rs.accessor.disk.DiskAccessor
ftrack_rs._centralized_storage_scenario.register
"""
    environment = {**os.environ, "FTRACK_RS_ALLOW_DEBUG": "1"}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


def test_everything_native_is_documented_in_its_stubs() -> None:
    stubs = Path(ftrack_rs.__path__[0], "_core.pyi").read_text(encoding="utf-8")
    silent = [
        f"{node.name} in line {node.lineno}"
        for node in ast.walk(ast.parse(stubs))
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not ast.get_docstring(node)
    ]
    assert silent == []
