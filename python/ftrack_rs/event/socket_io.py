"""What the event server speaks: socket.io 0.9, whose packets are text.

A packet is ``code:identifier:endpoint:data``. The data of events and acknowledgements is JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ftrack_rs.event.base import Event
from ftrack_rs.exception import EventHubPacketError

#: Names of the kinds of packets by their codes.
PACKET_NAMES: Mapping[str, str] = {
    "0": "disconnect",
    "1": "connect",
    "2": "heartbeat",
    "3": "message",
    "4": "json",
    "5": "event",
    "6": "acknowledge",
    "7": "error",
}


class SocketIoSession(NamedTuple):
    """What the event server answers to the handshake."""

    id: str
    heartbeatTimeout: str
    supportedTransports: list[str]


class ServerDetails(NamedTuple):
    """The parts of the URL of a server."""

    scheme: str
    hostname: str
    port: int | None


def parse_server_url(server_url: str) -> ServerDetails:
    """Return the parts of *server_url*.

    Raises:
        ValueError: If it has no scheme or no host.
    """
    from urllib.parse import urlsplit

    parts = urlsplit(server_url)
    if not parts.scheme or not parts.hostname:
        missing = "hostname" if parts.scheme else "scheme"
        raise ValueError(f"Could not determine {missing} from server url.")
    return ServerDetails(parts.scheme, parts.hostname, parts.port)


def split_packet(packet: str) -> tuple[str, str, str, str]:
    """Return code, identifier, endpoint and data of *packet*; what is missing is empty.

    Raises:
        EventHubPacketError: If it is no packet.
    """
    code, identifier, endpoint, data = [*packet.split(":", 3), "", "", ""][:4]
    if code not in PACKET_NAMES:
        raise EventHubPacketError("Received invalid packet {packet}.", {"packet": packet})
    return code, identifier, endpoint, data


def encode(data: Any) -> str:
    """Return *data*, which may hold events, as JSON.

    Raises:
        TypeError: If it holds something that has no JSON form.
    """
    import json

    return json.dumps(data, default=_encode_event, ensure_ascii=False)


def decode(text: str) -> Any:
    """Return what the JSON *text* says, with the keys of events as they are here.

    Raises:
        ValueError: If it is not JSON.
    """
    import json

    return json.loads(text, object_hook=_decode_object)


def _encode_event(item: object) -> dict[str, Any]:
    if not isinstance(item, Event):
        raise TypeError(f"{item!r} cannot be sent in an event: it has no JSON form.")
    encoded = dict(item)
    if "in_reply_to_event" in encoded:
        encoded["inReplyToEvent"] = encoded.pop("in_reply_to_event")
    return encoded


def _decode_object(item: dict[str, Any]) -> dict[str, Any]:
    if "inReplyToEvent" in item:
        item["in_reply_to_event"] = item.pop("inReplyToEvent")
    return item
