"""Compares what two packages offer, as `describe_surface.py` describes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Description = dict[str, Any]


def differences(official: Description, own: Description) -> set[str]:
    """Return what *own* lacks of *official* or has differently, each as `module.name: how`."""
    return {
        f"{module}.{name}: {difference}".lstrip(".")
        for module, members in official.items()
        for name, member in members.items()
        # What a module merely imports is compared where it is defined.
        if member.get("module", module) == module
        for difference in _in_member(member, own.get(module, {}).get(name))
    }


def _in_member(official: Description, own: Description | None) -> Iterator[str]:
    if own is None:
        yield "missing"
    elif official["kind"] != own["kind"]:
        yield f"{own['kind']} in place of {official['kind']}"
    elif official["kind"] == "class":
        yield from _in_class(official, own)
    else:
        yield from _in_value(official, own)


def _in_class(official: Description, own: Description) -> Iterator[str]:
    ancestors = [_leaf(name) for name in own["ancestors"]]
    expected = [_leaf(name) for name in official["ancestors"]]
    # Further ancestors in between, which nobody else can know of, make no difference.
    if [name for name in ancestors if name in expected] != expected:
        yield f"ancestors are {ancestors} in place of {expected}"
    for key in ("builtin_ancestors", "abstract"):
        missing = set(official[key]) - set(own[key])
        if missing:
            yield f"{key} lack {sorted(missing)}"
    for name, member in official["members"].items():
        found = own["members"].get(name)
        if found is None and member.get("signature") == [["self", "POSITIONAL_OR_KEYWORD", ""]]:
            continue
        for difference in _in_member(member, found):
            yield f"{name} {difference}"


def _in_value(official: Description, own: Description) -> Iterator[str]:
    for key, value in official.items():
        if own.get(key) != value:
            yield f"{key} is {own.get(key)} in place of {value}"


def _leaf(name: str) -> str:
    return name.rpartition(".")[2]
