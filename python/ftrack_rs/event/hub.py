"""Brings publishers and subscribers of events together.

Synchronous events are handled here and now: every subscriber of this hub that wants the event is
called in order of priority. Other events are packets of socket.io 0.9, sent to and received from
the event server over a connection. The way of a received packet is::

    connection -> _handle_packet (reader thread) -> _event_queue -> wait -> _handle (waiting thread)

This release has no connection yet: whatever needs one raises :class:`EventHubConnectionError`.

Modules of the standard library that take long to import are imported where they are used, for the
sake of scripts that never publish an event.
"""

from __future__ import annotations

import functools
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, Optional

from ftrack_rs.event.base import Event
from ftrack_rs.event.expression import Expression, Parser
from ftrack_rs.event.socket_io import (
    PACKET_NAMES,
    ServerDetails,
    SocketIoSession,
    decode,
    encode,
    parse_server_url,
)
from ftrack_rs.event.subscriber import Subscriber
from ftrack_rs.exception import EventHubConnectionError, NotFoundError, NotUniqueError
from ftrack_rs.logging import LazyLogMessage as L

__all__ = ["EventHub", "ServerDetails", "SocketIoSession"]

Callback = Callable[[Event], Any]
_Acknowledged = Callable[..., None]
_Unsent = tuple[Event, Optional[_Acknowledged], Optional[Callback]]

# Seconds between looks at the clock while waiting for events.
_WAIT_STEP = 0.1


class EventHub:
    """Routes events between publishers and subscribers.

    Attributes:
        id: Unique id of the hub: the source of its events, and the target of replies to them.
        server: The parts of the URL of the server.
        logger: Where the hub logs to.
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

        self.logger = logging.getLogger(f"ftrack_api.event.hub.{type(self).__name__}")
        self.id = uuid.uuid4().hex
        self.server = parse_server_url(server_url)
        self._server_url = server_url
        self._api_user = api_user
        self._api_key = api_key
        self._headers = _as_dict("headers", headers)
        self._cookies = _as_dict("cookies", cookies)
        self._connection_initialised = False
        self._lock = threading.RLock()
        self._subscribers: list[Subscriber] = []
        self._expression_parser = Parser()
        self._event_queue: queue.Queue[Event] = queue.Queue()
        self._event_send_queue: queue.Queue[_Unsent] = queue.Queue()
        self._reply_callbacks: dict[str, Callback] = {}
        self._packet_callbacks: dict[int, _Acknowledged] = {}
        self._unique_packet_id = 0
        # Looked up both ways: the name of a code, and the code of a name.
        self._code_name_mapping = {
            **PACKET_NAMES,
            **{name: code for code, name in PACKET_NAMES.items()},
        }

    @property
    def secure(self) -> bool:
        """Whether the connection is encrypted."""
        return self.server.scheme == "https"

    @property
    def connected(self) -> bool:
        """Whether the hub is connected to the event server; never, in this release."""
        return False

    def get_server_url(self) -> str:
        """Return the URL of the server, reduced to scheme, host and port."""
        return f"{self.server.scheme}://{self.get_network_location()}"

    def get_network_location(self) -> str:
        """Return the host of the server, and its port if there is one."""
        if self.server.port:
            return f"{self.server.hostname}:{self.server.port}"
        return self.server.hostname

    def init_connection(self) -> None:
        """Announce that :meth:`connect` is about to be called, perhaps by another thread.

        From now on events are queued until they can be sent.
        """
        self._connection_initialised = True

    def connect(self) -> None:
        """Connect to the event server.

        Raises:
            EventHubConnectionError: Always, in this release.
        """
        # Nothing will come and send what is queued from now on, so publishing has to fail.
        self._connection_initialised = False
        raise self._no_transport()

    def disconnect(self, unsubscribe: bool = True, reconnect: bool = False) -> None:
        """Disconnect from the event server.

        Args:
            unsubscribe: Whether to drop all subscribers.
            reconnect: Whether to go on queueing events, for the next connection.

        Raises:
            EventHubConnectionError: If the hub is not connected.
        """
        raise EventHubConnectionError("Not currently connected.")

    def reconnect(self, attempts: int = 10, delay: float = 5) -> None:
        """Connect to the event server anew, keeping all subscribers.

        Args:
            attempts: How often to try.
            delay: Seconds between two attempts.

        Raises:
            EventHubConnectionError: Always, in this release.
        """
        self.connect()

    def wait(self, duration: float | None = None) -> None:
        """Handle events as they arrive, until the hub is disconnected.

        Args:
            duration: Seconds after which to return; None for never.

        Raises:
            EventHubConnectionError: If no connection has been announced.
        """
        if not self._connection_initialised:
            raise self._no_transport()
        started = time.monotonic()
        while True:
            # Waits a moment even if the duration is 0: clients poll with that in a loop.
            try:
                event = self._event_queue.get(timeout=_WAIT_STEP)
            except queue.Empty:
                pass
            else:
                self._handle(event)
                if event["topic"] == "ftrack.meta.disconnected":
                    return
            if duration is not None and time.monotonic() - started > duration:
                return

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
        added = self._add_subscriber(subscription, callback, subscriber, priority)
        subscribe = {"subscriber": added.metadata, "subscription": str(added.subscription)}
        self._notify_server("ftrack.meta.subscribe", subscribe, added)
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
        unsubscribe = {"subscriber": subscriber.metadata}
        self._notify_server("ftrack.meta.unsubscribe", unsubscribe, subscriber)

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

    def get_subscriber_by_identifier(self, identifier: str) -> Subscriber | None:
        """Return the subscriber of that id, or None."""
        for subscriber in self._subscribers[:]:
            if subscriber.metadata.get("id") == identifier:
                return subscriber
        return None

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
        reply = Event(
            "ftrack.meta.reply",
            data=data,
            target=f"id={source_event['source']['id']}",
            in_reply_to_event=source_event["id"],
            source=source,
        )
        self.publish(reply)

    def _no_transport(self) -> EventHubConnectionError:
        return EventHubConnectionError(
            "This release has no network transport for events yet, so there is no connection to "
            "{server_url}; only synchronous events work.",
            {"server_url": self.get_server_url()},
        )

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

    def _notify_server(self, topic: str, data: dict[str, Any], subscriber: Subscriber) -> None:
        """Tell the server about *subscriber* if it can be reached; it is told all on connecting."""
        acknowledged = functools.partial(self._on_notified, topic, subscriber)
        if self.connected:
            self._publish(Event(topic, data=data), callback=acknowledged)

    def _on_notified(self, topic: str, subscriber: Subscriber, response: Mapping[str, Any]) -> None:
        if response.get("success") is False:
            self.logger.warning(
                L("Server refused {0} of {1}: {2}", topic, subscriber, response.get("message"))
            )

    def _prepare_event(self, event: Event) -> None:
        """Fill in the source of *event*."""
        import platform

        source = event["source"]
        source.setdefault("id", self.id)
        source.setdefault("user", {"username": self._api_user})
        source.setdefault("host", platform.node())

    def _publish(
        self,
        event: Event,
        synchronous: bool = False,
        callback: _Acknowledged | None = None,
        on_reply: Callback | None = None,
    ) -> Any:
        """Publish *event*; *callback* is called with the acknowledgement of the server."""
        self._prepare_event(event)
        if synchronous:
            return self._handle(event, synchronous=True)
        if self.connected:
            self._send_event(event, callback, on_reply)
            return None
        if self._connection_initialised:
            self._event_send_queue.put((event, callback, on_reply))
            return True
        raise EventHubConnectionError(
            "Cannot publish event asynchronously as not connected to server.",
            {"topic": event["topic"], "server_url": self.get_server_url()},
        )

    def _send_event(
        self, event: Event, callback: _Acknowledged | None, on_reply: Callback | None
    ) -> None:
        """Send *event*. Failing to is logged: the hub was connected when the caller published."""
        try:
            if on_reply is not None:
                self._await_reply(event, on_reply)
            self._send_packet(
                self._code_name_mapping["event"],
                encode({"name": "ftrack.event", "args": [event]}),
                callback or functools.partial(self._on_published, event),
            )
        except Exception:
            self.logger.exception(L("Error sending event {0}.", event))

    def _await_reply(self, event: Event, on_reply: Callback) -> None:
        with self._lock:
            self._reply_callbacks[event["id"]] = on_reply
            # Replies are targeted at the id of the hub, so that is the id of their subscriber.
            if self.get_subscriber_by_identifier(self.id) is None:
                self.subscribe("topic=ftrack.meta.reply", self._handle_reply, {"id": self.id})

    def _on_published(self, event: Event, response: Mapping[str, Any]) -> None:
        if not response.get("success", False):
            self.logger.error(L("Server refused event {0}: {1}", event, response.get("message")))

    def _handle_reply(self, event: Event) -> None:
        callback = self._reply_callbacks.get(event["in_reply_to_event"])
        if callback is not None:
            callback(event)

    def _handle(self, event: Event, synchronous: bool = False) -> list[Any]:
        """Call the subscribers that want *event*, in order of priority.

        An error in one of them is logged and does not keep the event from the others. What they
        return is published as replies, unless the event is *synchronous*.

        Returns:
            What the callbacks returned, without those that failed.
        """
        results: list[Any] = []
        try:
            target = self._parse_target(event)
        except Exception:
            self.logger.exception(L("Event {0} has a target that cannot be parsed.", event))
            return results
        for subscriber in sorted(self._subscribers, key=attrgetter("priority")):
            try:
                if not target.match(subscriber.metadata) or not subscriber.interested_in(event):
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

    def _parse_target(self, event: Event) -> Expression:
        target = event.get("target")
        return self._expression_parser.parse(target) if target else Expression()

    def _reply(self, event: Event, response: Any, subscriber: Subscriber) -> None:
        try:
            self.publish_reply(event, data=response, source=subscriber.metadata)
        except Exception:
            self.logger.exception(
                L("Error publishing the reply of {0} to event {1}.", subscriber, event)
            )

    def _send_packet(
        self, code: str, data: str = "", callback: _Acknowledged | None = None
    ) -> None:
        """Send a packet to the event server.

        Args:
            code: Kind of the packet; see ``_code_name_mapping``.
            data: Its content.
            callback: Called with the acknowledgement of the server.

        Raises:
            EventHubConnectionError: If the packet cannot be sent.
        """
        if callback is None:
            self._transmit(f"{code}:::{data}")
            return
        with self._lock:
            self._unique_packet_id += 1
            identifier = self._unique_packet_id
        self._packet_callbacks[identifier] = callback
        try:
            # The plus asks for an acknowledgement that holds data.
            self._transmit(f"{code}:{identifier}+::{data}")
        except Exception:
            del self._packet_callbacks[identifier]
            raise

    def _transmit(self, packet: str) -> None:
        """Put *packet* on the wire.

        Raises:
            EventHubConnectionError: Always, in this release.
        """
        raise self._no_transport()

    def _handle_packet(self, code: str, packet_identifier: str, path: str, data: str) -> None:
        """Handle a packet from the event server, on the thread that reads them.

        Args:
            code: Kind of the packet; see ``_code_name_mapping``.
            packet_identifier: Number to acknowledge it by; may be empty.
            path: Endpoint; always empty.
            data: Its content.
        """
        name = self._code_name_mapping[code]
        if name == "connect":
            self._enqueue_own("ftrack.meta.connected")
        elif name == "disconnect":
            self._enqueue_own("ftrack.meta.disconnected")
        elif name == "heartbeat":
            self._send_packet(self._code_name_mapping["heartbeat"])
        elif name == "event":
            self._enqueue_received(data)
        elif name == "acknowledge":
            self._acknowledged(data)
        elif name == "error":
            self.logger.error(L("Event server reported error: {0}.", data))
        else:
            self.logger.debug(L("Received {0}: {1}", name, data))

    def _enqueue_own(self, topic: str) -> None:
        event = Event(topic)
        self._prepare_event(event)
        self._event_queue.put(event)

    def _enqueue_received(self, data: str) -> None:
        args = decode(data).get("args", [])
        if len(args) != 1 or not isinstance(args[0], Mapping):
            return
        try:
            event = Event(**args[0])
        except TypeError:
            self.logger.exception(L("Received data that is no event: {0}", args[0]))
        else:
            self._event_queue.put(event)

    def _acknowledged(self, data: str) -> None:
        identifier, _, args = data.partition("+")
        callback = self._packet_callbacks.pop(int(identifier), None)
        if callback is not None:
            callback(*(decode(args) if args else []))


def _as_dict(name: str, value: Mapping[str, str] | None) -> dict[str, str]:
    if value is not None and not isinstance(value, Mapping):
        raise TypeError(f"Expected a mapping of {name}, got {value!r}.")
    return dict(value or {})
