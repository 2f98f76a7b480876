"""Calls the subscribers of a hub with the events that they want."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ftrack_rs._core import EventExpression
from ftrack_rs.event.base import Event
from ftrack_rs.event.roster import Roster
from ftrack_rs.event.subscriber import Subscriber
from ftrack_rs.exception import NotUniqueError
from ftrack_rs.logging import LazyLogMessage as L

Callback = Callable[[Event], Any]


class Dispatch:
    """The subscribers, without the way that events take to get here.

    Attributes:
        logger: Where the hub logs to.
    """

    def __init__(self) -> None:
        """Initialise without subscribers."""
        self.logger = logging.getLogger(f"ftrack_api.event.hub.{type(self).__name__}")
        self._lock = threading.RLock()
        self._subscribers: list[Subscriber] = []
        self._last_roster: Roster | None = None

    def get_subscriber_by_identifier(self, identifier: str) -> Subscriber | None:
        """Return the subscriber of that id, or None."""
        for subscriber in self._subscribers[:]:
            if subscriber.metadata.get("id") == identifier:
                return subscriber
        return None

    def publish_reply(
        self, source_event: Event, data: Any, source: Mapping[str, Any] | None = None
    ) -> None:
        """Publish *data* as the reply to *source_event*."""
        raise NotImplementedError

    def _add_subscriber(
        self,
        subscription: str,
        callback: Callback,
        subscriber: dict[str, Any] | None = None,
        priority: float = 100,
    ) -> Subscriber:
        import uuid

        metadata = {} if subscriber is None else subscriber
        metadata.setdefault("id", uuid.uuid4().hex)
        added = Subscriber(subscription, callback, metadata, priority)
        with self._lock:
            if self.get_subscriber_by_identifier(metadata["id"]) is not None:
                raise NotUniqueError(
                    "Subscriber with identifier {identifier} already exists.",
                    {"identifier": metadata["id"]},
                )
            self._subscribers.append(added)
        return added

    def _handle(self, event: Event, synchronous: bool = False) -> list[Any]:
        """Call the subscribers that want *event*, in order of priority.

        An error in one of them is logged and does not keep the event from the others. What they
        return is published as replies, unless the event is *synchronous*.

        Returns:
            What the callbacks returned, without those that failed.
        """
        results: list[Any] = []
        try:
            text = event.get("target")
            target = EventExpression(text) if text else None
        except Exception:
            self.logger.exception(L("Event {0} has a target that cannot be parsed.", event))
            return results
        for subscriber, wants in self._roster().candidates(event):
            try:
                if target is not None and not target.match(subscriber.metadata):
                    continue
                if not wants and not subscriber.interested_in(event):
                    continue
                response = subscriber.callback(event)
            except Exception:
                self.logger.exception(
                    L("Error calling subscriber {0} for event {1}.", subscriber, event)
                )
            else:
                results.append(response)
                if response is not None and not synchronous:
                    self._reply(event, response, subscriber)
            if event.is_stopped():
                self.logger.debug(L("Subscriber {0} stopped event {1}.", subscriber, event))
                break
        return results

    def _roster(self) -> Roster:
        """Return the roster of the present subscribers."""
        roster = self._last_roster
        if roster is None or roster.is_outdated(self._subscribers):
            roster = self._last_roster = Roster(self._subscribers)
        return roster

    def _reply(self, event: Event, response: Any, subscriber: Subscriber) -> None:
        try:
            self.publish_reply(event, data=response, source=subscriber.metadata)
        except Exception:
            self.logger.exception(
                L("Error publishing the reply of {0} to event {1}.", subscriber, event)
            )
