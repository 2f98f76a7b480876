"""Who is called when an event comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from ftrack_rs.event.base import Event
from ftrack_rs.event.subscription import Subscription


class Subscriber:
    """A callback, the events it wants, and its place among the other callbacks.

    Attributes:
        subscription: Which events it wants.
        callback: What is called with the event.
        metadata: What the target of an event is tested against; holds at least ``id``.
        priority: Place among the subscribers; lower ones are called first.
    """

    #: Hubs keep subscribers sorted, and do so anew when this is another object than before.
    last_change: ClassVar[object] = object()

    def __init__(
        self,
        subscription: str,
        callback: Callable[[Event], Any],
        metadata: dict[str, Any],
        priority: float,
    ) -> None:
        """Initialise the subscriber.

        Raises:
            ParseError: If *subscription* cannot be parsed.
        """
        self.subscription = Subscription(subscription)
        self.callback = callback
        self.metadata = metadata
        self.priority = priority

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute, and let the hubs know."""
        super().__setattr__(name, value)
        Subscriber.last_change = object()

    def __str__(self) -> str:
        """Return the class, the metadata and the subscription."""
        return (
            f'<{type(self).__name__} metadata={self.metadata} subscription="{self.subscription}">'
        )

    def interested_in(self, event: Mapping[str, Any]) -> bool:
        """Return whether the subscriber wants *event*."""
        return self.subscription.includes(event)
