"""Attributes of entity types: how a value is looked up, set, loaded and compared.

Attribute objects hold no values. Those last known to the server live in the native identity map,
those set locally with the entity; an attribute knows how to read and write both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Callable

from ftrack_rs import exception, inspection
from ftrack_rs.attribute_storage import AttributeStorage
from ftrack_rs.collection import (
    Collection,
    CustomAttributeCollectionProxy,
    KeyValueMappedCollectionProxy,
    MappedCollectionProxy,
)
from ftrack_rs.operation import UpdateEntityOperation
from ftrack_rs.symbol import NOT_SET


class Attributes:
    """The attributes of one entity type, by name."""

    def __init__(self, attributes: Any = None) -> None:
        """Initialise with *attributes*."""
        self._data: dict[str, Attribute] = {}
        for attribute in attributes or ():
            self.add(attribute)

    def add(self, attribute: Attribute) -> None:
        """Add *attribute*.

        Raises:
            NotUniqueError: If there is one of that name.
        """
        existing = self._data.get(attribute.name)
        if existing is not None:
            raise exception.NotUniqueError(
                f"Attribute with name {attribute.name} already added as {existing}"
            )
        self._data[attribute.name] = attribute

    def remove(self, attribute: Attribute) -> None:
        """Remove *attribute*."""
        self._data.pop(attribute.name)

    def get(self, name: str) -> Attribute | None:
        """Return the attribute called *name*, or None."""
        return self._data.get(name)

    def keys(self) -> list[str]:
        """Return the names."""
        return list(self._data)

    def __contains__(self, item: object) -> bool:
        return isinstance(item, Attribute) and item.name in self._data

    def __iter__(self) -> Iterator[Attribute]:
        return iter(self._data.values())

    def __len__(self) -> int:
        return len(self._data)


class Attribute:
    """A named value of an entity, kept on the server."""

    _local_key = "local"
    _remote_key = "remote"

    def __init__(
        self, name: str, default_value: Any = NOT_SET, mutable: bool = True, computed: bool = False
    ) -> None:
        """Initialise the attribute.

        Args:
            name: Name of the attribute.
            default_value: First value on a new entity, or a function of the entity that gives it.
            mutable: False if it can be set only while it has no value.
            computed: True if the server computes it, so that it should not be kept for long.
        """
        self._name = name
        self._mutable = mutable
        self._computed = computed
        self.default_value = default_value

    def __repr__(self) -> str:
        kind = type(self)
        return f"<{kind.__module__}.{kind.__name__}({self.name}) object at {id(self)}>"

    @property
    def name(self) -> str:
        """Name of the attribute."""
        return self._name

    @property
    def mutable(self) -> bool:
        """Whether it can be changed."""
        return self._mutable

    @property
    def computed(self) -> bool:
        """Whether the server computes it."""
        return self._computed

    def get_entity_storage(self, entity: Any) -> AttributeStorage:
        """Return the local and remote values of *entity* by attribute, live."""
        return AttributeStorage(entity)

    def get_value(self, entity: Any) -> Any:
        """Return the local value, else the remote one; load that if the session does so."""
        value = self.get_local_value(entity)
        if value is NOT_SET:
            value = self.get_remote_value(entity)
        # Without its primary key there is nothing to ask anybody for.
        if value is NOT_SET and self._name not in entity.primary_key_attributes:
            value = self._load(entity)
        return value

    def _load(self, entity: Any) -> Any:
        """Return the remote value, from the cache or the server; NOT_SET if it stays unknown."""
        value = NOT_SET
        if entity.session._recall(entity):
            value = self.get_remote_value(entity)
        if value is NOT_SET and entity.session.auto_populate:
            self.populate_remote_value(entity)
            value = self.get_remote_value(entity)
        return value

    def get_local_value(self, entity: Any) -> Any:
        """Return the value set locally, or NOT_SET."""
        return entity._get_local(self._name)

    def get_remote_value(self, entity: Any) -> Any:
        """Return the value last known to the server, or NOT_SET; does not ask the server."""
        # The identity map knows every key, but the server not yet that of a new entity.
        is_key = self._name in entity.primary_key_attributes
        if is_key and self.get_local_value(entity) is not NOT_SET:
            return NOT_SET
        return entity._get_remote(self._name)

    def set_local_value(self, entity: Any, value: Any) -> None:
        """Set the local value and record the change.

        Raises:
            ImmutableAttributeError: If the attribute is immutable and has a value.
        """
        if not self.mutable and value is not NOT_SET and self.is_set(entity):
            raise exception.ImmutableAttributeError(self)
        before = self.get_local_value(entity)
        entity._set_local(self._name, value)
        session = entity.session
        if session.record_operations:
            session.recorded_operations.push(
                UpdateEntityOperation(
                    entity.entity_type, inspection.primary_key(entity), self._name, before, value
                )
            )

    def set_remote_value(self, entity: Any, value: Any) -> None:
        """Set what is known of the server's value; sends nothing."""
        entity._set_remote(self._name, value)

    def populate_remote_value(self, entity: Any) -> None:
        """Load the remote value."""
        session = entity.session
        session.populate(session._rows_lacking(entity, self._name), self._name)

    def is_modified(self, entity: Any) -> bool:
        """Return whether a local value is set and differs from the remote one as far as known."""
        local = self.get_local_value(entity)
        return local is not NOT_SET and bool(local != self.get_remote_value(entity))

    def is_set(self, entity: Any) -> bool:
        """Return whether there is a local or a remote value."""
        return (
            self.get_local_value(entity) is not NOT_SET
            or self.get_remote_value(entity) is not NOT_SET
        )


class ScalarAttribute(Attribute):
    """A plain value: text, number, boolean, datetime, or an object of them."""

    def __init__(self, name: str, data_type: str, **kw: Any) -> None:
        """Initialise with the schema's *data_type*."""
        super().__init__(name, **kw)
        self.data_type = data_type


class ReferenceAttribute(Attribute):
    """Another entity."""

    def __init__(self, name: str, entity_type: str, **kw: Any) -> None:
        """Initialise with the *entity_type* referred to."""
        super().__init__(name, **kw)
        self.entity_type = entity_type

    def populate_remote_value(self, entity: Any) -> None:
        """Load the entity referred to, together with the default projections of its type."""
        session = entity.session
        projections = session.types[self.entity_type].default_projections
        names = [f"{self.name}.{projection}" for projection in projections or ()]
        entities = session._rows_lacking(entity, self.name)
        session.populate(entities, ", ".join(names) or self.name)

    def is_modified(self, entity: Any) -> bool:
        """Return whether a local value is set and refers to another entity than the remote one."""
        local = self.get_local_value(entity)
        if local is NOT_SET:
            return False
        remote = self.get_remote_value(entity)
        if remote is NOT_SET or local is None or remote is None:
            return local is not remote
        return inspection.identity(local) != inspection.identity(remote)


class AbstractCollectionAttribute(Attribute):
    """Several other entities.

    The collection that a caller gets is made from the remote value on first access and kept as the
    local value, so that changes made to it are seen everywhere. It is made
    anew when the remote value has changed since, unless the caller has changed it too.
    """

    #: Class of the values.
    collection_class: type[Any] = Collection

    def get_value(self, entity: Any) -> Any:
        """Return the collection, loading it if the session does so by itself; empty if unknown."""
        local = self.get_local_value(entity)
        if local is not NOT_SET and not self._is_outdated(entity, local):
            return local
        members = entity._get_remote(self._name)
        if members is NOT_SET:
            self._load(entity)
            members = entity._get_remote(self._name)
        value = self._wrap(entity, [] if members in (NOT_SET, None) else members)
        value.mutable = self.mutable
        entity._set_local(self._name, value)
        return value

    def get_remote_value(self, entity: Any) -> Any:
        """Return the collection last known to the server, read-only, or NOT_SET."""
        members = super().get_remote_value(entity)
        if members is NOT_SET:
            return members
        value = self._wrap(entity, members or [])
        value.mutable = False
        return value

    def set_local_value(self, entity: Any, value: Any) -> None:
        """Set the local value, made from a list or another form that the attribute takes."""
        if value is not NOT_SET:
            value = self._adapt_to_collection(entity, value)
            value.mutable = self.mutable
        super().set_local_value(entity, value)

    def set_remote_value(self, entity: Any, value: Any) -> None:
        """Set what is known of the server's value, given as a list or a collection."""
        if isinstance(value, MappedCollectionProxy):
            value = value.collection
        if value is not NOT_SET:
            value = list(value or ())
        super().set_remote_value(entity, value)

    def _wrap(self, entity: Any, members: list[Any]) -> Any:
        """Return a new collection of *members* that are known to differ."""
        return Collection._of(entity, self, members)

    def _adapt_to_collection(self, entity: Any, value: Any) -> Any:
        """Return *value* as a collection of this attribute on *entity*; None gives an empty one."""
        if isinstance(value, self.collection_class):
            if value.attribute is not self:
                raise exception.AttributeError("Collection already bound to a different attribute")
            return value
        if value is None:
            return self._wrap(entity, [])
        if isinstance(value, list):
            return self._proxy(Collection(entity, self, data=value))
        if isinstance(value, Collection):
            return self._proxy(value)
        if isinstance(value, Mapping):
            return self._from_mapping(entity, value)
        raise NotImplementedError(f"Cannot convert {value!r} to collection.")

    def _proxy(self, collection: Collection) -> Any:
        return collection

    def _from_mapping(self, entity: Any, value: Mapping[Any, Any]) -> Any:
        raise NotImplementedError(f"Cannot convert {value!r} to collection.")

    def _is_outdated(self, entity: Any, value: Any) -> bool:
        collection = getattr(value, "collection", value)
        generation = entity._generation
        if collection._generation == generation or collection._modified:
            return False
        members = entity._get_remote(self._name)
        if members is NOT_SET or members == collection._data:
            collection._generation = generation
            return False
        return True


class CollectionAttribute(AbstractCollectionAttribute):
    """Several other entities as a list."""

    collection_class = Collection


class _MappedCollectionAttribute(AbstractCollectionAttribute):
    """Several other entities as a mapping."""

    def _wrap(self, entity: Any, members: list[Any]) -> Any:
        return self._proxy(Collection._of(entity, self, members))

    def _from_mapping(self, entity: Any, value: Mapping[Any, Any]) -> Any:
        # Starts from the present members: what is no longer in the mapping has to be deleted on the
        # server, and what stays has to be updated rather than created.
        current = self.get_value(entity)
        proxy = self._proxy(Collection(entity, self, data=current.collection[:]))
        for key in set(current.keys()) - set(value.keys()):
            del proxy[key]
        for key, item in value.items():
            proxy[key] = item
        return proxy


class KeyValueMappedCollectionAttribute(_MappedCollectionAttribute):
    """Entities that stand for a key and a value each, such as metadata."""

    collection_class = KeyValueMappedCollectionProxy

    def __init__(
        self,
        name: str,
        creator: Callable[[Any, dict[str, Any]], Any],
        key_attribute: str,
        value_attribute: str,
        **kw: Any,
    ) -> None:
        """Initialise the attribute.

        Args:
            name: Name of the attribute.
            creator: Makes a member from the proxy and a dictionary of its data.
            key_attribute: Attribute of the members that holds the key.
            value_attribute: Attribute of the members that holds the value.
            kw: As for :class:`Attribute`.
        """
        super().__init__(name, **kw)
        self.creator = creator
        self.key_attribute = key_attribute
        self.value_attribute = value_attribute

    def _proxy(self, collection: Collection) -> KeyValueMappedCollectionProxy:
        return KeyValueMappedCollectionProxy(
            collection, self.creator, self.key_attribute, self.value_attribute
        )


class CustomAttributeCollectionAttribute(_MappedCollectionAttribute):
    """Values of custom attributes by the key of their configuration."""

    collection_class = CustomAttributeCollectionProxy

    def _proxy(self, collection: Collection) -> CustomAttributeCollectionProxy:
        return CustomAttributeCollectionProxy(collection)


def merge_references(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return *function* unchanged.

    Subclasses of attributes decorate `get_value` with it so that entities found in a value are
    merged into the session first; values of this client are merged when they arrive.
    """
    return function
