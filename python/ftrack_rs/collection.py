"""Collections of entities that belong to an entity, and mappings on top of them."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterable, Iterator, MutableMapping, MutableSequence
from typing import Any, Callable

from ftrack_rs import cache, custom_attribute, exception, inspection
from ftrack_rs.operation import UpdateEntityOperation
from ftrack_rs.symbol import CREATED, NOT_SET


class Collection(MutableSequence[Any]):
    """An ordered collection of different entities; every change is recorded with the session.

    Attributes:
        entity: The entity it belongs to.
        attribute: The attribute of the entity.
        mutable: Whether it can be changed.
    """

    def __init__(
        self, entity: Any, attribute: Any, mutable: bool = True, data: Iterable[Any] | None = None
    ) -> None:
        """Initialise with the entities in *data*; recording nothing.

        Raises:
            DuplicateItemInCollectionError: If an entity stands in *data* twice.
        """
        self.entity = entity
        self.attribute = attribute
        self.mutable = mutable
        self._data: list[Any] = []
        self._identities: set[str] | None = set()
        self._generation = -1
        self._modified = True
        self._add(data or ())

    @classmethod
    def _of(cls, entity: Any, attribute: Any, members: list[Any]) -> Collection:
        """Return a collection of *members* as the server knows them, which are known to differ."""
        collection = cls(entity, attribute)
        collection._data = members
        collection._identities = None
        collection._generation = entity._generation
        collection._modified = False
        return collection

    def __copy__(self) -> Collection:
        duplicate = type(self).__new__(type(self))
        duplicate.__dict__.update(self.__dict__)
        duplicate._data = list(self._data)
        duplicate._identities = None
        return duplicate

    def insert(self, index: int, item: Any) -> None:
        """Insert *item* before *index*.

        Raises:
            DuplicateItemInCollectionError: If it is there already.
            ImmutableCollectionError: If the collection cannot be changed.
        """
        self._check_mutable()
        if item in self:
            raise exception.DuplicateItemInCollectionError(item, self)
        before = copy.copy(self)
        self._data.insert(index, item)
        self._known_identities().add(_identity(item))
        self._notify(before)

    def _extend_at_once(self, values: list[Any]) -> None:
        """Append all of *values*, recorded as one change where :meth:`extend` records each.

        Raises:
            DuplicateItemInCollectionError: If one is there already; nothing is appended then.
            ImmutableCollectionError: If the collection cannot be changed.
        """
        self._check_mutable()
        before = copy.copy(self)
        self._add(values)
        self._notify(before)

    def __contains__(self, value: object) -> bool:
        return _identity(value) in self._known_identities()

    def __getitem__(self, index: Any) -> Any:
        return self._data[index]

    def __setitem__(self, index: Any, item: Any) -> None:
        self._check_mutable()
        if item in self._data and self._data.index(item) != index:
            raise exception.DuplicateItemInCollectionError(item, self)
        data = list(self._data)
        data[index] = item
        _identity(item)  # refuses what is no entity
        before = copy.copy(self)
        self._data, self._identities = data, None
        self._notify(before)

    def __delitem__(self, index: Any) -> None:
        self._check_mutable()
        self._data[index]  # refuses what is not there, as reading does
        before = copy.copy(self)
        del self._data[index]
        self._identities = None
        self._notify(before)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Collection) and self._known_identities() == other._known_identities()
        )

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def _known_identities(self) -> set[str]:
        if self._identities is None:
            self._identities = {_identity(item) for item in self._data}
        return self._identities

    def _check_mutable(self) -> None:
        if not self.mutable:
            raise exception.ImmutableCollectionError(self)

    def _add(self, values: Iterable[Any]) -> None:
        identities = set(self._known_identities())
        data = list(self._data)
        for item in values:
            identity = _identity(item)
            if identity in identities:
                raise exception.DuplicateItemInCollectionError(item, self)
            identities.add(identity)
            data.append(item)
        self._data, self._identities = data, identities

    def _notify(self, old_value: Collection) -> None:
        """Record that the collection has changed from *old_value*."""
        self._modified = True
        session = self.entity.session
        if session.record_operations:
            session.recorded_operations.push(
                UpdateEntityOperation(
                    self.entity.entity_type,
                    inspection.primary_key(self.entity),
                    self.attribute.name,
                    old_value,
                    self,
                )
            )


class MappedCollectionProxy(MutableMapping[Any, Any]):
    """A mapping in front of a collection.

    Attributes:
        collection: The collection.
    """

    def __init__(self, collection: Collection) -> None:
        """Initialise in front of *collection*."""
        self.logger = logging.getLogger(f"ftrack_api.collection.{type(self).__name__}")
        self.collection = collection

    def __copy__(self) -> MappedCollectionProxy:
        duplicate = type(self).__new__(type(self))
        duplicate.__dict__.update(self.__dict__)
        duplicate.collection = copy.copy(self.collection)
        return duplicate

    @property
    def mutable(self) -> bool:
        """Whether the collection can be changed."""
        return self.collection.mutable

    @mutable.setter
    def mutable(self, value: bool) -> None:
        self.collection.mutable = value

    @property
    def attribute(self) -> Any:
        """The attribute the collection is the value of."""
        return self.collection.attribute

    @attribute.setter
    def attribute(self, value: Any) -> None:
        self.collection.attribute = value


class KeyValueMappedCollectionProxy(MappedCollectionProxy):
    """Entities that hold a key and a value each, as a mapping from one to the other."""

    def __init__(
        self,
        collection: Collection,
        creator: Callable[[Any, dict[str, Any]], Any],
        key_attribute: str,
        value_attribute: str,
    ) -> None:
        """Initialise as the attribute that it is the value of describes."""
        super().__init__(collection)
        self.creator = creator
        self.key_attribute = key_attribute
        self.value_attribute = value_attribute

    def _get_entity_by_key(self, key: Any) -> Any:
        for entity in self.collection:
            if entity[self.key_attribute] == key:
                return entity
        raise KeyError(key)

    def __getitem__(self, key: Any) -> Any:
        return self._get_entity_by_key(key)[self.value_attribute]

    def __setitem__(self, key: Any, value: Any) -> None:
        try:
            entity = self._get_entity_by_key(key)
        except KeyError:
            self._create(key, value)
        else:
            entity[self.value_attribute] = value

    def _create(self, key: Any, value: Any) -> None:
        entity = self.creator(self, {self.key_attribute: key, self.value_attribute: value})
        session = self.collection.entity.session
        if inspection.state(entity) is CREATED:
            self.collection.append(entity)
        else:
            # The creator saves the value by itself; an update of the collection would be refused.
            with session.operation_recording(False):
                self.collection.append(entity)

    def __delitem__(self, key: Any) -> None:
        entity = self._get_entity_by_key(key)
        self.collection.remove(entity)
        entity.session.delete(entity)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._unique_keys())

    def __len__(self) -> int:
        return len(self._unique_keys())

    def keys(self) -> Any:
        """Return a list of the keys."""
        return list(self)

    def _unique_keys(self) -> dict[Any, None]:
        return dict.fromkeys(entity[self.key_attribute] for entity in self.collection)


class CustomAttributeCollectionProxy(MappedCollectionProxy):
    """Values of custom attributes, as a mapping from the keys of all configurations that apply."""

    key_attribute = "configuration_id"
    value_attribute = "value"

    def get_configuration_id_from_key(self, key: str) -> str:
        """Return the id of the configuration called *key*.

        Raises:
            KeyError: If none of that key applies to the entity.
        """
        return str(self._get_configuration(key)["id"])

    def __getitem__(self, key: str) -> Any:
        configuration = self._get_configuration(key)
        value = self._get_entity_by_key(key)
        return configuration["default"] if value is None else value[self.value_attribute]

    def __setitem__(self, key: str, value: Any) -> None:
        existing = self._get_entity_by_key(key)
        if existing is not None:
            existing[self.value_attribute] = value
            return
        entity = self.collection.entity
        data = {
            self.key_attribute: self.get_configuration_id_from_key(key),
            self.value_attribute: value,
            "entity_id": entity["id"],
        }
        created = entity.session.create("CustomAttributeValue", data)
        # Asking the configurations may have loaded the collection anew.
        entity["custom_attributes"].collection.append(created)

    def __delitem__(self, key: str) -> None:
        existing = self._get_entity_by_key(key)
        if existing is None:
            self.logger.warning(
                "Cannot delete %r on %r, no custom attribute value set.",
                key,
                self.collection.entity,
            )
            return
        self.collection.remove(existing)
        existing.session.delete(existing)

    def __iter__(self) -> Iterator[str]:
        return iter(self._get_keys())

    def __len__(self) -> int:
        return len(self._get_keys())

    def __eq__(self, other: object) -> bool:
        if other is NOT_SET or not isinstance(other, MappedCollectionProxy):
            return False
        return self.collection == other.collection

    __hash__ = None  # type: ignore[assignment]

    def _get_keys(self) -> list[str]:
        return [item["key"] for item in custom_attribute.sparse(self.collection.entity)]

    def _get_configuration(self, key: str) -> Any:
        for configuration in custom_attribute.sparse(self.collection.entity):
            if configuration["key"] == key:
                return configuration
        raise KeyError(key)

    def _get_entity_by_key(self, key: str) -> Any:
        wanted = self.get_configuration_id_from_key(key)
        for entity in self.collection:
            if entity[self.key_attribute] == wanted:
                return entity
        return None


class PerSessionDefaultKeyMaker(cache.KeyMaker):
    """Makes keys for functions of a session."""

    def _key(self, obj: Any) -> str:
        session = obj.get("session") if isinstance(obj, dict) else None
        return str(obj) if session is None else str(id(session))


#: Keeps the result of a function of a session, for each session.
memoise_session = cache.memoise_decorator(
    cache.Memoiser(key_maker=PerSessionDefaultKeyMaker(), return_copies=False)
)


def _identity(entity: Any) -> str:
    return str(inspection.identity(entity))
