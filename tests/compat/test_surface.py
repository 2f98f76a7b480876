"""No public name, argument or default of the official client is missing or different."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import surface

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def described(python: str, package: str) -> dict[str, Any]:
    finished = subprocess.run(
        [python, str(HERE / "describe_surface.py"), package],
        env={**os.environ, "FTRACK_RS_ALLOW_DEBUG": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    description: dict[str, Any] = json.loads(finished.stdout)
    return description


@pytest.fixture(scope="module")
def surface_differences(reference_python: str) -> set[str]:
    return surface.differences(
        described(reference_python, "ftrack_api"), described(sys.executable, "ftrack_rs")
    )


def documented_names() -> list[str]:
    """Return what the table "Names" of docs/differences.md lists."""
    text = (ROOT / "docs" / "differences.md").read_text(encoding="utf-8")
    section = re.search(r"^## Names\n(.*?)^## ", text, re.DOTALL | re.MULTILINE)
    assert section is not None
    return re.findall(r"^\| `([^`]+)` \|", section.group(1), re.MULTILINE)


def test_no_name_is_missing_or_different_but_for_what_is_documented(
    surface_differences: set[str],
) -> None:
    documented = documented_names()
    assert {
        difference
        for difference in surface_differences
        if not any(difference.startswith(name) for name in documented)
    } == set()


def test_every_documented_name_does_differ(surface_differences: set[str]) -> None:
    assert [
        name
        for name in documented_names()
        if not any(difference.startswith(name) for difference in surface_differences)
    ] == []
