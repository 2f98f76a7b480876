"""JSON with entities in it."""

from __future__ import annotations

import datetime
import functools
import json
from collections.abc import Iterator, MutableMapping
from typing import Any

from ftrack_rs import exception, inspection
from ftrack_rs.attribute import ReferenceAttribute
from ftrack_rs.collection import Collection, MappedCollectionProxy
from ftrack_rs.entity.base import Entity
from ftrack_rs.overrides import remembered
from ftrack_rs.session.state import SessionState
from ftrack_rs.symbol import NOT_SET

_STRATEGIES = ("all", "set_only", "modified_only", "persisted_only")


class OperationPayload(MutableMapping[str, Any]):
    """One operation of a batch as it is sent."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Initialise as a dictionary is."""
        self._data: dict[str, Any] = dict(*args, **kwargs)

    def __str__(self) -> str:
        return f"<{type(self).__name__} {self._data}>"

    def __getitem__(self, key: str) -> Any:
        return self._data[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._data[key] = value

    def __delitem__(self, key: str) -> None:
        del self._data[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)


@remembered
class Encoding(SessionState):
    """Turns entities into JSON and back."""

    def encode(self, data: Any, entity_attribute_strategy: str = "set_only") -> str:
        """Return *data* as JSON.

        Args:
            data: Anything JSON has, and datetimes, entities and collections.
            entity_attribute_strategy: Which attributes of entities are written: `all`, loading
                those that are not known; `set_only`; `modified_only`; or `persisted_only`.

        Raises:
            ValueError: If there is no such strategy.
        """
        if entity_attribute_strategy not in _STRATEGIES:
            raise ValueError(
                f'Unsupported entity_attribute_strategy "{entity_attribute_strategy}". Must be '
                f"one of {', '.join(_STRATEGIES)}"
            )
        encode = functools.partial(
            self._encode, entity_attribute_strategy=entity_attribute_strategy
        )
        return json.dumps(data, sort_keys=True, default=encode)

    def _encode(self, item: Any, entity_attribute_strategy: str = "set_only") -> Any:
        """Return *item* as something that JSON has.

        Raises:
            TypeError: If there is no such thing.
        """
        # Arrow is not imported for this: its instances have what datetimes have, but share no class
        # with them in old versions.
        if isinstance(item, (datetime.datetime, datetime.date)) or type(item).__name__ == "Arrow":
            return {"__type__": "datetime", "value": item.isoformat()}
        if isinstance(item, OperationPayload):
            return self._encode_payload(item)
        if isinstance(item, Entity):
            return self._encode_entity(item, entity_attribute_strategy)
        if isinstance(item, MappedCollectionProxy):
            item = item.collection
        if isinstance(item, Collection):
            return [self.entity_reference(entity) for entity in item]
        raise TypeError(f"{item!r} is not JSON serializable")

    def _encode_payload(self, payload: OperationPayload) -> dict[str, Any]:
        data = dict(payload)
        if "entity_data" in data:
            data["entity_data"] = {
                name: self.entity_reference(value) if isinstance(value, Entity) else value
                for name, value in data["entity_data"].items()
            }
        return data

    def _encode_entity(self, entity: Any, strategy: str) -> dict[str, Any]:
        data = self.entity_reference(entity)
        with self.auto_populating(True):
            for attribute in entity.attributes:
                value = _value_for(attribute, entity, strategy)
                if value is NOT_SET:
                    continue
                if isinstance(attribute, ReferenceAttribute) and isinstance(value, Entity):
                    value = self.entity_reference(value)
                data[attribute.name] = value
        return data

    def entity_reference(self, entity: Any) -> dict[str, Any]:
        """Return the type and the primary key of *entity* as the server reads them."""
        reference = {"__entity_type__": entity.entity_type}
        with self.auto_populating(False):
            reference.update(inspection.primary_key(entity))
        return reference

    def decode(self, string: str | bytes) -> Any:
        """Return JSON as Python objects; entities in it do not belong to the session yet."""
        with self.operation_recording(False):
            return json.loads(string, object_hook=self._decode)

    def _decode(self, item: Any) -> Any:
        if not isinstance(item, dict):
            return item
        if item.get("__type__") in ("datetime", "date"):
            import arrow

            return arrow.get(item["value"])
        if "__entity_type__" in item:
            return self._create(item["__entity_type__"], item, reconstructing=True)
        return item

    def _create(self, entity_type: str, data: Any, reconstructing: bool) -> Any:
        """Return a new entity that does not belong to the session yet.

        Raises:
            UnrecognisedEntityTypeError: If there is no such type.
        """
        try:
            entity_class = self.types[entity_type]
        except KeyError:
            raise exception.UnrecognisedEntityTypeError(entity_type) from None
        return entity_class(self, data=data, reconstructing=reconstructing)


def _value_for(attribute: Any, entity: Any, strategy: str) -> Any:
    if strategy == "all":
        return attribute.get_value(entity)
    if strategy == "modified_only":
        return attribute.get_local_value(entity) if attribute.is_modified(entity) else NOT_SET
    if strategy == "persisted_only":
        return NOT_SET if attribute.computed else attribute.get_remote_value(entity)
    value = attribute.get_local_value(entity)
    return attribute.get_remote_value(entity) if value is NOT_SET else value
