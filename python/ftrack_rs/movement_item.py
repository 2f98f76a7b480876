"""What is on its way to a location, and how its way may end early."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class Item:
    """A component on its way to a location.

    Attributes:
        component: The component.
        source: The location it comes from.
        containers: What contains it among that which is added, the innermost first.
        origin: What it is called at its source; None if it is not there.
        identifier: What it is to be called at the target.
        target: The path that this is on a disk, if it was looked at already.
    """

    def __init__(self, component: Any, source: Any, containers: tuple[Any, ...] = ()) -> None:
        """Initialise an item of which neither origin nor identifier is known."""
        self.component = component
        self.source = source
        self.containers = containers
        self.origin: Any = None
        self.identifier: Any = None
        self.target: str | None = None

    @property
    def is_container(self) -> bool:
        """Whether it has no data of its own."""
        return "members" in self.component.attributes.keys()  # noqa: SIM118 - not a mapping

    @property
    def size(self) -> int | None:
        """How many bytes its data has, if that is known without asking for it."""
        with self.component.session.auto_populating(False):
            size = self.component["size"]
        # Where nobody could look at the file, 0 stands for an unknown size.
        return int(size) if size else None


class StoppedError(Exception):
    """Raised when an item could not be moved.

    Attributes:
        item: The item; None if several were to be moved and it is not known which failed.
        error: Why not.
        moved: The items whose data had been moved by then.
    """

    def __init__(self, item: Item | None, error: Exception, moved: Iterable[Item] = ()) -> None:
        """Initialise with the *item*, the *error*, and what had been *moved*."""
        super().__init__(str(error))
        self.item = item
        self.error = error
        self.moved = list(moved)
