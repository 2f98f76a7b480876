"""The files that a component is made of."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property

from ftrack_rs._core import parse_sequence


class SourceFiles:
    """A file, or the frames of a sequence.

    Attributes:
        path: How it was given.
        sequence: The sequence; None for a file.
    """

    def __init__(self, path: str | os.PathLike[str], size_of: Callable[[str], int]) -> None:
        """Read *path*; files are looked at with *size_of* when their sizes are asked for.

        Raises:
            ParseError: If *path* ends like a sequence but is none.
        """
        self.path = os.fspath(path)
        self.sequence = parse_sequence(self.path)
        self._size_of = size_of

    @cached_property
    def members(self) -> list[tuple[str, str]]:
        """The path and the number of each frame; for a file its path and no number."""
        return self.sequence.members() if self.sequence else [(self.path, "")]

    @property
    def paths(self) -> list[str]:
        """The paths of all files."""
        return [path for path, _ in self.members]

    @cached_property
    def sizes(self) -> list[int]:
        """The sizes of all files in bytes."""
        return [self._size_of(path) for path in self.paths]
