"""Prints an entity and what it refers to as readable text."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, MutableSequence
from dataclasses import dataclass
from typing import Any

from ftrack_rs.inspection import identity
from ftrack_rs.symbol import NOT_SET

AttributeFilter = Callable[[Any, str, Any], bool]
TextFormatter = Callable[[str], str]

#: Filters for the *attribute_filter* of :func:`format`.
FILTER: dict[str, AttributeFilter] = {
    "ignore_unset": lambda entity, name, value: value is not NOT_SET
}


def format(
    entity: Any,
    formatters: Mapping[str, TextFormatter] | None = None,
    attribute_filter: AttributeFilter | None = None,
    recursive: bool = False,
    indent: int = 0,
    indent_first_line: bool = True,
    _seen: Iterable[str] | None = None,
) -> str:
    """Return *entity* as text: its type, then one line for each attribute, sorted by name.

    Every attribute is read, which may query the server many times; switch auto-populating off to
    print only what is loaded.

    Args:
        entity: What to print.
        formatters: How to print the type (``header``) and the attribute names (``label``); by
            default in colour on a terminal.
        attribute_filter: Called with entity, attribute name and value; False leaves the attribute
            out. See :data:`FILTER`.
        recursive: Whether to print the entities in collections as well.
        indent: Spaces in front of every line.
        indent_first_line: Whether the first line is indented, too.
    """
    styles = {"header": _header, "label": _label, **(formatters or {})}
    writer = _Writer(styles["header"], styles["label"], attribute_filter, recursive)
    text = writer.entity(entity, indent, frozenset(_seen or ()))
    return " " * indent + text if indent_first_line else text


@dataclass(frozen=True)
class _Writer:
    """How to print, which is the same all the way down."""

    header: TextFormatter
    label: TextFormatter
    attribute_filter: AttributeFilter | None
    recursive: bool

    def entity(self, entity: Any, indent: int, seen: frozenset[str]) -> str:
        """Return *entity* as text whose first line is not indented."""
        identifier = str(identity(entity))
        title = self.header(entity.entity_type)
        if identifier in seen:
            return title + "{...}"
        lines = [title]
        for name, value in sorted(entity.items(), key=lambda item: item[0]):
            if self.attribute_filter and not self.attribute_filter(entity, name, value):
                continue
            text = self._value(value, indent + len(name) + 3, seen | {identifier})
            lines.append(f"{' ' * indent} {self.label(name)}: {text}")
        return "\n".join(lines)

    def _value(self, value: Any, indent: int, seen: frozenset[str]) -> str:
        if _is_entity(value):
            return self.entity(value, indent, seen)
        if self.recursive and _is_collection(value):
            return ("\n" + " " * indent).join(self.entity(item, indent, seen) for item in value)
        return str(value)


def _is_entity(value: Any) -> bool:
    return isinstance(value, Mapping) and hasattr(value, "primary_key_attributes")


def _is_collection(value: Any) -> bool:
    return isinstance(value, MutableSequence) and hasattr(value, "attribute")


def _header(text: str) -> str:
    return f"\x1b[1m\x1b[44m\x1b[97m{text}\x1b[0m\x1b[0m" if _colours_wanted() else text


def _label(text: str) -> str:
    return f"\x1b[1m\x1b[34m{text}\x1b[0m\x1b[0m" if _colours_wanted() else text


def _colours_wanted() -> bool:
    if "ANSI_COLORS_DISABLED" in os.environ or "NO_COLOR" in os.environ:
        return False
    if "FORCE_COLOR" in os.environ:
        return True
    terminal = hasattr(sys.stdout, "isatty") and sys.stdout.isatty()
    return terminal and os.environ.get("TERM") != "dumb"
