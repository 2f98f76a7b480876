"""Tells whether a method has been replaced, so that native code may not take its place."""

from __future__ import annotations

from typing import Any, TypeVar

_Kind = TypeVar("_Kind", bound=type)

# What classes looked like before anybody could patch them.
_first_methods: dict[type, dict[str, Any]] = {}


def remembered(kind: _Kind) -> _Kind:
    """Remember the methods of a class, as a decorator; :func:`is_own` needs that."""
    _first_methods[kind] = {name: getattr(kind, name, None) for name in dir(kind)}
    return kind


def is_own(thing: Any, method: str, kind: type) -> bool:
    """Return whether *method* of *thing* is the one of *kind*, and not replaced or mocked.

    It may have been replaced in a subclass, on the instance, or on the class itself.
    """
    is_first = is_first_of(type(thing), method, kind)
    return is_first and method not in getattr(thing, "__dict__", ())


def is_first_of(inheriting: type, method: str, kind: type) -> bool:
    """Return whether a class has *method* from *kind*, as that was first."""
    return getattr(inheriting, method, None) is _first_methods[kind][method]
