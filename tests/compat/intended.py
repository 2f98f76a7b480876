"""The programs that are to give something else than with the official client, and why."""

from __future__ import annotations

#: For each the heading of docs/differences.md that says why.
INTENDED: dict[str, str] = {}
