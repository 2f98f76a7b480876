"""Entities by identity: one instance for each entity of the server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ftrack_rs import inspection
from ftrack_rs._core import EntityMap, Pages, SchemaSet
from ftrack_rs.cache import LayeredCache, MemoryCache, StringKeyMaker
from ftrack_rs.collection import Collection, MappedCollectionProxy
from ftrack_rs.entity.base import Entity
from ftrack_rs.overrides import is_first_of, is_own, remembered
from ftrack_rs.query import QueryResult, quoted, some_at_once
from ftrack_rs.session.connection import Connection
from ftrack_rs.session.rows import RecentRows
from ftrack_rs.symbol import CREATED, NOT_SET


@remembered
class Identity(Connection):
    """Finds, queries, merges and loads entities."""

    def _entities(self) -> EntityMap:
        """Return the identity map of this session."""
        cache = self._local_cache
        if isinstance(cache, MemoryCache):
            return cache._entities_of(self)
        entities: EntityMap | None = self.__dict__.get("_own_entities")
        if entities is None:
            entities = self._own_entities = EntityMap(self, self._schema_set())
        return entities

    def _schema_set(self) -> SchemaSet:
        """Return the schemas, prepared for native code."""
        prepared: tuple[Any, SchemaSet] | None = self.__dict__.get("_prepared_schemas")
        if prepared is None or prepared[0] is not self.schemas:
            prepared = self._prepared_schemas = (self.schemas, SchemaSet(self.schemas))
        return prepared[1]

    def _is_native(self) -> bool:
        """Return whether nothing looks at what goes from the server to the identity map."""
        return (
            self._calls_natively()
            and self._identity_cache() is not None
            and all(is_first_of(kind, "merge", Entity) for kind in self.types.values())
        )

    def _identity_cache(self) -> MemoryCache | None:
        """Return the cache that stands for the identity map; None if others have a say."""
        if (
            is_own(self, "merge", Identity)
            and type(self.cache) is LayeredCache
            and len(self.cache.caches) == 1
            and type(self.cache.caches[0]) is MemoryCache
            and type(self.cache_key_maker) is StringKeyMaker
        ):
            cache: MemoryCache = self.cache.caches[0]
            return cache
        return None

    def get(self, entity_type: str, entity_key: Any) -> Entity | Any:
        """Return an entity from the cache, else from the server.

        Args:
            entity_type: Name of the type.
            entity_key: Value of the primary key, or a list of its values.

        Returns:
            The entity, or None if there is none.

        Raises:
            KeyError: If there is no such type.
            TypeError: If the key is neither a text nor a list.
            ValueError: If the primary key has another number of values.
        """
        definition = self.types[entity_type].primary_key_attributes
        if isinstance(entity_key, str):
            entity_key = [entity_key]
        if not hasattr(entity_key, "__len__"):
            raise TypeError(
                f"The primary key of a {entity_type} is a text, or a list of its values, not "
                f"{entity_key!r}."
            )
        if len(entity_key) != len(definition):
            raise ValueError(
                f"Incompatible entity_key {entity_key!r} supplied. Entity type {entity_type} "
                f"expects a primary key composed of {len(definition)} values "
                f"({', '.join(definition)})."
            )
        try:
            return self._get(entity_type, entity_key)
        except KeyError:
            self.logger.debug("%s %s is not cached.", entity_type, entity_key)
        condition = _all_of(dict(zip(definition, entity_key)))
        results = self.query(f"{entity_type} where {condition}").all()
        return results[0] if results else None

    def _get(self, entity_type: str, entity_key: Any) -> Any:
        """Return an entity from the cache.

        Raises:
            KeyError: If it is not there.
        """
        identity = (str(entity_type), [str(value) for value in entity_key])
        return self._cached(self.cache_key_maker.key(identity))

    def _cached(self, key: Any) -> Any:
        """Return what the cache has under *key*.

        A layer below that keeps objects may have given one of an earlier identity map; it stays the
        one that the session uses.

        Raises:
            KeyError: If it is not there.
        """
        found = self.cache.get(key)
        local = self._local_cache
        if self._lower_layers() and isinstance(local, MemoryCache):
            return local._older(key, found)
        return found

    def query(self, expression: str, page_size: int = 500) -> QueryResult:
        """Return the lazy result of a query.

        Args:
            expression: Query language; without `select` the default projections of the type are
                selected.
            page_size: Number of entities to ask for at once.

        Raises:
            KeyError: If the type is not known.
            TypeError: If *expression* is no text.
        """
        if not isinstance(expression, str):
            raise TypeError(
                f"A query is a text, such as 'Task where name is \"lighting\"', not {expression!r}."
            )
        self.logger.debug("Query %r", expression)
        if not expression.startswith("select"):
            projections = self.types[expression.split(" ", 1)[0]].default_projections
            expression = f"select {', '.join(projections)} from {expression}"
        return QueryResult(self, expression, page_size=page_size)

    def _query(self, expression: str) -> tuple[list[Any], dict[str, Any]]:
        """Return the entities that a query gives, and what the server says about the result."""
        if self._is_native():
            with self._logging_errors():
                entities, offset = self._client().query(self._entities(), expression)
            self._recent_rows().add(entities)
            return entities, {"next": {"offset": offset}}
        result = self.call([{"action": "query", "expression": expression}])[0]
        merged: dict[Any, Any] = {}
        entities = [self.merge(entity, merged) for entity in result["data"]]
        self._recent_rows().add(entities)
        return entities, result["metadata"]

    def _read_ahead(
        self, expression: str, offset: int, page_size: int, limit: int | None
    ) -> Iterator[tuple[list[Any], int | None]] | None:
        """Return the pages of a query, each asked for while the one before it is taken in.

        Each comes with the offset of the next. None where somebody looks at the queries.
        """
        if not (self._is_native() and is_own(self, "_query", Identity)):
            return None
        pages = self._client().pages(self._entities(), expression, offset, page_size, limit)
        return self._noting_rows(pages)

    def _noting_rows(self, pages: Pages) -> Iterator[tuple[list[Any], int | None]]:
        while True:
            with self._logging_errors():
                page = pages.next()
            if page is None:
                return
            self._recent_rows().add(page[0])
            yield page

    def _recent_rows(self) -> RecentRows:
        rows: RecentRows = self.__dict__.setdefault("_rows", RecentRows())
        return rows

    def _rows_lacking(self, entity: Any, name: str) -> list[Any]:
        """Return the entities to load the attribute *name* of, when *entity* lacks it."""
        return self._recent_rows().lacking(entity, name) if self.load_rows_together else [entity]

    def merge(self, value: Any, merged: Any = None) -> Any:
        """Take an entity, or a collection of them, into the session.

        Args:
            value: What to merge; is not changed. Anything else is returned as it is.
            merged: Entities merged already, by cache key.

        Returns:
            The instance that the session has for the entity, or a list of those.
        """
        with self.operation_recording(False), self._thread_lock:
            return self._merge(value, {} if merged is None else merged)

    def _merge(self, value: Any, merged: dict[Any, Any]) -> Any:
        if isinstance(value, Entity):
            return self._merge_entity(value, merged)
        if isinstance(value, MappedCollectionProxy):
            value = value.collection
        if isinstance(value, Collection):
            return [self._merge(entry, merged) for entry in value]
        return value

    def _merge_entity(self, entity: Any, merged: dict[Any, Any]) -> Any:
        with self.auto_populating(False):
            identity = inspection.identity(entity)
            key = self.cache_key_maker.key(identity)
            if key in merged:
                return merged[key]
            try:
                attached = self._cached(key)
            except KeyError:
                attached = self._attach(entity, *identity)
            merged[key] = attached
            if attached is entity or attached.merge(entity, merged=merged):
                self._keep(key, attached)
        return attached

    def _keep(self, key: Any, entity: Any) -> None:
        """Set *entity* in every layer of the cache.

        What is written holds local values too, so that it must not be recalled as the server's.
        """
        self._recall(entity)
        self.cache.set(key, entity)

    def _admit(self, entity: Any) -> Any:
        """Take an entity that was created here into the session, as :meth:`merge` does.

        Returns:
            The entity; None if there is more to do, as where its identity is known already.
        """
        cache = self._identity_cache()
        values = [entity._get_local(name) for name in entity.primary_key_attributes]
        if cache is None or NOT_SET in values:
            return None
        identity = str(entity.entity_type), [*map(str, values)]
        with self._thread_lock:
            return entity if cache._admit(self, entity, identity) else None

    def _attach(self, entity: Any, entity_type: str, key: list[str]) -> Any:
        """Return an instance of *entity* that belongs to the session; it may still lack values."""
        # One that was created here is nobody else's yet; one that was decoded stays as it came.
        if not entity._get_locals():
            entity = self._create(entity_type, {}, reconstructing=True)
        attached = self._entities().adopt(entity, entity_type, key)
        if attached is not entity:
            # The key of one that another session is about to create cannot be set later on.
            for name in entity.primary_key_attributes:
                attached._set_local(name, entity._get_local(name))
        return attached

    def _lower_layers(self) -> list[Any]:
        """Return the layers of the cache below the identity map."""
        return self.cache.caches[1:] if isinstance(self.cache, LayeredCache) else []

    def _recall(self, entity: Any) -> bool:
        """Take over what the layers below the identity map have of *entity*, once for each.

        What a layer gives refers to other entities by their keys; these are looked up in turn when
        they are looked at.

        Returns:
            Whether there was something.
        """
        layers = self._lower_layers()
        if not layers or entity.__dict__.get("_is_recalled"):
            return False
        entity._is_recalled = True
        with self.operation_recording(False), self.auto_populating(False), self._thread_lock:
            try:
                key = self.cache_key_maker.key(inspection.identity(entity))
            except KeyError:
                return False
            for layer in layers:
                try:
                    found = layer.get(key)
                except KeyError:
                    continue
                if isinstance(found, Entity):
                    return _complete(entity, found)
        return False

    def populate(self, entities: Any, projections: str) -> None:
        """Load attributes of *entities*; what is set locally stays.

        Args:
            entities: One entity, or several of one type. Those not committed yet are left out.
            projections: What to load, as after `select`.

        Raises:
            TypeError: If something else than an entity is given.
        """
        if not isinstance(entities, (list, tuple, QueryResult)):
            entities = [entities]
        for entity in entities:
            check_entity(entity, "populated")
        states = zip(dict.fromkeys(entities), inspection.states(entities))
        saved = [entity for entity, state in states if state is not CREATED]
        for some in some_at_once(saved):
            query = f"select {projections} from {some[0].entity_type} where {_any_of(some)}"
            self.query(query).all()


def check_entity(entity: Any, action: str) -> None:
    """Refuse what is no entity.

    Raises:
        TypeError: If it is none.
    """
    if not hasattr(entity, "entity_type"):
        raise TypeError(f"Only entities can be {action}, not {entity!r}.")


def _complete(entity: Any, found: Any) -> bool:
    """Take what *entity* lacks over from *found*; return whether there was anything.

    Not by merging, which would have every entity referred to written to the cache it came from.
    """
    was_completed = False
    for attribute in found.attributes:
        value = attribute.get_remote_value(found)
        if value is not NOT_SET and attribute.get_remote_value(entity) is NOT_SET:
            attribute.set_remote_value(entity, value)
            was_completed = True
    return was_completed


def _any_of(entities: list[Any]) -> str:
    """Return the condition that the entities, all of one type, fulfil."""
    keys = [inspection.primary_key(entity) for entity in entities]
    if len(keys[0]) > 1:
        return " or ".join(_all_of(key) for key in keys)
    ((name, value),) = keys[0].items()
    if len(keys) == 1:
        return f"{name} is {value}"
    return f"{name} in ({','.join(key[name] for key in keys)})"


def _all_of(key: Mapping[str, str]) -> str:
    conditions = " and ".join(f"{name} is {quoted(value)}" for name, value in key.items())
    return f"({conditions})"
