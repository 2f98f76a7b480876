"""What is left of transfers when their process dies, so that the same call continues them.

The native journal keeps the ids of the components of a call, and which of their files arrived. Here
is decided which calls are worth it, and what makes two calls the same.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ftrack_rs import inspection, symbol, transfer
from ftrack_rs._core import Journal, TransferIntent
from ftrack_rs.accessor.server import _ServerAccessor
from ftrack_rs.entity.base import Entity

if TYPE_CHECKING:
    from ftrack_rs.session.source_files import SourceFiles

_logger = logging.getLogger("ftrack_api.journal")

# Server, user, location, path and data of a call.
_Parts = tuple[str, str, str, str, str]

#: The number of bytes from which on a transfer is noted. What is smaller is sent again in seconds,
#: and noting it would take a part of that each time.
WORTHWHILE = 64 * 1024 * 1024


@dataclass(frozen=True)
class Call:
    """A call of `create_component`.

    Attributes:
        session: The session it is made with.
        location: Where the files go.
        files: The files.
        data: The values of the component.
    """

    session: Any
    location: Any
    files: SourceFiles
    data: Mapping[str, Any]

    @property
    def is_worthwhile(self) -> bool:
        """Whether the transfer may take so long that repeating it would hurt."""
        settings = transfer.current() or transfer.Transfer()
        return (
            settings.journal
            and type(self.location.accessor) is _ServerAccessor
            and "id" not in self.data
            and sum(self.files.sizes) >= WORTHWHILE
        )


@dataclass(frozen=True)
class Noted:
    """What the journal knows of a call.

    Attributes:
        container_id: The component of the sequence, if it is one.
        file_ids: The component of each file.
        registered: The component, if an earlier process came as far as to register it.
    """

    container_id: str | None = None
    file_ids: Sequence[str] = ()
    registered: Any = None

    @property
    def container_key(self) -> dict[str, str]:
        """What to add to the values of the container."""
        return {"id": self.container_id} if self.container_id else {}

    def file_key(self, index: int) -> dict[str, str]:
        """What to add to the values of the component of a file."""
        return {"id": self.file_ids[index]} if self.file_ids else {}


class NothingLeftError(Exception):
    """Raised when a transfer is to be continued of which nothing is left for this process."""


_continuing: ContextVar[bool] = ContextVar("continuing", default=False)


@contextmanager
def continuing() -> Iterator[None]:
    """Continue what is left of the calls in this block, but begin none of them anew.

    Raises:
        NothingLeftError: If nothing is left of one.
    """
    token = _continuing.set(True)
    try:
        yield
    finally:
        _continuing.reset(token)


#: What is known of a call that is not noted.
UNNOTED: Noted = Noted()


@contextmanager
def noted(call: Call) -> Iterator[Noted]:
    """Note *call* while it is made, and forget it when it has succeeded.

    Yields:
        What is known of the call. That it cannot be noted is no reason not to make it.
    """
    if not call.is_worthwhile:
        yield UNNOTED
        return
    try:
        intent, registered = _begin(call)
    except (OSError, TypeError, ValueError) as error:
        level = logging.WARNING if isinstance(error, OSError) else logging.DEBUG
        _logger.log(level, "A transfer could not be resumed should it break off: %s", error)
        yield UNNOTED
        return
    token = transfer.noted_intent.set(intent)
    try:
        with _held(intent):
            yield Noted(intent.container_id, intent.file_ids, registered)
    finally:
        transfer.noted_intent.reset(token)


@contextmanager
def noted_publish(
    session: Any, publish: Mapping[str, Any], files: list[Path]
) -> Iterator[TransferIntent | None]:
    """Note a publish while it runs, however small it is, and forget it when it has succeeded.

    Args:
        session: The session that publishes.
        publish: What is published and how, in the form of JSON.
        files: The files that are sent.

    Yields:
        What is kept of the publish; None if it cannot be noted.
    """
    parts = (
        session.server_url,
        session.api_user,
        symbol.SERVER_LOCATION_ID,
        f"{files[0]} and {len(files) - 1} more" if len(files) > 1 else str(files[0]),
        json.dumps({"publish": publish}, sort_keys=True),
    )
    try:
        intent = _take(Journal(), parts, files, False)
    except OSError as error:
        _logger.warning("A publish could not be resumed should it break off: %s", error)
        yield None
        return
    with _held(intent):
        yield intent


@contextmanager
def _held(intent: TransferIntent) -> Iterator[None]:
    """Forget *intent* when the block has succeeded, and leave it to the next call if not."""
    try:
        yield
    except BaseException:
        intent.release()
        raise
    try:
        intent.finish()
    except OSError as error:
        _logger.warning("A transfer stays listed although it is complete: %s", error)


def _begin(call: Call) -> tuple[TransferIntent, Any]:
    """Take over what an earlier process left of *call*, or note it anew."""
    parts = (
        call.session.server_url,
        call.session.api_user,
        call.location["id"],
        os.path.abspath(call.files.path),
        json.dumps(portable(call.data), sort_keys=True),
    )
    journal = Journal()
    intent = _take(journal, parts, call.files.paths, call.files.sequence is not None)
    component = None if intent.is_new else _existing(call.session, intent)
    if component is None:
        return intent, None
    if intent.is_unchanged and _is_registered(call.session, component, call.location):
        return intent, component
    # The component was committed, but is not what the call is to make; ids are not used twice.
    intent.finish()
    return journal.begin(parts, call.files.paths, call.files.sequence is not None), None


def _take(
    journal: Journal, parts: _Parts, files: list[str] | list[Path], has_container: bool
) -> TransferIntent:
    """Take over what is left of a call, or note it anew unless it is only to be continued."""
    intent = journal.begin(parts, files, has_container)
    if intent.is_new and _continuing.get():
        intent.finish()
        raise NothingLeftError
    return intent


def _existing(session: Any, intent: TransferIntent) -> Any:
    """Return the component of an earlier process if it was committed."""
    component_id = intent.container_id or intent.file_ids[0]
    return session.query(f"Component where id is {component_id}").first()


def _is_registered(session: Any, component: Any, location: Any) -> bool:
    registration = session.query(
        f"ComponentLocation where component_id is {component['id']} and location_id is "
        f"{location['id']}"
    )
    return registration.first() is not None


def portable(value: Any) -> Any:
    """Return *value* in the form of JSON, with references in place of entities.

    Raises:
        TypeError: If another process could not know it.
    """
    if isinstance(value, Entity):
        if inspection.state(value) is symbol.CREATED:
            raise TypeError(f"{value} is not committed.")
        return {"entity": inspection.identity(value)}
    if isinstance(value, Mapping):
        return {"mapping": {str(key): portable(item) for key, item in value.items()}}
    if isinstance(value, (list, tuple)):
        return [portable(item) for item in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"{type(value).__name__} objects are known to this process only.")


def restored(session: Any, value: Any) -> Any:
    """Return what :func:`portable` was given.

    Raises:
        ValueError: If an entity is gone.
    """
    if isinstance(value, list):
        return [restored(session, item) for item in value]
    if not isinstance(value, dict):
        return value
    if "mapping" in value:
        return {key: restored(session, item) for key, item in value["mapping"].items()}
    entity_type, key = value["entity"]
    entity = session.get(entity_type, key)
    if entity is None:
        raise ValueError(f"{entity_type} {', '.join(key)} is no longer there")
    return entity
