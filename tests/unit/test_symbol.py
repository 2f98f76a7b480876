"""Symbols are constants."""

from __future__ import annotations

import copy
import subprocess
import sys

import pytest

from ftrack_rs import symbol


@pytest.mark.parametrize(
    ("name", "text", "truth"),
    [
        ("NOT_SET", "NOT_SET", False),
        ("CREATED", "CREATED", True),
        ("MODIFIED", "MODIFIED", True),
        ("DELETED", "DELETED", True),
        ("JOB_SYNC_USERS_LDAP", "SYNC_USERS_LDAP", True),
    ],
)
def test_symbols(name: str, text: str, truth: bool) -> None:
    value = getattr(symbol, name)
    assert (str(value), repr(value), bool(value)) == (text, f"Symbol({text})", truth)
    assert copy.copy(value) is value
    assert copy.deepcopy({"key": value})["key"] is value


@pytest.mark.parametrize(
    ("setting", "size"), [("", 1024 * 1024), ("0", 1024 * 1024), ("4096", 4096)]
)
def test_chunk_size_comes_from_the_environment(setting: str, size: int) -> None:
    output = subprocess.run(
        [sys.executable, "-c", "from ftrack_rs.symbol import CHUNK_SIZE; print(CHUNK_SIZE)"],
        env={"PYTHONPATH": ":".join(sys.path), "FTRACK_API_FILE_CHUNK_SIZE": setting},
        capture_output=True,
        check=True,
        text=True,
    )
    assert int(output.stdout) == size
