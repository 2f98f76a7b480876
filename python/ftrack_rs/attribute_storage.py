"""The values of an entity as tools look at them: by attribute, the local and the remote one."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

from ftrack_rs.symbol import NOT_SET


class AttributeStorage(MutableMapping[str, "Values"]):
    """The values of an entity, of those attributes that have one; loads nothing.

    Any attribute can be looked up. What is set is set in the entity, but not recorded as a change.
    """

    def __init__(self, entity: Any) -> None:
        """Initialise for *entity*."""
        self._entity = entity

    def __getitem__(self, name: str) -> Values:
        if self._entity.attributes.get(name) is None:
            raise KeyError(name)
        return Values(self._entity, name)

    def __setitem__(self, name: str, values: Any) -> None:
        self[name].update(values)

    def __delitem__(self, name: str) -> None:
        self[name].update(local=NOT_SET, remote=NOT_SET)

    def __iter__(self) -> Iterator[str]:
        return (attribute.name for attribute in self._entity.attributes if self._has(attribute))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        attribute = self._entity.attributes.get(name)
        return attribute is not None and self._has(attribute)

    def __repr__(self) -> str:
        return repr({name: dict(values) for name, values in self.items()})

    def _has(self, attribute: Any) -> bool:
        has: bool = attribute.is_set(self._entity)
        return has


class Values(MutableMapping[str, Any]):
    """The values of one attribute: `local` and `remote`."""

    def __init__(self, entity: Any, name: str) -> None:
        """Initialise for the attribute *name* of *entity*."""
        self._entity = entity
        self._name = name

    def __getitem__(self, side: str) -> Any:
        attribute = self._entity.attributes.get(self._name)
        if side == "local":
            return attribute.get_local_value(self._entity)
        if side == "remote":
            return attribute.get_remote_value(self._entity)
        raise KeyError(side)

    def __setitem__(self, side: str, value: Any) -> None:
        if side == "local":
            self._entity._set_local(self._name, value)
        elif side == "remote":
            self._entity.attributes.get(self._name).set_remote_value(self._entity, value)
        else:
            raise KeyError(side)

    def __delitem__(self, side: str) -> None:
        self[side] = NOT_SET

    def __iter__(self) -> Iterator[str]:
        return iter(("local", "remote"))

    def __len__(self) -> int:
        return 2

    def __repr__(self) -> str:
        return repr(dict(self))
