"""Brings publishers and subscribers of events together.

Synchronous events are handled here and now: every subscriber of this hub that wants the event is
called in order of priority. Other events are packets of socket.io 0.9, sent to and received from
the event server over a connection. The way of a received packet is::

    connection -> _handle_packet (native thread) -> _event_queue -> wait -> _handle (waiting thread)

Subscribers and what calls them are in :mod:`.dispatch`, the connection and what keeps it are in
:mod:`.link`; this module joins both.

Modules of the standard library that take long to import are imported where they are used, for the
sake of scripts that never publish an event.
"""

from __future__ import annotations

import functools
import queue
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from ftrack_rs._core import Client
from ftrack_rs.event.base import Event
from ftrack_rs.event.delivery import Acknowledged, Durable
from ftrack_rs.event.dispatch import Callback
from ftrack_rs.event.link import HubHealth, Link
from ftrack_rs.event.socket_io import ServerDetails, SocketIoSession
from ftrack_rs.event.subscriber import Subscriber
from ftrack_rs.event.workers import Pool, Workers
from ftrack_rs.exception import EventHubConnectionError, NotFoundError, NotUniqueError
from ftrack_rs.logging import LazyLogMessage as L
from ftrack_rs.overrides import is_own, remembered

__all__ = ["EventHub", "HubHealth", "ServerDetails", "SocketIoSession", "Workers"]

# Seconds between looks at the clock while waiting for events.
_WAIT_STEP = 0.1
# Nothing tells when the last reply to an event has come, so the oldest are given up.
_MOST_REPLY_CALLBACKS = 10_000
# Seconds that the server may be silent while it looks for what has changed.
_QUERY_TIMEOUT = 60.0


@remembered
class EventHub(Link):
    """Routes events between publishers and subscribers.

    Attributes:
        id: Unique id of the hub: the source of its events, and the target of replies to them.
        server: The parts of the URL of the server.
        logger: Where the hub logs to.
        reconnect_cap: The most seconds between two attempts to make a lost connection again.
    """

    def __init__(
        self,
        server_url: str,
        api_user: str,
        api_key: str,
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
    ) -> None:
        """Initialise a hub that is not connected.

        Args:
            server_url: URL of the ftrack server, with its scheme.
            api_user: Name of the user who connects.
            api_key: API key of the user.
            headers: More headers for the requests to the server.
            cookies: Cookies for the requests to the server.

        Raises:
            ValueError: If *server_url* has no scheme or no host.
            TypeError: If *headers* or *cookies* is no mapping.
        """
        import uuid

        super().__init__(
            server_url,
            api_user,
            api_key,
            _as_dict("headers", headers),
            _as_dict("cookies", cookies),
        )
        self.id = uuid.uuid4().hex
        self._reply_callbacks: OrderedDict[str, Callback] = OrderedDict()
        # Set, under the lock, while a new connection is told of the subscribers.
        self._announcing = False

    @property
    def secure(self) -> bool:
        """Whether the connection is encrypted."""
        return self.server.scheme == "https"

    def wait(self, duration: float | None = None, *, workers: int | Workers | None = None) -> None:
        """Handle events as they arrive, until the hub is disconnected.

        Args:
            duration: Seconds after which to return; None for never.
            workers: Threads that handle events side by side, those about the same entity in their
                order; how many, or :class:`.Workers` for more choices. If None, events are handled
                one after another by the thread that calls this.

        Raises:
            EventHubConnectionError: If no connection has been announced.
            TypeError: If *workers* is neither a whole number nor :class:`.Workers`.
            ValueError: If there are fewer than one worker.
        """
        self._connect_if_forked()
        if not self._connection_initialised:
            raise EventHubConnectionError(
                "The event hub has no connection to {server_url}, so only synchronous events "
                "work; connect it, or make the session with auto_connect_event_hub=True.",
                {"server_url": self.get_server_url()},
            )
        if workers is None:
            last = self._take_events(duration, self._handle, lambda: None)
        else:
            settings = workers if isinstance(workers, Workers) else Workers(workers)
            with Pool(settings, self._handle, self._on_dropped) as pool:
                last = self._take_events(duration, pool.submit, pool.check)
        if last is not None:
            self._handle(last)

    def subscribe(
        self,
        subscription: str,
        callback: Callback,
        subscriber: dict[str, Any] | None = None,
        priority: float = 100,
    ) -> str:
        """Call *callback* with every event that *subscription* includes.

        Args:
            subscription: An expression such as ``topic=ftrack.update and data.version>=2``; see
                :mod:`ftrack_rs.event.expression`.
            callback: Called with the event. What it returns is sent as a reply, unless it is None.
            subscriber: What the target of an event is tested against; an ``id`` is added.
            priority: Place among the subscribers of this hub; lower ones are called first.

        Returns:
            The id of the subscriber.

        Raises:
            ParseError: If *subscription* cannot be parsed.
            NotUniqueError: If there is a subscriber of that id.
        """
        self._connect_if_forked()
        # Locked, so that a new connection announces either all of it or nothing.
        with self._lock:
            added = self._add_subscriber(subscription, callback, subscriber, priority)
            self._notify_server_about_subscriber(added)
        identifier: str = added.metadata["id"]
        return identifier

    def unsubscribe(self, subscriber_identifier: str) -> None:
        """Call a subscriber no longer.

        Raises:
            NotFoundError: If there is no subscriber of that id.
        """
        with self._lock:
            subscriber = self.get_subscriber_by_identifier(subscriber_identifier)
            if subscriber is None:
                raise NotFoundError(
                    "Cannot unsubscribe missing subscriber with identifier {identifier}",
                    {"identifier": subscriber_identifier},
                )
            self._subscribers.remove(subscriber)
            unsubscribe = Event("ftrack.meta.unsubscribe", data={"subscriber": subscriber.metadata})
            self._notify_server(unsubscribe, functools.partial(self._on_unsubscribed, subscriber))

    @contextmanager
    def subscription(
        self,
        subscription: str,
        callback: Callback,
        subscriber: dict[str, Any] | None = None,
        priority: float = 100,
    ) -> Iterator[str]:
        """Subscribe for the length of a ``with`` block; takes what :meth:`subscribe` takes."""
        identifier = self.subscribe(subscription, callback, subscriber, priority)
        try:
            yield identifier
        finally:
            self.unsubscribe(identifier)

    def publish(
        self,
        event: Event,
        synchronous: bool = False,
        on_reply: Callback | None = None,
        on_error: str = "raise",
    ) -> Any:
        """Publish *event*.

        Args:
            event: The event; its source is filled in.
            synchronous: Whether to call the subscribers of this hub, and only those, right now.
            on_reply: Called with every reply to the event; never if it is synchronous.
            on_error: ``"ignore"`` to pass over errors.

        Returns:
            For a synchronous event, what the callbacks returned, in their order.

        Raises:
            EventHubConnectionError: If the event has to be sent and the hub is not connected.
        """
        try:
            return self._publish(event, synchronous=synchronous, on_reply=on_reply)
        except Exception:
            if on_error == "ignore":
                return None
            raise

    def publish_reply(
        self, source_event: Event, data: Any, source: Mapping[str, Any] | None = None
    ) -> None:
        """Publish *data* as the reply to *source_event*.

        Args:
            source_event: The event to reply to.
            data: What the reply says.
            source: Who replies; this hub if None.

        Raises:
            EventHubConnectionError: If the hub is not connected.
        """
        reply = Event("ftrack.meta.reply", data=data)
        self._prepare_reply_event(reply, source_event, source=source)
        self.publish(reply)

    def catch_up(self, topic: str = "ftrack.update", *, since: datetime | str) -> list[Event]:
        """Return what can still be known of events that were published, such as during a gap.

        The server keeps no events. What has changed is asked of its database, which knows of new
        entities, changed statuses and the entries of activity feeds, but neither of what was
        deleted nor of other values that were changed; docs/events.md says more. Nothing is called
        with these events, and some may have been received before.

        Args:
            topic: What the events are about; only of ``ftrack.update`` there are traces.
            since: Time from which on, UTC unless it says otherwise; also as text in ISO 8601, as
                ``start`` in the data of ``ftrack.meta.gap``.

        Returns:
            An event for each change, the oldest first, with the time of the change in ``sent``.

        Raises:
            ServerError: If the server answers with an error or cannot be reached.
            TypeError: If *since* is neither a datetime nor text.
            ValueError: If *topic* is another one, or *since* is no time.
        """
        from ftrack_rs.event.recovery import recover

        headers = list(self._headers.items())
        if self._cookies:
            cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
            headers.append(("Cookie", cookies))
        client = Client(self._server_url, self._api_user, self._api_key, headers, _QUERY_TIMEOUT)
        return recover(client.call, since, topic)

    def _take_events(
        self, duration: float | None, take: Callback, pause: Callable[[], None]
    ) -> Event | None:
        """Give events to *take* for that long, and return the one that says it is the last.

        *pause* is called whenever none has come for a moment.
        """
        started = time.monotonic()
        while True:
            # Waits a moment even if the duration is 0: clients poll with that in a loop.
            try:
                event = self._event_queue.get(timeout=_WAIT_STEP)
            except queue.Empty:
                pause()
            else:
                if event["topic"] == "ftrack.meta.disconnected":
                    return event
                take(event)
            if duration is not None and time.monotonic() - started > duration:
                return None

    def _can_send(self) -> bool:
        return self.connected and (self._announcing or not self._resuming)

    def _notify_server_about_subscriber(self, subscriber: Subscriber) -> None:
        """Tell the server about *subscriber*; called again for each connection."""
        subscribe = {
            "subscriber": subscriber.metadata,
            "subscription": str(subscriber.subscription),
        }
        self._notify_server(
            Event("ftrack.meta.subscribe", data=subscribe),
            functools.partial(self._on_subscribed, subscriber),
        )

    def _notify_server(self, event: Event, acknowledged: Acknowledged) -> None:
        """Send *event* about a subscriber if that is possible; if not, the next connection tells.

        The lock is held.
        """
        if not self._can_send():
            return
        self._prepare_event(event)
        try:
            self._send_event(event, acknowledged)
        except EventHubConnectionError as error:
            self.logger.debug(L("Server not sent {0}: {1}", event, error))

    def _on_subscribed(self, subscriber: Subscriber, response: Mapping[str, Any]) -> None:
        """Look at the acknowledgement of a subscription."""
        self._warn_if_refused("ftrack.meta.subscribe", subscriber, response)

    def _on_unsubscribed(self, subscriber: Subscriber, response: Mapping[str, Any]) -> None:
        """Look at the acknowledgement of the end of a subscription."""
        self._warn_if_refused("ftrack.meta.unsubscribe", subscriber, response)

    def _warn_if_refused(
        self, topic: str, subscriber: Subscriber, response: Mapping[str, Any]
    ) -> None:
        if response.get("success") is False:
            self.logger.warning(
                L("Server refused {0} of {1}: {2}", topic, subscriber, response.get("message"))
            )

    def _add_reply_subscriber(self) -> None:
        # Replies are targeted at the id of the hub, so that is the id of their subscriber.
        with suppress(NotUniqueError):
            self._add_subscriber("topic=ftrack.meta.reply", self._handle_reply, {"id": self.id})

    def _announce_all(self) -> None:
        self._announcing = True
        try:
            for subscriber in self._subscribers[:]:
                self._notify_server_about_subscriber(subscriber)
        finally:
            self._announcing = False

    def _send_queued(self) -> None:
        while True:
            try:
                event, callback, on_reply = self._event_send_queue.get_nowait()
            except queue.Empty:
                return
            self._send_or_log(event, callback, on_reply)

    def _prepare_event(self, event: Event) -> None:
        """Fill in the source of *event*."""
        import platform

        source = event["source"]
        source.setdefault("id", self.id)
        source.setdefault("user", {"username": self._api_user})
        source.setdefault("host", platform.node())

    def _prepare_reply_event(
        self, event: Event, source_event: Event, source: Mapping[str, Any] | None = None
    ) -> None:
        """Make *event* a reply to *source_event*, from *source* unless that is None."""
        event["target"] = f"id={source_event['source']['id']}"
        event["in_reply_to_event"] = source_event["id"]
        if source is not None:
            event["source"] = source

    def _publish(
        self,
        event: Event,
        synchronous: bool = False,
        callback: Acknowledged | None = None,
        on_reply: Callback | None = None,
    ) -> Any:
        """Publish *event*; *callback* is called with the acknowledgement of the server."""
        self._prepare_event(event)
        if synchronous:
            return self._handle(event, synchronous=True)
        self._connect_if_forked()
        with self._lock:
            if self._can_send():
                self._send_or_log(event, callback, on_reply)
                return None
            if self._connection_initialised:
                self._event_send_queue.put((event, callback, on_reply))
                return True
        raise EventHubConnectionError(
            "Cannot publish event asynchronously as not connected to server.",
            {"topic": event["topic"], "server_url": self.get_server_url()},
        )

    def _send_or_log(
        self, event: Event, callback: Acknowledged | None, on_reply: Callback | None
    ) -> None:
        """Send *event*. Failing to is logged: the hub was connected when the caller published."""
        try:
            if on_reply is not None:
                self._await_reply(event, on_reply)
            published = callback or functools.partial(self._on_published, event)
            self._send_event(event, Durable(published))
        except Exception:
            self.logger.exception(L("Error sending event {0}.", event))

    def _send_event(self, event: Event, callback: Acknowledged) -> None:
        data = self._encode({"name": "ftrack.event", "args": [event]})
        self._send_packet(self._code_name_mapping["event"], data, callback)

    def _await_reply(self, event: Event, on_reply: Callback) -> None:
        with self._lock:
            self._reply_callbacks[event["id"]] = on_reply
            if len(self._reply_callbacks) > _MOST_REPLY_CALLBACKS:
                self._reply_callbacks.popitem(last=False)

    def _on_published(self, event: Event, response: Mapping[str, Any]) -> None:
        if not response.get("success", False):
            self.logger.error(L("Server refused event {0}: {1}", event, response.get("message")))

    def _handle_reply(self, event: Event) -> None:
        callback = self._reply_callbacks.get(event["in_reply_to_event"])
        if callback is not None:
            callback(event)


def _as_dict(name: str, value: Mapping[str, str] | None) -> dict[str, str]:
    if value is not None and not isinstance(value, Mapping):
        raise TypeError(f"Expected a mapping of {name}, got {value!r}.")
    return dict(value or {})


def is_off(hub: Any) -> bool:
    """Return whether publishing through *hub* would only fail, as nobody has connected it.

    False where somebody looks at what is published.
    """
    is_plain = is_own(hub, "publish", EventHub) and is_own(hub, "_publish", EventHub)
    return is_plain and not (hub.connected or hub._connection_initialised)
