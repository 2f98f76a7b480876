"""The base of all entity classes.

An entity is a handle: what the server is known to hold lives in the native identity map, shared by
all that refer to the entity, and what is set locally lives in the handle until it is committed.
Reading a loaded attribute never leaves native code; everything else goes through the attributes of
the class, so that these can be replaced.
"""

from __future__ import annotations

import abc
import functools
import logging
import uuid
from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any, ClassVar

from ftrack_rs import inspection
from ftrack_rs._core import EntityHandle, new_uuid
from ftrack_rs.attribute import (
    AbstractCollectionAttribute,
    Attribute,
    Attributes,
    ReferenceAttribute,
    ScalarAttribute,
)
from ftrack_rs.attribute_storage import AttributeStorage
from ftrack_rs.operation import CreateEntityOperation
from ftrack_rs.overrides import remembered
from ftrack_rs.symbol import NOT_SET

if TYPE_CHECKING:
    from ftrack_rs.session import Session

_ENTITY_TYPE_KEY = "__entity_type__"


class _EntityBase:
    """Common base of entities and their mixins."""


def new_id(entity: Entity) -> str:
    """Return the id of a new *entity*."""
    # Tests replace `uuid4` by functions whose results they know.
    is_genuine = getattr(uuid.uuid4, "__module__", None) == "uuid"
    return new_uuid() if is_genuine else str(uuid.uuid4())


def _is_set_plainly(pair: tuple[Any, Any]) -> bool:
    """Return whether an attribute needs no more for its first value than to keep it."""
    attribute, value = pair
    if callable(value) and value is not new_id:
        return False
    # What `is_own` does, in line: every creation asks this of all attributes that it sets.
    is_inherited = type(attribute).set_local_value is Attribute.set_local_value
    return is_inherited and "set_local_value" not in attribute.__dict__


def _scalars_first(attributes: Attributes) -> list[Attribute]:
    """Return *attributes*, scalars in reversed order before all others, as changes are listed."""
    scalars = [it for it in attributes if isinstance(it, ScalarAttribute)]
    return scalars[::-1] + [it for it in attributes if not isinstance(it, ScalarAttribute)]


class DynamicEntityTypeMetaclass(abc.ABCMeta):
    """Class of the classes made from a schema."""

    def __repr__(cls) -> str:
        return f"<dynamic ftrack class '{cls.__name__}'>"


@remembered
class Entity(
    _EntityBase, EntityHandle, MutableMapping[str, Any], metaclass=DynamicEntityTypeMetaclass
):
    """An entity of an ftrack server, as a mapping from attribute names to values.

    Attributes:
        session: The session it belongs to.
    """

    entity_type: ClassVar[str] = "Entity"
    attributes: ClassVar[Attributes] = Attributes()
    primary_key_attributes: ClassVar[list[str]] = []
    default_projections: ClassVar[list[str]] = []
    session: Session

    if TYPE_CHECKING:
        # What else an entity has depends on its type.
        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...

    def __init__(self, session: Session, data: Any = None, reconstructing: bool = False) -> None:
        """Initialise the entity.

        Args:
            session: The session it belongs to.
            data: Values of attributes; names that the type does not know are ignored.
            reconstructing: True for an entity that exists on the server, whose values *data* holds;
                False to create one, with defaults for what *data* lacks.
        """
        self.session = session
        data = {} if data is None else data
        if reconstructing:
            self._reconstruct(data)
        else:
            self._construct(data)

    @functools.cached_property
    def logger(self) -> logging.Logger:
        """Logger of the class."""
        return logging.getLogger(f"ftrack_api.entity.base.{type(self).__name__}")

    def _construct(self, data: Any) -> None:
        """Set local values from defaults and *data*, and record the creation.

        Related entities are set after the creation is recorded: they may have been made for this
        one and be created after it. Collections come last, so that single ones join the creation.
        """
        given = list(self._known(data))
        scalars = [pair for pair in given if isinstance(pair[0], ScalarAttribute)]
        references = [pair for pair in given if isinstance(pair[0], ReferenceAttribute)]
        collections = [pair for pair in given if isinstance(pair[0], AbstractCollectionAttribute)]
        session = self.session
        # Most have no default, and setting that would cost more than all the rest.
        missing = [
            (it, it.default_value)
            for it in self.attributes
            if it.default_value is not NOT_SET and it.name not in data
        ]
        if all(map(_is_set_plainly, missing + scalars)):
            for attribute, value in missing + scalars:
                self._set_local(attribute.name, new_id(self) if value is new_id else value)
        else:
            with session.operation_recording(False):
                for attribute, value in missing:
                    attribute.set_local_value(self, value(self) if callable(value) else value)
                for attribute, value in scalars:
                    attribute.set_local_value(self, value)
        if session.record_operations:
            operation = CreateEntityOperation(
                self.entity_type, inspection.primary_key(self), self._get_locals()
            )
            operation.has_new_id = any(
                value is new_id and attribute.name in self.primary_key_attributes
                for attribute, value in missing
            )
            session.recorded_operations.push(operation)
        for attribute, value in references + collections:
            attribute.set_local_value(self, value)

    def _reconstruct(self, data: Any) -> None:
        """Take *data* for what the server holds."""
        for attribute, value in self._known(data):
            attribute.set_remote_value(self, value)

    def _known(self, data: Any) -> Iterator[tuple[Any, Any]]:
        """Return the attributes that *data* has values for, with these."""
        for name, value in data.items():
            attribute = self.attributes.get(name)
            if attribute is not None:
                yield attribute, value

    def __repr__(self) -> str:
        return f"<dynamic ftrack {type(self).__name__} object {id(self)}>"

    def __str__(self) -> str:
        with self.session.auto_populating(False):
            try:
                key = list(inspection.primary_key(self).values())
            except KeyError:
                key = ["Unknown"]
        return f"<{type(self).__name__}({', '.join(key)})>"

    def __copy__(self) -> Entity:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Entity:
        return self

    def __reduce__(self) -> Any:
        import pickle

        raise pickle.PicklingError(f"{self} cannot be pickled: it belongs to a session.")

    @property
    def _ftrack_attribute_storage(self) -> AttributeStorage:
        """Local and remote values by attribute; tools look here for what is loaded."""
        return AttributeStorage(self)

    def _get_unloaded(self, name: str) -> Any:
        """Return the value of *name*, which the native lookup could not give at once."""
        attribute = self.attributes.get(name)
        if attribute is None:
            raise KeyError(name)
        return attribute.get_value(self)

    def __setitem__(self, key: str, value: Any) -> None:
        attribute = self.attributes.get(key)
        if attribute is None:
            raise KeyError(key)
        attribute.set_local_value(self, value)

    def __delitem__(self, key: str) -> None:
        """Forget the local value of *key*, so that the server's shows again."""
        self[key] = NOT_SET

    def __iter__(self) -> Iterator[str]:
        return iter(self.attributes.keys())

    def __len__(self) -> int:
        return len(self.attributes)

    def values(self) -> list[Any]:  # type: ignore[override]
        """Return a list of all values; those not loaded yet are loaded."""
        self._populate_unset_scalar_attributes()
        return list(super().values())

    def items(self) -> list[tuple[str, Any]]:  # type: ignore[override]
        """Return a list of all names with their values; those not loaded yet are loaded."""
        self._populate_unset_scalar_attributes()
        return list(super().items())

    def clear(self) -> None:
        """Forget all local values."""
        for name in self._get_locals():
            del self[name]

    def merge(self, entity: Any, merged: Any = None) -> list[dict[str, Any]]:
        """Take over the values that are set on *entity*.

        Args:
            entity: Another instance of the same entity.
            merged: Entities merged already, by cache key.

        Returns:
            The changes: for each its `type` (`local_attribute` or `remote_attribute`), the `name`
            of the attribute, `old_value` and `new_value`.
        """
        merged = {} if merged is None else merged
        changes: list[dict[str, Any]] = []
        for attribute in _scalars_first(entity.attributes):
            mine = self.attributes.get(attribute.name)
            if mine is None:
                continue
            for kind in ("local", "remote"):
                theirs = getattr(attribute, f"get_{kind}_value")(entity)
                before = getattr(mine, f"get_{kind}_value")(self)
                if theirs is NOT_SET or (before is not NOT_SET and before == theirs):
                    continue
                value = self.session.merge(theirs, merged=merged)
                getattr(mine, f"set_{kind}_value")(self, value)
                changes.append(
                    {
                        "type": f"{kind}_attribute",
                        "name": attribute.name,
                        "old_value": before,
                        "new_value": value,
                    }
                )
        return changes

    def _populate_unset_scalar_attributes(self) -> None:
        """Load all scalars that are not known yet in one query, if the session does so."""
        if not self.session.auto_populate:
            return
        names = [
            attribute.name
            for attribute in self.attributes
            if isinstance(attribute, ScalarAttribute)
            and attribute.get_remote_value(self) is NOT_SET
        ]
        if names:
            self.session.populate([self], ", ".join(names))
