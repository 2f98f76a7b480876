"""What travels through the event hub."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any


class Event(MutableMapping[str, Any]):
    """An event: a mapping with the keys *id*, *data*, *topic*, *sent*, *source*, *target* and more.

    Callbacks get the event that was published and not a copy, so what one of them puts into
    ``event["data"]`` is seen by the next, and by the publisher of a synchronous event.
    """

    def __init__(
        self,
        topic: str,
        id: str | None = None,
        data: Any = None,
        sent: str | None = None,
        source: Mapping[str, Any] | None = None,
        target: str = "",
        in_reply_to_event: str | None = None,
    ) -> None:
        """Initialise the event.

        Args:
            topic: What it is about, in words joined by dots, such as ``ftrack.update``.
            id: Unique id; a new one if None.
            data: What it says; an empty dictionary if there is nothing.
            sent: When it was sent; the server fills it in.
            source: Who sent it; the hub fills in *id*, *user* and *host* when it is published.
            target: Expression that picks the subscribers it is for, by their metadata.
            in_reply_to_event: Id of the event that this one is a reply to.
        """
        import uuid

        self._data: dict[str, Any] = {
            "id": id or uuid.uuid4().hex,
            "data": data or {},
            "topic": topic,
            "sent": sent,
            "source": source or {},
            "target": target,
            "in_reply_to_event": in_reply_to_event,
        }
        self._stopped = False

    def stop(self) -> None:
        """Keep the event from the callbacks that have not been called yet."""
        self._stopped = True

    def is_stopped(self) -> bool:
        """Return whether the event has been stopped."""
        return self._stopped

    def __str__(self) -> str:
        """Return the class and the content."""
        return f"<{type(self).__name__} {self._data}>"

    def __getitem__(self, key: str) -> Any:
        """Return the value of *key*."""
        return self._data[key]

    def __setitem__(self, key: str, value: Any) -> None:
        """Set the value of *key*."""
        self._data[key] = value

    def __delitem__(self, key: str) -> None:
        """Remove *key*."""
        del self._data[key]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys."""
        return iter(self._data)

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._data)
