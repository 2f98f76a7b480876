"""Finds among many subscribers those that want an event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter

from ftrack_rs._core import EventExpression, EventExpressions
from ftrack_rs.event.base import Event
from ftrack_rs.event.subscriber import Subscriber
from ftrack_rs.event.subscription import Subscription

_INTERESTED_IN = Subscriber.interested_in
_INCLUDES = Subscription.includes


class Roster:
    """Subscribers in the order in which they are called, with their expressions side by side.

    What subscribers ask for in common is looked up and compared once for an event, by native code,
    so that a thousand of them cost little more than a few.
    """

    def __init__(self, subscribers: Sequence[Subscriber]) -> None:
        """Initialise with the *subscribers* of this moment."""
        self._change = Subscriber.last_change
        self._listed = list(subscribers)
        self._sorted = sorted(self._listed, key=attrgetter("priority"))
        self._expressions = EventExpressions([_expression(one) for one in self._sorted])

    def is_outdated(self, subscribers: Sequence[Subscriber]) -> bool:
        """Return whether the subscribers are others by now, or one of them has been changed."""
        return self._change is not Subscriber.last_change or self._listed != subscribers

    def candidates(self, event: Event) -> Iterator[tuple[Subscriber, bool]]:
        """Yield the subscribers that may want *event*, each with whether it does for sure.

        What one of them makes of the event is known when the next is looked for.
        """
        for place, wants in self._expressions.matching(event):
            yield self._sorted[place], wants


def _expression(subscriber: Subscriber) -> EventExpression | None:
    """Return what alone decides whether *subscriber* wants an event; None if it has to be asked."""
    subscription = subscriber.subscription
    is_plain = (
        type(subscriber).interested_in is _INTERESTED_IN
        and "interested_in" not in vars(subscriber)
        and type(subscription).includes is _INCLUDES
        and "includes" not in vars(subscription)
    )
    expression = subscription._expression if is_plain else None
    return expression if isinstance(expression, EventExpression) else None
