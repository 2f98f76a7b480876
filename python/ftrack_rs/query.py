"""The lazy result of a query."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ftrack_rs import _core, exception

if TYPE_CHECKING:
    from ftrack_rs.entity.base import Entity

_T = TypeVar("_T")

#: Entities that one expression names.
_MOST_NAMED = 500


class QueryResult(Sequence["Entity"]):
    """Entities that a query gives, fetched a page at a time when they are looked at."""

    OFFSET_EXPRESSION = re.compile(r"(?P<offset>offset (?P<value>\d+))")
    LIMIT_EXPRESSION = re.compile(r"(?P<limit>limit (?P<value>\d+))")

    def __init__(self, session: Any, expression: str, page_size: int = 500) -> None:
        """Initialise without asking the server.

        Args:
            session: The session to query with.
            expression: What to query; an offset and a limit in it hold for the whole result.
            page_size: Number of entities to ask for at once.
        """
        self._session = session
        self._results: list[Entity] = []
        self._expression, self._offset, self._limit = self._extract_offset_and_limit(expression)
        self._page_size = page_size if self._limit is None else min(page_size, self._limit)
        self._next_offset: int | None = self._offset or 0

    def _extract_offset_and_limit(self, expression: str) -> tuple[str, int | None, int | None]:
        expression, offset = _cut(self.OFFSET_EXPRESSION, "offset", expression)
        expression, limit = _cut(self.LIMIT_EXPRESSION, "limit", expression)
        return expression.strip(), offset, limit

    def __getitem__(self, index: Any) -> Any:
        while self._can_fetch_more() and index >= len(self._results):
            self._fetch_more()
        return self._results[index]

    def __iter__(self) -> Iterator[Entity]:
        position = 0
        while True:
            # Whoever is given a row may fetch others before asking for the next.
            for row in self._results[position:]:
                position += 1
                yield row
            if position < len(self._results):
                continue
            if not self._can_fetch_more():
                return
            self._fetch_more()

    def __len__(self) -> int:
        self._fetch_rest()
        return len(self._results)

    def _can_fetch_more(self) -> bool:
        return self._next_offset is not None

    def _fetch_more(self) -> None:
        """Fetch the next page, if there is one."""
        if not self._can_fetch_more():
            return
        records, metadata = self._session._query(
            f"{self._expression} offset {self._next_offset} limit {self._page_size}"
        )
        self._take(records, metadata.get("next", {}).get("offset"))

    def _fetch_rest(self) -> None:
        """Fetch all pages that are left."""
        for records, offset in self._read_ahead() or ():
            self._take(records, offset)
        while self._can_fetch_more():
            self._fetch_more()

    def _read_ahead(self) -> Iterator[tuple[list[Any], int | None]] | None:
        """Return the pages left, each with the offset of the next; None if not native."""
        # Of the class, as whatever stands in for a session may have attributes of any name.
        read_ahead = getattr(type(self._session), "_read_ahead", None)
        limit = None if self._limit is None else self._limit - len(self._results)
        counts = [self._next_offset, self._page_size] + ([] if limit is None else [limit])
        # What is no number of rows is for the server to refuse.
        if read_ahead is None or not all(map(_is_count, counts)):
            return None
        pages: Iterator[tuple[list[Any], int | None]] | None = read_ahead(
            self._session, self._expression, self._next_offset, self._page_size, limit
        )
        return pages

    def _take(self, records: list[Any], next_offset: int | None) -> None:
        """Add a page to the results."""
        self._results.extend(records)
        if self._limit is not None and len(self._results) >= self._limit:
            self._next_offset = None
            del self._results[self._limit :]
        else:
            self._next_offset = next_offset

    def all(self) -> list[Entity]:
        """Return all entities as a list."""
        len(self)
        return list(self._results)

    def one(self) -> Entity:
        """Return the only entity, asking the server anew.

        Raises:
            MultipleResultsFoundError: If there are more.
            NoResultFoundError: If there is none.
            ValueError: If the expression holds a limit or an offset.
        """
        self._check_no_limit()
        if self._offset is not None:
            raise ValueError(
                "Expression contains an offset clause which does not make sense when selecting "
                "a single item."
            )
        # Two are enough to tell that there is more than one.
        results, _ = self._session._query(f"{self._expression} limit 2")
        if not results:
            raise exception.NoResultFoundError()
        if len(results) > 1:
            raise exception.MultipleResultsFoundError()
        only: Entity = results[0]
        return only

    def first(self) -> Entity | Any:
        """Return the first entity, or None, asking the server anew.

        Raises:
            ValueError: If the expression holds a limit.
        """
        self._check_no_limit()
        offset = "" if self._offset is None else f" offset {self._offset}"
        results, _ = self._session._query(f"{self._expression}{offset} limit 1")
        return results[0] if results else None

    def _check_no_limit(self) -> None:
        if self._limit is not None:
            raise ValueError("Expression already contains a limit clause.")


def _is_count(value: object) -> bool:
    """Return whether *value* is a number of rows as native code takes it."""
    return type(value) is int and 0 <= value < 1 << 63


def some_at_once(items: list[_T]) -> Iterator[list[_T]]:
    """Yield *items* in parts, for queries that name each: servers bound the length of those."""
    for start in range(0, len(items), _MOST_NAMED):
        yield items[start : start + _MOST_NAMED]


def quoted(value: object) -> str:
    """Return *value* as text in an expression, in quotes."""
    return _core.quoted(str(value))


def _cut(pattern: re.Pattern[str], group: str, expression: str) -> tuple[str, int | None]:
    """Return *expression* without what *pattern* finds, and the number in that."""
    match = pattern.search(expression)
    if match is None:
        return expression, None
    rest = expression[: match.start(group)] + expression[match.end(group) :]
    return rest, int(match.group("value"))
