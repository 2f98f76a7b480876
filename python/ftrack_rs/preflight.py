"""A look at the frames of a sequence before any of its bytes moves.

Frames that are missing or empty are an error that lists all of them, raised before anything is
created. What may be right, such as a frame far smaller than the others, is logged.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import groupby
from typing import Any

from ftrack_rs import exception, transfer
from ftrack_rs._core import Sequence as NativeSequence
from ftrack_rs._core import inspect_frames

_logger = logging.getLogger("ftrack_api.preflight")

#: What is certainly not meant to be published, and how an error calls it.
_FATAL = {"missing": "are missing", "empty": "have no content"}

#: What may be right, and how a warning calls it.
_SUSPICIOUS = {
    "unreadable": "cannot be read",
    "growing": "are still being written",
    "odd size": "differ much in size from the others",
}

#: Most runs of frames that a text names; the details of an error hold all.
_MOST_RUNS = 8

#: Whether what the code that runs adds to a location was looked at when the call began.
_has_passed: ContextVar[bool] = ContextVar("has passed the preflight", default=False)


@contextmanager
def passed(sequence: NativeSequence | None) -> Iterator[None]:
    """Surround the publishing of *sequence*, whose frames are looked at once, before it begins.

    Raises:
        PreflightError: If frames are missing or empty.
    """
    if sequence:
        inspect(sequence.pattern, sequence.members())
    token = _has_passed.set(True)
    try:
        yield
    finally:
        _has_passed.reset(token)


def inspect(sequence: str, members: Sequence[tuple[str, str]]) -> None:
    """Look at the frames of a sequence, unless that is switched off or was done.

    Args:
        sequence: How the sequence is called in messages.
        members: The path and the number of each frame.

    Raises:
        PreflightError: If frames are missing or empty.
    """
    settings = transfer.current() or transfer.Transfer()
    if settings.preflight == "off" or _has_passed.get():
        return
    _, findings = inspect_frames([path for path, _ in members], settings.recent)
    found: dict[str, list[int]] = {}
    for index, defect in findings:
        found.setdefault(defect, []).append(index)
    for defect in found.keys() & _SUSPICIOUS.keys():
        numbers = [members[index][1] for index in found[defect]]
        _logger.warning("Frames %s of %s %s.", ranges(numbers), sequence, _SUSPICIOUS[defect])
    if found.keys() & _FATAL.keys():
        raise _error(sequence, members, found)


def _error(
    sequence: str, members: Sequence[tuple[str, str]], found: dict[str, list[int]]
) -> exception.PreflightError:
    faults = [
        f"frames {ranges([members[index][1] for index in found[defect]])} {text}"
        for defect, text in _FATAL.items()
        if defect in found
    ]
    details: dict[str, Any] = {
        defect: [members[index][0] for index in found.get(defect, ())] for defect in _FATAL
    }
    return exception.PreflightError(
        "{sequence} is not complete: {faults}. Nothing has been transferred.",
        details={"sequence": sequence, "faults": " and ".join(faults), **details},
    )


def ranges(numbers: Sequence[str]) -> str:
    """Return frame numbers in a short form, such as `0001-0004, 0007`, or `... and 12 more`."""
    if all(number.isdecimal() for number in numbers):
        runs = list(_runs(numbers))
    else:
        runs = [[number] for number in numbers]
    text = ", ".join("-".join(dict.fromkeys((run[0], run[-1]))) for run in runs[:_MOST_RUNS])
    others = sum(map(len, runs[_MOST_RUNS:]))
    return f"{text} and {others} more" if others else text


def _runs(numbers: Sequence[str]) -> Iterator[list[str]]:
    ordered = sorted(numbers, key=int)
    for _, run in groupby(enumerate(ordered), key=lambda item: int(item[1]) - item[0]):
        yield [number for _, number in run]
