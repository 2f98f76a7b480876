"""Tells whether a method has been replaced, so that native code may not take its place."""

from __future__ import annotations

from typing import Any


def is_own(thing: Any, method: str, kind: type) -> bool:
    """Return whether *method* of *thing* is the one of *kind*, and not replaced or mocked."""
    is_inherited = getattr(type(thing), method, None) is getattr(kind, method)
    return is_inherited and method not in getattr(thing, "__dict__", ())
