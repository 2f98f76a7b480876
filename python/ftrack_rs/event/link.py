"""The link of a hub to the event server, which is made again whenever it breaks.

Native threads, which all hubs of a process share, wait for packets and hand each to
``_handle_packet``, so that subclasses see it before anything is done with it, one after another.
They also make the connection again. Heartbeats are answered without Python, unless a subclass wants
to see them.
"""

from __future__ import annotations

import atexit
import os
import queue
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple, Optional

from ftrack_rs._core import EventConnection
from ftrack_rs.event.base import Event
from ftrack_rs.event.delivery import (
    MOST_UNACKNOWLEDGED,
    Acknowledged,
    Durable,
    Outstanding,
    ReceivedIds,
)
from ftrack_rs.event.dispatch import Callback, Dispatch
from ftrack_rs.event.first_connection import FirstConnection
from ftrack_rs.event.socket_io import PACKET_NAMES, decode, encode, parse_server_url, split_packet
from ftrack_rs.exception import EventHubConnectionError, EventHubPacketError
from ftrack_rs.logging import LazyLogMessage as L

_Unsent = tuple[Event, Optional[Acknowledged], Optional[Callback]]

#: Events that wait to be handled; beyond that the oldest are dropped.
MOST_WAITING = 100_000

# Seconds that the last packets, and acknowledgements before a planned reconnection, may take.
_PATIENCE = 4.0


# Registered before sessions register to be closed, and therefore called after they were.
atexit.register(EventConnection.stop_serving)


class HubHealth(NamedTuple):
    """How a hub is doing."""

    #: "connected", "connecting" (for the first time), "reconnecting" or "disconnected".
    state: str
    #: When the last event was received, in UTC.
    last_event: Optional[datetime]
    #: How often the connection was lost and made again.
    reconnects: int
    #: How many events wait to be handled.
    queue_length: int
    #: How many were dropped, as too many waited for the workers of :meth:`.EventHub.wait` or for a
    #: thread to call it.
    dropped: int


class Link(Dispatch):
    """Sends and receives packets, and makes the connection again when it breaks.

    Attributes:
        server: The parts of the URL of the server.
        reconnect_cap: The most seconds between two attempts to make a lost connection again.
    """

    def __init__(
        self,
        server_url: str,
        api_user: str,
        api_key: str,
        headers: dict[str, str],
        cookies: dict[str, str],
    ) -> None:
        """Initialise without a connection."""
        super().__init__()
        self.server = parse_server_url(server_url)
        self.reconnect_cap = 30.0
        self._server_url = server_url
        self._api_user = api_user
        self._api_key = api_key
        self._headers = headers
        self._cookies = cookies
        # The thread that handles packets at the moment.
        self._reader: int | None = None
        self._is_lost = False
        self._silent_since = _now()
        self._connection_initialised = False
        self._intentional_disconnect = False
        self._will_return = False
        # Set while a connection exists over which the subscribers are not announced yet.
        self._resuming = False
        self._reconnects = 0
        self._dropped = 0
        self._last_event: datetime | None = None
        self._received = ReceivedIds()
        # Looked up both ways: the name of a code, and the code of a name.
        self._code_name_mapping = {
            **PACKET_NAMES,
            **{name: code for code, name in PACKET_NAMES.items()},
        }
        self._begin_process()

    def _begin_process(self) -> None:
        """Begin without a connection in this process, with locks that no thread of another holds.

        What the process from which this one was forked has still to send, to handle or to be told
        stays its own.
        """
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._connection: EventConnection | None = None
        # Set while attempts are made in the background.
        self._first: FirstConnection | None = None
        # Set when a connection has ended and everything that came over it is handled.
        self._served: threading.Event | None = None
        self._stopping = threading.Event()
        self._event_queue: queue.Queue[Event] = queue.Queue()
        self._event_send_queue: queue.Queue[_Unsent] = queue.Queue()
        self._outstanding = Outstanding(self._on_unacknowledged)

    @property
    def connected(self) -> bool:
        """Whether the hub is connected to the event server."""
        connection = self._connection
        return connection is not None and connection.connected

    @property
    def health(self) -> HubHealth:
        """How the hub is doing."""
        state = "disconnected"
        if self.connected:
            state = "connected"
        elif self._connection is not None:
            state = "connecting" if self._served is None else "reconnecting"
        elif self._first is not None:
            state = "connecting"
        return HubHealth(
            state, self._last_event, self._reconnects, self._event_queue.qsize(), self._dropped
        )

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
        """Connect to the event server, and announce all subscribers.

        From then on the connection is made again whenever it breaks, however long that takes.
        Returns without a connection only if the hub is disconnected by another thread meanwhile.

        Raises:
            EventHubConnectionError: If the hub is connected already, or cannot be.
        """
        self.init_connection()
        if self._process != os.getpid():
            self._begin_process()
        if self.connected:
            raise EventHubConnectionError("Already connected.")
        self._end_connection(will_return=True)
        self._stopping.clear()
        self._intentional_disconnect = self._will_return = False
        connection = self._make_connection()
        with self._lock:
            if self._first is not None and self._first.is_given_up_here():
                return
            self._connection, self._resuming = connection, True
        try:
            connection.connect()
        except EventHubConnectionError as error:
            if self._intentional_disconnect or self._connection is not connection:
                return
            self._connection = None
            raise self._cannot_connect(error) from error
        if connection.connected:
            first, self._first = self._first, None
            if first is not None:
                first.give_up()
            self._served = threading.Event()
            _close_before_exit(self, connection)
            connection.serve(self, self._served.set)
            self._add_reply_subscriber()
            self._resume()

    def _connect_if_forked(self) -> None:
        """Connect anew in a process forked from that of the connection, which cannot be shared.

        Raises:
            EventHubConnectionError: If that fails. It is not tried again.
        """
        if self._process == os.getpid() or not self._connection_initialised:
            return
        try:
            self.connect()
        except EventHubConnectionError:
            self._connection_initialised = False
            raise

    def _connect_in_background(self) -> threading.Thread:
        """Start a thread that tries to connect until it succeeds or the hub is disconnected.

        From now on events are queued until they can be sent; no longer if the user is refused.
        """
        self.init_connection()
        self._first = FirstConnection(self)
        thread = threading.Thread(target=self._make_first, args=(self._first,), daemon=True)
        thread.start()
        return thread

    def _make_first(self, first: FirstConnection) -> None:
        has_ended = not first.make()
        # Once there was a connection, its end tells who waits.
        if self._first is first:
            self._first = None
            if has_ended:
                self._connection_initialised = False
                self._enqueue_own("ftrack.meta.disconnected")

    def disconnect(self, unsubscribe: bool = True, reconnect: bool = False) -> None:
        """Disconnect from the event server, or end the attempts to connect to it.

        Args:
            unsubscribe: Whether to drop all subscribers.
            reconnect: Whether to go on queueing events, for the next connection.

        Raises:
            EventHubConnectionError: If the hub is neither connected nor trying to be.
        """
        with self._lock:
            first = self._first
            if not self.connected and self._connection is None and first is None:
                raise EventHubConnectionError("Not currently connected.")
            if first is not None and not reconnect:
                first.give_up()
        self._intentional_disconnect = True
        self._connection_initialised = reconnect
        self._stopping.set()
        if unsubscribe:
            for subscriber in self._subscribers[:]:
                self.unsubscribe(subscriber.metadata["id"])
        if reconnect and self.connected and threading.get_ident() != self._reader:
            self._outstanding.wait(_PATIENCE)
        self._end_connection(will_return=reconnect)
        if not reconnect:
            self._outstanding.clear()

    def reconnect(self, attempts: int = 10, delay: float = 5) -> None:
        """Connect to the event server anew, keeping all subscribers.

        Args:
            attempts: How often to try.
            delay: Seconds between two attempts.

        Raises:
            EventHubConnectionError: If all attempts failed.
        """
        if self._connection is not None:
            self.disconnect(unsubscribe=False, reconnect=True)
        for attempt in range(attempts):
            self.logger.debug(L("Attempt {0} of {1} to reconnect.", attempt + 1, attempts))
            try:
                self.connect()
            except EventHubConnectionError as error:
                self.logger.debug(L("{0}", error))
                if self._stopping.wait(delay):
                    break
            else:
                break
        if not self.connected:
            raise EventHubConnectionError(
                "Failed to reconnect to event server at {server_url} after {attempts} attempts.",
                {"server_url": self.get_server_url(), "attempts": attempts},
            )

    def unsubscribe(self, subscriber_identifier: str) -> None:
        """Call a subscriber no longer."""
        raise NotImplementedError

    def _prepare_event(self, event: Event) -> None:
        """Fill in the source of *event*."""
        raise NotImplementedError

    def _add_reply_subscriber(self) -> None:
        """Subscribe to replies, without telling the server, if that has not been done yet."""
        raise NotImplementedError

    def _announce_all(self) -> None:
        """Tell the server about all subscribers."""
        raise NotImplementedError

    def _send_queued(self) -> None:
        """Send all queued events."""
        raise NotImplementedError

    def _make_connection(self) -> EventConnection:
        overridden = (
            "_handle_packet" in self.__dict__
            or type(self)._handle_packet is not Link._handle_packet
        )
        return EventConnection(
            self.get_server_url(),
            self._api_user,
            self._api_key,
            list(self._headers.items()),
            list(self._cookies.items()),
            not overridden,
        )

    def _cannot_connect(self, error: Exception) -> EventHubConnectionError:
        return EventHubConnectionError(
            'Failed to connect to event server at {server_url} with error: "{error}".',
            {"server_url": self.get_server_url(), "error": str(error)},
        )

    def _end_connection(self, will_return: bool) -> None:
        """Close the connection, and wait until what came over it is handled."""
        self._will_return = will_return
        connection, served = self._connection, self._served
        if connection is None:
            return
        self._intentional_disconnect = True
        connection.close()
        # By another thread: this one would wait for itself, and a forked process has no other.
        is_being_handled = threading.get_ident() != self._reader and self._process == os.getpid()
        if served is not None and is_being_handled:
            served.wait(_PATIENCE)
        self._connection = self._served = None

    @contextmanager
    def _reading(self) -> Iterator[None]:
        self._reader = threading.get_ident()
        try:
            yield
        except Exception:
            self.logger.exception("Error handling what has come from the event server.")
        finally:
            self._reader = None

    def _on_packets(self, packets: list[str]) -> None:
        """Hand on packets; called by native code, as the methods below."""
        with self._reading():
            for packet in packets:
                self._dispatch_packet(packet)

    def _on_end(self) -> float | None:
        """Tell of the end of a connection.

        Returns:
            The most seconds between two attempts to make it again; None if it is not to be.
        """
        self._is_lost = False
        with self._reading():
            # What a server that leaves says, and what subclasses wait for.
            self._dispatch_packet("0::")
        return self.reconnect_cap if self._is_lost else None

    def _on_again(self, connected: bool) -> None:
        """Go on with a connection that was made again, or without one when the hub disconnects."""
        with self._reading():
            if connected:
                self.logger.info(L("Connected to {0} again.", self.get_server_url()))
                self._resume()
                self._reconnects += 1
                self._enqueue_gap(self._silent_since)
            elif not self._will_return:
                self._enqueue_own("ftrack.meta.disconnected")

    def _dispatch_packet(self, packet: str) -> None:
        try:
            self._handle_packet(*split_packet(packet))
        except EventHubPacketError as error:
            self.logger.debug(L("Ignoring invalid packet: {0}", error))
        except EventHubConnectionError as error:
            self.logger.debug(L("Lost the connection while handling a packet: {0}", error))
        except Exception:
            self.logger.exception(L("Error handling packet {0}.", packet))

    def _on_disconnected(self) -> None:
        """Have the connection made again, unless the hub was meant to disconnect."""
        connection = self._connection
        if connection is not None and not self._intentional_disconnect:
            with self._lock:
                self._resuming = True
            self._silent_since = _now() - timedelta(seconds=connection.silence)
            self._is_lost = True
            message = "Lost the connection to the event server at {0}; connecting again."
            self.logger.warning(L(message, self.get_server_url()))
        elif not self._will_return:
            self._enqueue_own("ftrack.meta.disconnected")

    def _resume(self) -> None:
        """Send over a new connection what the server has to know."""
        with self._lock:
            self._received.start_connection()
            try:
                unacknowledged = self._outstanding.start_connection()
                # First, as what is sent again may be for subscribers of this hub.
                self._announce_all()
                for packet in unacknowledged:
                    self._transmit(packet)
                self._send_queued()
            except EventHubConnectionError as error:
                # It broke already, and will be made again.
                self.logger.debug(L("Lost the connection while resuming: {0}", error))
            else:
                self._resuming = False

    def _send_packet(
        self,
        code: str,
        data: str = "",
        callback: Acknowledged | None = None,
    ) -> None:
        """Send a packet to the event server.

        Args:
            code: Kind of the packet; see ``_code_name_mapping``.
            data: Its content.
            callback: Called with the acknowledgement of the server. If it is :class:`Durable`, the
                packet is sent again if the connection breaks before that.

        Raises:
            EventHubConnectionError: If the packet cannot be sent, nor will be.
        """
        if callback is None:
            self._transmit(f"{code}:::{data}")
            return
        number = self._outstanding.number()
        # The plus asks for an acknowledgement that holds data.
        packet = f"{code}:{number}+::{data}"
        durable = isinstance(callback, Durable) and self._connection_initialised
        self._outstanding.add(number, callback, packet if durable else None)
        try:
            self._transmit(packet)
        except Exception as error:
            if durable and isinstance(error, EventHubConnectionError):
                return
            self._outstanding.pop(number)
            raise

    def _transmit(self, packet: str) -> None:
        """Put *packet* on the wire.

        Raises:
            EventHubConnectionError: If there is no connection.
        """
        connection = self._connection
        if connection is None:
            raise EventHubConnectionError(
                "The event hub is not connected to {server_url}.",
                {"server_url": self.get_server_url()},
            )
        connection.send(packet)

    def _handle_packet(self, code: str, packet_identifier: str, path: str, data: str) -> None:
        """Handle a packet from the event server, on the thread that has it at the moment.

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
            self._on_disconnected()
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

    def _enqueue_own(self, topic: str, data: dict[str, Any] | None = None) -> None:
        event = Event(topic, data=data)
        self._prepare_event(event)
        self._event_queue.put(event)

    def _enqueue_gap(self, start: datetime) -> None:
        """Tell local subscribers when events of others may have been missed, in UTC."""
        gap = {"start": start.isoformat(), "end": _now().isoformat()}
        self._enqueue_own("ftrack.meta.gap", gap)

    def _enqueue_received(self, data: str) -> None:
        args = decode(data).get("args", [])
        if len(args) != 1 or not isinstance(args[0], Mapping):
            return
        try:
            event = Event(**args[0])
        except TypeError:
            self.logger.exception(L("Received data that is no event: {0}", args[0]))
            return
        self._last_event = _now()
        if not self._received.is_repeated(event["id"]):
            self._make_room()
            self._event_queue.put(event)

    def _make_room(self) -> None:
        """Drop the oldest events of a hub on which nobody waits: they would fill the memory."""
        while self._event_queue.qsize() >= MOST_WAITING:
            try:
                self._on_dropped(self._event_queue.get_nowait())
            except queue.Empty:
                return

    def _on_dropped(self, event: Event) -> None:
        self._dropped += 1
        self.logger.warning(
            L("Dropped event {0}: too many wait. Dropped so far: {1}.", event["id"], self._dropped)
        )

    def _acknowledged(self, data: str) -> None:
        number, _, args = data.partition("+")
        callback = self._outstanding.pop(int(number))
        if callback is not None:
            callback(*(decode(args) if args else []))

    def _on_unacknowledged(self, dropped: int) -> None:
        message = "Over {0} events are not acknowledged; the oldest are given up: {1} by now."
        self.logger.warning(L(message, MOST_UNACKNOWLEDGED, dropped))

    def _encode(self, data: Any) -> str:
        """Return *data*, which may hold events, as JSON."""
        return encode(data)


def _close_before_exit(hub: Link, connection: EventConnection) -> None:
    """Have what *hub* sends last leave a child of multiprocessing, which ends without atexit."""
    multiprocessing = sys.modules.get("multiprocessing")
    if multiprocessing is not None and multiprocessing.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(hub, connection.close, exitpriority=0)


def _now() -> datetime:
    return datetime.now(timezone.utc)
