"""A transfer as one line of a terminal."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from ftrack_rs.transfer import Progress

#: Fewer columns than these hold no bar that would say anything.
_LEAST_BAR = 10


class ProgressBar:
    """Draws the progress of a transfer; to be given as `on_progress`.

    On a terminal one line is drawn over and over. Elsewhere, as in the log of a farm, a line is
    written at the end.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        """Draw to *stream*; to the standard error stream by default."""
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._last = ""

    def __call__(self, progress: Progress) -> None:
        """Draw *progress* in place of what was drawn before."""
        line = describe(progress)
        if self._is_terminal:
            width = shutil.get_terminal_size().columns - 1
            line = with_bar(line, progress, width)
            self._write(f"\r{line.ljust(len(self._last))}")
        self._last = line

    def close(self) -> None:
        """Leave the last line as it is, and what is written next to a line of its own."""
        if self._last:
            self._write("\n" if self._is_terminal else f"{self._last}\n")
        self._last = ""

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def describe(progress: Progress) -> str:
    """Return how far a transfer is, such as `7 of 50 files, 1.2 of 3.4 GB, 98 MB/s, 0:22 left`."""
    parts = [
        f"{progress.finished_files} of {progress.files} files",
        f"{size_text(progress.transferred_bytes)} of {size_text(progress.total_bytes)}",
    ]
    if progress.rate:
        parts.append(f"{size_text(progress.rate)}/s")
    if progress.eta:
        minutes, seconds = divmod(round(progress.eta), 60)
        parts.append(f"{minutes}:{seconds:02} left")
    return ", ".join(parts)


def with_bar(line: str, progress: Progress, width: int) -> str:
    """Return *line* with a bar before it that fills *width* columns, or cut to fit into them."""
    length = min(width - len(line) - 8, 40)
    if length < _LEAST_BAR:
        return line[:width]
    done = round(progress.fraction * length)
    bar = "#" * done + "-" * (length - done)
    return f"[{bar}] {progress.fraction:4.0%} {line}"


def size_text(count: float) -> str:
    """Return a number of bytes as people read it."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB" if count < 1000 else f"{count / 1000:.3g} TB"
