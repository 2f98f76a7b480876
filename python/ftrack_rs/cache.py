"""Caches, the keys they are used with, and the memoisation of functions.

A :class:`Cache` keeps values under keys. Caches are combined by wrapping: a :class:`LayeredCache`
puts fast ones in front of lasting ones, a :class:`SerialisedCache` turns values into text for one
that holds nothing else. A :class:`KeyMaker` makes keys, and a :class:`Memoiser` brings both
together to remember the results of functions.
"""

from __future__ import annotations

import copy
import functools
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

from ftrack_rs.symbol import NOT_SET

if TYPE_CHECKING:
    from ftrack_rs._core import EntityMap
    from ftrack_rs.cache_file import Database

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Cache(ABC):
    """Interface of a cache."""

    @abstractmethod
    def get(self, key: Any) -> Any:
        """Return the value of *key*.

        Raises:
            KeyError: If there is none.
        """

    @abstractmethod
    def set(self, key: Any, value: Any) -> None:
        """Set the value of *key*."""

    @abstractmethod
    def remove(self, key: Any) -> None:
        """Remove *key* and its value.

        Raises:
            KeyError: If there is none.
        """

    def keys(self) -> list[Any]:
        """Return the keys of this moment; others may come and go meanwhile.

        Raises:
            NotImplementedError: If the cache does not know its keys.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot list its keys.")

    def values(self) -> list[Any]:
        """Return the values of the keys of this moment."""
        values = []
        for key in self.keys():
            try:
                values.append(self.get(key))
            except KeyError:
                continue
        return values

    def clear(self, pattern: str | None = None) -> None:
        """Remove every key in which the regular expression *pattern* is found; all if None."""
        expression = None if pattern is None else re.compile(pattern)
        for key in self.keys():
            if expression is not None and not expression.search(key):
                continue
            try:
                self.remove(key)
            except KeyError:
                continue


class ProxyCache(Cache):
    """Hands everything on to another cache.

    Attributes:
        proxied: The other cache.
    """

    def __init__(self, proxied: Cache) -> None:
        """Initialise with the cache to hand on to."""
        self.proxied = proxied

    def get(self, key: Any) -> Any:
        """Return the value of *key*; KeyError if there is none."""
        return self.proxied.get(key)

    def set(self, key: Any, value: Any) -> None:
        """Set the value of *key*."""
        self.proxied.set(key, value)

    def remove(self, key: Any) -> None:
        """Remove *key* and its value; KeyError if there is none."""
        self.proxied.remove(key)

    def keys(self) -> list[Any]:
        """Return the keys of this moment."""
        return list(self.proxied.keys())


class LayeredCache(Cache):
    """Looks through several caches in turn, the fastest first.

    Attributes:
        caches: The caches; layers may be added and removed at any time.
    """

    def __init__(self, caches: list[Any]) -> None:
        """Initialise with the layers, the fastest first."""
        self.caches = caches

    def get(self, key: Any) -> Any:
        """Return the value of *key*, and set it in the layers that were asked in vain before.

        A layer has no value if it raises KeyError, or returns NOT_SET.

        Raises:
            KeyError: If no layer has a value.
        """
        missed = []
        for cache in self.caches:
            try:
                value = cache.get(key)
            except KeyError:
                value = NOT_SET
            if value is NOT_SET:
                missed.append(cache)
                continue
            for other in missed:
                other.set(key, value)
            return value
        raise KeyError(key)

    def set(self, key: Any, value: Any) -> None:
        """Set the value of *key* in every layer."""
        for cache in self.caches:
            cache.set(key, value)

    def remove(self, key: Any) -> None:
        """Remove *key* from every layer.

        Raises:
            KeyError: If no layer had it.
        """
        removed = False
        for cache in self.caches:
            try:
                cache.remove(key)
            except KeyError:
                continue
            removed = True
        if not removed:
            raise KeyError(key)

    def keys(self) -> list[Any]:
        """Return the keys of all layers, each once."""
        keys: set[Any] = set()
        for cache in self.caches:
            keys.update(cache.keys())
        return list(keys)


class FileCache(Cache):
    """Keeps text in a file, where other processes may use it at the same time.

    Every change is a transaction: it is there as a whole or not at all, whatever happens to the
    process.

    Attributes:
        path: The file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Initialise with the file at *path*, which is made if it is not there.

        Raises:
            ValueError: If there is a file that is no cache.
            OSError: If the file cannot be made.
        """
        self.path = os.fspath(path)
        with self._database() as database:
            database.create()

    def get(self, key: str) -> str:
        """Return the value of *key*.

        Raises:
            KeyError: If there is none.
        """
        with self._database() as database:
            return database[key].decode()

    def set(self, key: str, value: str | bytes) -> None:
        """Set the value of *key*."""
        with self._database() as database:
            database[key] = value

    def remove(self, key: str) -> None:
        """Remove *key* and its value.

        Raises:
            KeyError: If there is none.
        """
        with self._database() as database:
            del database[key]

    def keys(self) -> list[str]:
        """Return the keys of this moment."""
        with self._database() as database:
            return [key.decode() for key in database]

    def _database(self) -> AbstractContextManager[Database]:
        """Give the content of the file as a mapping of bytes, locked for the ``with`` block.

        What is changed in the block is undone if the block raises.
        """
        from ftrack_rs.cache_file import opened

        return opened(self.path)


class SerialisedCache(ProxyCache):
    """Encodes values for another cache, and decodes them when they are got.

    Attributes:
        encode: Called with a value, returns what is kept; None to keep the value itself.
        decode: Called with what is kept, returns the value; None to return what is kept.
    """

    def __init__(
        self,
        proxied: Cache,
        encode: Callable[[Any], Any] | None = None,
        decode: Callable[[Any], Any] | None = None,
    ) -> None:
        """Initialise with the other cache and both directions of the encoding."""
        self.encode = encode
        self.decode = decode
        super().__init__(proxied)

    def get(self, key: Any) -> Any:
        """Return the decoded value of *key*; KeyError if there is none."""
        value = super().get(key)
        return self.decode(value) if self.decode else value

    def set(self, key: Any, value: Any) -> None:
        """Encode and set the value of *key*."""
        super().set(key, self.encode(value) if self.encode else value)


class KeyMaker(ABC):
    """Makes one key of several items.

    Attributes:
        item_separator: What stands between the keys of the items.
    """

    def __init__(self) -> None:
        """Initialise without a separator."""
        self.item_separator: Any = ""

    def key(self, *items: Any) -> Any:
        """Return the key of *items*."""
        return self.item_separator.join([self._key(item) for item in items])

    @abstractmethod
    def _key(self, obj: Any) -> Any:
        """Return the key of one item."""


class StringKeyMaker(KeyMaker):
    """Makes keys from the text of the items."""

    def _key(self, obj: Any) -> str:
        return str(obj)


class ObjectKeyMaker(KeyMaker):
    """Makes keys, as bytes, from what the items hold.

    Equal items have equal keys also if they cannot be hashed, such as dictionaries, whose order is
    of no account. Functions and classes are told apart by name; other objects have to be picklable.
    """

    def __init__(self) -> None:
        """Initialise with marks that tell apart the kinds of items."""
        super().__init__()
        self.item_separator = b"\0"
        self.mapping_identifier = b"\1"
        self.mapping_pair_separator = b"\2"
        self.iterable_identifier = b"\3"
        self.name_identifier = b"\4"

    def _key(self, obj: Any) -> bytes:
        import inspect

        if isinstance(obj, Mapping):
            return self._mapping_key(obj)
        if isinstance(obj, Iterable) and not isinstance(obj, (str, bytes, type)):
            return self._iterable_key(obj)
        if inspect.ismethod(obj):
            names = (obj.__name__, type(obj.__self__).__name__, obj.__module__)
            return self._name_key(*names)
        if inspect.isfunction(obj) or inspect.isclass(obj):
            return self._name_key(obj.__qualname__, obj.__module__)
        if inspect.isbuiltin(obj):
            return self._name_key(obj.__qualname__)
        return self._object_key(obj)

    def _mapping_key(self, mapping: Mapping[Any, Any]) -> bytes:
        pairs = sorted(
            self._key(key) + self.mapping_pair_separator + self._key(value)
            for key, value in mapping.items()
        )
        content: bytes = self.item_separator.join(pairs)
        return self.mapping_identifier + content + self.mapping_identifier

    def _iterable_key(self, items: Iterable[Any]) -> bytes:
        content: bytes = self.item_separator.join([self._key(item) for item in items])
        return self.iterable_identifier + content + self.iterable_identifier

    def _name_key(self, *names: str) -> bytes:
        content: bytes = self.item_separator.join([name.encode() for name in names])
        return self.name_identifier + content

    def _object_key(self, obj: Any) -> bytes:
        import pickle

        return pickle.dumps(obj, 2)


class Memoiser:
    """Calls functions once for the same arguments, and remembers what they returned.

    Attributes:
        cache: Where results are kept.
        key_maker: Makes the key of a function and its arguments.
        return_copies: Whether to return deep copies, so that callers cannot change what is kept.
    """

    def __init__(
        self,
        cache: Cache | None = None,
        key_maker: KeyMaker | None = None,
        return_copies: bool = True,
    ) -> None:
        """Initialise the memoiser.

        Args:
            cache: Where to keep results; a new :class:`MemoryCache` if None.
            key_maker: Makes the keys; an :class:`ObjectKeyMaker` if None.
            return_copies: Whether to return deep copies of the results.
        """
        self.cache = MemoryCache() if cache is None else cache
        self.key_maker = ObjectKeyMaker() if key_maker is None else key_maker
        self.return_copies = return_copies

    def call(
        self,
        function: Callable[..., Any],
        args: Iterable[Any] | None = None,
        kw: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the result of *function*, called only if it is not remembered.

        Arguments count as the same whether they are given by position or by name.
        """
        import inspect

        args, kw = tuple(args or ()), dict(kw or {})
        key = self.key_maker.key(function, inspect.getcallargs(function, *args, **kw))
        try:
            value = self.cache.get(key)
        except KeyError:
            value = function(*args, **kw)
            self.cache.set(key, value)
        return copy.deepcopy(value) if self.return_copies else value


def memoise_decorator(memoiser: Memoiser) -> Callable[[_Function], _Function]:
    """Return a decorator that calls functions through *memoiser*."""

    def decorate(function: _Function) -> _Function:
        @functools.wraps(function)
        def call(*args: Any, **kw: Any) -> Any:
            return memoiser.call(function, args, kw)

        return call  # type: ignore[return-value]

    return decorate


class MemoryCache(Cache):
    """Keeps values in memory.

    As the topmost cache of a session it stands for the identity map: entities of the session live
    there and are found under the keys that a :class:`StringKeyMaker` makes of their
    identities, such as ``"('Task', ['id'])"``. Everything else is kept in a dictionary.
    """

    def __init__(self) -> None:
        """Initialise without values."""
        self._cache: dict[Any, Any] = {}
        self._entities: EntityMap | None = None

    def get(self, key: Any) -> Any:
        """Return the value of *key*; KeyError if there is none."""
        identity = self._identity(key)
        entity = None
        if self._entities is not None and identity is not None:
            entity = self._entities.get(*identity)
        return self._cache[key] if entity is None else entity

    def _older(self, key: Any, entity: Any) -> Any:
        """Return what was set under *key* beside the identity map, else *entity*."""
        return self._cache.get(key, entity)

    def _admit(self, session: Any, entity: Any, identity: tuple[str, list[str]]) -> bool:
        """Make *entity* the one of an identity, unless there is a value for that; return if so."""
        if self._cache and str(identity) in self._cache:
            return False
        return self._entities_of(session).admit(entity, *identity)

    def set(self, key: Any, value: Any) -> None:
        """Set the value of *key*; an entity from another cache becomes one of the session."""
        identity = self._identity(key)
        entities = None if identity is None else self._entities_for(value)
        if identity is None or entities is None or not entities.accept(value, *identity):
            self._cache[key] = value

    def _entities_for(self, value: Any) -> EntityMap | None:
        """Return the identity map that *value* may belong to, made if it is the first entity."""
        from ftrack_rs._core import EntityHandle

        if self._entities is None and isinstance(value, EntityHandle):
            session = value.session
            return self._entities_of(session) if session._local_cache is self else None
        return self._entities

    def remove(self, key: Any) -> None:
        """Remove *key* and its value; KeyError if there is none."""
        identity = self._identity(key)
        if self._entities is not None and identity is not None and self._entities.remove(*identity):
            # An older instance, set by hand, may stand beside that of the identity map.
            self._cache.pop(key, None)
            return
        del self._cache[key]

    def keys(self) -> list[Any]:
        """Return the keys of this moment."""
        entities = [] if self._entities is None else self._entities.keys()
        return [str(identity) for identity in entities] + list(self._cache)

    def values(self) -> list[Any]:
        """Return the values of this moment."""
        entities = [] if self._entities is None else self._entities.values()
        return entities + list(self._cache.values())

    def clear(self, pattern: str | None = None) -> None:
        """Remove every key in which the regular expression *pattern* is found; all if None.

        Without a pattern the session starts with a new identity map; entities in use keep the old
        one.
        """
        if pattern is not None:
            super().clear(pattern)
            return
        self._cache.clear()
        self._entities = None

    def _entities_of(self, session: Any) -> EntityMap:
        """Return the identity map of *session*, which this cache stands for."""
        if self._entities is None:
            from ftrack_rs._core import EntityMap

            self._entities = EntityMap(session, session._schema_set())
        return self._entities

    def _identity(self, key: Any) -> tuple[str, list[str]] | None:
        """Return the identity that *key* was made of, if it is such a key."""
        match = _IDENTITY.fullmatch(key) if isinstance(key, str) else None
        if match is None:
            return None
        values = match.group("values")
        if "\\" in values or '"' in values:
            import ast

            return match.group("type"), ast.literal_eval(values)
        return match.group("type"), _QUOTED.findall(values)


# How identities print: a type, and values of the primary key.
_IDENTITY = re.compile(r"\('(?P<type>\w+)', (?P<values>\[.*\])\)", re.DOTALL)
_QUOTED = re.compile(r"'([^']*)'")

#: The memoiser of :func:`memoise`; its results live as long as the process.
memoiser = Memoiser()

#: Decorates a function to be called once for the same arguments.
memoise = memoise_decorator(memoiser)
