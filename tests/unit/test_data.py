"""Data reads and writes like a file."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest

from ftrack_rs.data import Data, File, FileWrapper, String


class Endless(Data):
    """Data without positions."""

    def read(self, limit: int | None = None) -> bytes:
        return b"x" * (limit or 1)

    def write(self, content: bytes) -> None:
        raise OSError("read-only")


def test_file_is_read_and_written(tmp_path: Path) -> None:
    path = tmp_path / "data.bin"
    data = File(path, "wb+")
    data.write(b"one two three")
    data.seek(4)
    assert data.read(3) == b"two"
    data.write(b"-")
    assert data.tell() == 8
    data.seek(-5, os.SEEK_END)
    assert data.read() == b"three"
    data.close()
    data.close()
    assert data.closed
    assert path.read_bytes() == b"one two-three"


@pytest.mark.parametrize(
    ("content", "limit", "expected"),
    [
        ("grün", None, "grün"),
        (b"gr\xc3\xbcn", None, b"gr\xc3\xbcn"),
        ("grün", 2, "gr"),
        ("grün", 3, "grü"),
        ("", None, ""),
        (None, None, b""),
        ("€uro", 1, "€"),
    ],
)
def test_string_gives_back_what_it_was_given(content: Any, limit: Any, expected: Any) -> None:
    data = String(content)
    assert data.read(limit) == expected
    data.close()


def test_string_that_is_no_text_is_an_error() -> None:
    data = String("text")
    data.wrapped_file.write(b"\xff")
    data.seek(0)
    with pytest.raises(UnicodeDecodeError):
        data.read()
    data.close()


def test_wrapper_flushes_and_closes_what_it_wraps() -> None:
    wrapped = io.BytesIO()
    data = FileWrapper(wrapped)
    data.write(b"x")
    data.flush()
    data.close()
    assert wrapped.closed


def test_wrapper_needs_neither_flush_nor_close() -> None:
    class Source:
        def read(self, limit: int) -> bytes:
            return b"abc"[:limit]

    data = FileWrapper(Source())
    assert data.read(2) == b"ab"
    data.close()
    assert data.closed


def test_data_without_positions_says_so() -> None:
    data = Endless()
    with pytest.raises(NotImplementedError, match="Endless"):
        data.seek(1)
    with pytest.raises(NotImplementedError, match="Endless"):
        data.tell()
    data.close()
    assert data.closed
