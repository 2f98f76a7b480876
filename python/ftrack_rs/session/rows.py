"""Rows of the last queries, so that what one of them lacks is loaded for all of them at once.

Code that walks through a result reads the same attributes of every row. Loading these row by row is
what makes such code slow.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from ftrack_rs.symbol import NOT_SET

#: Pages that are remembered: enough for results within results, few enough to be looked through.
_PAGES = 8


class RecentRows:
    """The pages that the last queries gave."""

    def __init__(self) -> None:
        """Initialise without pages."""
        self._pages: deque[list[Any]] = deque(maxlen=_PAGES)

    def add(self, page: list[Any]) -> None:
        """Remember *page*, which is not changed any more."""
        if len(page) > 1:
            self._pages.append(page)

    def lacking(self, entity: Any, name: str) -> list[Any]:
        """Return *entity*, and the rows of its page whose attribute *name* is not loaded either.

        Args:
            entity: An entity that lacks the attribute.
            name: Name of the attribute.
        """
        for page in reversed(tuple(self._pages)):
            if any(row is entity for row in page):
                others = [row for row in page if row is not entity and _is_like(row, entity, name)]
                return [entity, *others]
        return [entity]


def _is_like(row: Any, entity: Any, name: str) -> bool:
    return row.entity_type == entity.entity_type and row._get_remote(name) is NOT_SET
