"""Recorded changes, and how they reach the server."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from ftrack_rs import exception, inspection, version
from ftrack_rs._core import Batch
from ftrack_rs.attribute import ScalarAttribute
from ftrack_rs.collection import Collection
from ftrack_rs.entity.base import Entity
from ftrack_rs.operation import (
    CreateEntityOperation,
    DeleteEntityOperation,
    UpdateEntityOperation,
)
from ftrack_rs.query import quoted
from ftrack_rs.session.encoding import OperationPayload
from ftrack_rs.session.identity import Identity, check_entity
from ftrack_rs.symbol import CREATED, DELETED, MODIFIED, NOT_SET, Symbol

_CHANGES = (CreateEntityOperation, UpdateEntityOperation, DeleteEntityOperation)


class UnitOfWork(Identity):
    """Creates, changes and deletes entities, all at once when committed."""

    #: Operations of a commit of which nobody could tell whether it was made.
    _in_doubt: list[Any] = []  # noqa: RUF012 - replaced, never changed

    @property
    def created(self) -> list[Any]:
        """Entities that the next commit creates."""
        return self._recorded(CREATED)

    @property
    def modified(self) -> list[Any]:
        """Entities that the next commit updates."""
        return self._recorded(MODIFIED)

    @property
    def deleted(self) -> list[Any]:
        """Entities that the next commit deletes."""
        return self._recorded(DELETED)

    def _recorded(self, state: Symbol) -> list[Any]:
        found: dict[str, Any] = {}
        for operation in self.recorded_operations:
            if not isinstance(operation, _CHANGES):
                continue
            identity = (str(operation.entity_type), [*map(str, operation.entity_key.values())])
            try:
                found[str(identity)] = self._local_cache.get(self.cache_key_maker.key(identity))
            except KeyError:
                continue
        entities = list(found.values())
        states = inspection.states(entities)
        return [entity for entity, its in zip(entities, states) if its is state]

    def create(self, entity_type: str, data: Any = None, reconstructing: bool = False) -> Entity:
        """Create an entity with the next commit.

        Args:
            entity_type: Name of the type.
            data: Values of attributes.
            reconstructing: True to take *data* for what the server has of an existing entity;
                nothing is recorded then.

        Returns:
            The entity.

        Raises:
            TypeError: If *data* is no mapping.
            UnrecognisedEntityTypeError: If there is no such type.
        """
        if data and not hasattr(data, "items"):
            raise TypeError(
                f"A {entity_type} is created with a mapping of its values, not with {data!r}."
            )
        if entity_type == version.VERSION and not reconstructing and entity_type not in self.types:
            entity: Entity = version.create_version(self, data or {})
            return entity
        entity = self._create(entity_type, data, reconstructing=reconstructing)
        admitted: Entity | None = self._admit(entity)
        if admitted is None:
            admitted = self.merge(entity)
        return admitted

    def ensure(
        self, entity_type: str, data: dict[str, Any], identifying_keys: Any = None
    ) -> Entity:
        """Return an entity with the values in *data*, creating or updating it, which commits.

        Args:
            entity_type: Name of the type.
            data: Values the entity is to have.
            identifying_keys: Names in *data* by which an existing one is found; all by default.

        Raises:
            KeyError: If *data* lacks an identifying key.
            MultipleResultsFoundError: If several entities have these values.
            ValueError: If *data* is empty.
        """
        identifying_keys = list(identifying_keys or data)
        if not identifying_keys:
            raise ValueError(
                "Could not determine any identifying data to check against when ensuring "
                f"{entity_type!r} with data {data!r}. Identifying keys: {identifying_keys!r}"
            )
        criteria = [f"{name} is {_literal(data[name])}" for name in identifying_keys]
        try:
            entity = self.query(f"{entity_type} where {' and '.join(criteria)}").one()
        except exception.NoResultFoundError:
            entity = self.create(entity_type, data)
            self.commit()
            return entity
        changed = {name: value for name, value in data.items() if entity[name] != value}
        for name, value in changed.items():
            entity[name] = value
        if changed:
            self.commit()
        return entity

    def delete(self, entity: Any) -> None:
        """Delete *entity* with the next commit.

        Raises:
            TypeError: If it is no entity.
        """
        check_entity(entity, "deleted")
        if self.record_operations:
            self.recorded_operations.push(
                DeleteEntityOperation(entity.entity_type, inspection.primary_key(entity))
            )

    def commit(self) -> None:
        """Send all recorded changes in one batch, of which the server does everything or nothing.

        When the answer is lost, the entities are looked up: changes that were made count as
        committed, and others are sent once more. What other threads change meanwhile stays recorded
        for the next commit.

        Raises:
            AnswerLostError: If the answer was lost, and the changes were not made or nobody can
                tell. They stay recorded, and are looked up by the next commit.
            ServerError: If the server refuses. The changes stay recorded; see :meth:`rollback`.
            ValueError: If something else than changes has been recorded.
        """
        self._settle_doubts()
        operations = list(self.recorded_operations)
        batch = self._batch(operations)
        try:
            self._send(batch, operations)
        except (exception.AnswerLostError, KeyboardInterrupt):
            self._in_doubt = operations
            raise

    def _batch(self, operations: list[Any]) -> Batch:
        with self._thread_lock, self.auto_populating(False):
            return Batch(_without_superseded(operations), self)

    def _settle_doubts(self) -> None:
        """Drop recorded changes that an earlier commit has made after all."""
        doubtful = self._in_doubt
        if not doubtful:
            return
        recorded = list(self.recorded_operations)
        # Whoever has put other changes in their place knows better.
        if [*map(id, doubtful)] != [*map(id, recorded[: len(doubtful)])]:
            return
        batch = self._batch(doubtful)
        if self._client().holds(self._entities(), batch):
            self._entities().apply(batch)
            self._in_doubt = []
            self._forget(doubtful)

    def _send(self, batch: Batch, operations: list[Any]) -> None:
        if not batch:
            self._settle(operations)
        elif self._is_native():
            with self._logging_errors():
                answer = self._client().commit(self._entities(), batch)
            # First, so that an interrupt amid the rest hides nothing that was sent.
            self._entities().apply(batch)
            self._settle(operations)
            self._entities().merge_answers(answer)
        else:
            results = self._call_until_settled(batch)
            self._entities().apply(batch)
            self._settle(operations)
            for entry in results:
                if entry["action"] in ("create", "update"):
                    self._merge_answer(entry["data"])
            self._cache_written(batch)

    def _merge_answer(self, answer: Any) -> None:
        """Merge what the server says of an entity that was written.

        Its form of a value holds also where that equals the one sent, as 3.0 equals 3.
        """
        merged = self.merge(answer)
        if not isinstance(answer, Entity) or merged is answer:
            return
        for attribute in answer.attributes:
            value = attribute.get_remote_value(answer)
            if isinstance(attribute, ScalarAttribute) and value is not NOT_SET:
                attribute.set_remote_value(merged, value)

    def _cache_written(self, batch: Batch) -> None:
        """Tell the layers of the cache what was written, which answers say little of."""
        if not self._lower_layers():
            return
        for payload in batch.payloads():
            if payload["action"] == "delete":
                continue
            identity = str(payload["entity_type"]), [*map(str, payload["entity_key"])]
            key = self.cache_key_maker.key(identity)
            try:
                self._keep(key, self._local_cache.get(key))
            except KeyError:
                continue

    def _call_until_settled(self, batch: Batch) -> list[Any]:
        """Send *batch* by :meth:`call`, once more if it was lost before it had an effect.

        Returns:
            The answer; nothing if that was lost and the changes were made.
        """
        operations = [OperationPayload(payload) for payload in batch.payloads()]
        try:
            results: list[Any] = self.call(operations)
        except exception.AnswerLostError:
            applied = self._client().holds(self._entities(), batch)
            if applied is None:
                raise
            results = [] if applied else self.call(operations)
        return results

    def _settle(self, operations: list[Any]) -> None:
        """Forget recorded *operations* and the local values that they have sent or undone."""
        self._in_doubt = []
        with self._thread_lock:
            later = _Unsent(self._forget(operations))
            for entity in self._entities().modified():
                later.clear_locals(entity)
            # A layer below may have given entities of an earlier identity map.
            for entity in self._local_cache.values() if self._lower_layers() else ():
                if isinstance(entity, Entity):
                    later.clear_locals(entity)

    def _forget(self, operations: list[Any]) -> list[Any]:
        """Forget recorded *operations*; return those that other threads have recorded since."""
        forgotten = set(map(id, operations))
        later = [item for item in self.recorded_operations if id(item) not in forgotten]
        self.recorded_operations.clear()
        for operation in later:
            self.recorded_operations.push(operation)
        return later

    def rollback(self) -> None:
        """Forget all recorded changes; entities that they would have created leave the session."""
        with self._thread_lock:
            operations = list(self.recorded_operations)
            for operation in operations:
                if isinstance(operation, CreateEntityOperation):
                    values = [str(value) for value in operation.entity_key.values()]
                    identity = (str(operation.entity_type), values)
                    try:
                        self.cache.remove(self.cache_key_maker.key(identity))
                    except KeyError:
                        continue
            self._settle(operations)


class _Unsent:
    """Changes that were recorded while others were sent; their local values stay."""

    def __init__(self, operations: list[Any]) -> None:
        self._created: set[Any] = set()
        self._updated: dict[Any, set[str]] = {}
        for operation in operations:
            if isinstance(operation, CreateEntityOperation):
                self._created.add(_identity(operation.entity_type, operation.entity_key))
            elif isinstance(operation, UpdateEntityOperation):
                identity = _identity(operation.entity_type, operation.entity_key)
                self._updated.setdefault(identity, set()).add(operation.attribute_name)

    def clear_locals(self, entity: Any) -> None:
        """Clear the local values of *entity* but for those that are still to be sent."""
        if not self._created and not self._updated:
            entity._clear_locals()
            return
        identity = _identity(entity.entity_type, inspection.primary_key(entity))
        if identity in self._created:
            return
        unsent = self._updated.get(identity, ())
        for attribute in entity.attributes:
            if attribute.name not in unsent:
                # Without recording that as a change.
                entity._set_local(attribute.name, NOT_SET)


def _identity(entity_type: str, key: Mapping[str, Any]) -> tuple[str, ...]:
    return str(entity_type), *map(str, key.values())


def _without_superseded(operations: list[Any]) -> list[Any]:
    """Leave out changes of a collection right before another one, which sends all members again."""
    followers = [*operations[1:], None]
    return [it for it, next_one in zip(operations, followers) if not _supersedes(next_one, it)]


def _supersedes(operation: Any, before: Any) -> bool:
    return (
        isinstance(operation, UpdateEntityOperation)
        and isinstance(before, UpdateEntityOperation)
        and isinstance(operation.new_value, Collection)
        and isinstance(before.new_value, Collection)
        and operation.attribute_name == before.attribute_name
        and operation.entity_type == before.entity_type
        and operation.entity_key == before.entity_key
    )


def _literal(value: Any) -> str:
    """Return *value* as the query language writes it."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, (datetime.datetime, datetime.date)) or type(value).__name__ == "Arrow":
        import arrow

        # The server keeps neither fractions of seconds nor time zones.
        return quoted(arrow.get(value).naive.replace(microsecond=0).isoformat())
    return str(value)
