"""Which events a subscriber wants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ftrack_rs._core import EventExpression
from ftrack_rs.event.expression import Expression, Parser


class Subscription:
    """An expression that events are tested against."""

    parser = Parser()

    def __init__(self, subscription: str) -> None:
        """Initialise with the text of the expression.

        Raises:
            ParseError: If it cannot be parsed.
        """
        self._subscription = subscription
        # A parser that a subclass brings decides itself what its expressions mean.
        self._expression: Expression | EventExpression = (
            EventExpression(subscription)
            if type(self.parser) is Parser
            else self.parser.parse(subscription)
        )

    def __str__(self) -> str:
        """Return the text of the expression."""
        return self._subscription

    def includes(self, event: Mapping[str, Any]) -> bool:
        """Return whether *event* is wanted."""
        return self._expression.match(event)
