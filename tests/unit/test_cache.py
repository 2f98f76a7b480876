"""Caches keep values, and keys tell items apart."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftrack_rs.cache import (
    Cache,
    FileCache,
    LayeredCache,
    Memoiser,
    MemoryCache,
    ObjectKeyMaker,
    ProxyCache,
    SerialisedCache,
    StringKeyMaker,
    memoise,
    memoise_decorator,
)
from ftrack_rs.symbol import NOT_SET

CACHES: dict[str, Callable[[Path], Cache]] = {
    "memory": lambda path: MemoryCache(),
    "proxy": lambda path: ProxyCache(MemoryCache()),
    "layered": lambda path: LayeredCache([MemoryCache(), MemoryCache()]),
    "file": lambda path: FileCache(path / "cache"),
    "serialised": lambda path: SerialisedCache(
        FileCache(path / "cache"), encode=lambda value: value[::-1], decode=lambda kept: kept[::-1]
    ),
}


@pytest.fixture(params=CACHES)
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Cache:
    return CACHES[request.param](tmp_path)


class TestEveryCache:
    def test_gives_what_was_set(self, cache: Cache) -> None:
        cache.set("a", "1")
        cache.set("b", "grün")
        cache.set("a", "2")
        assert (cache.get("a"), cache.get("b")) == ("2", "grün")
        assert sorted(cache.keys()) == ["a", "b"]
        assert sorted(cache.values()) == ["2", "grün"]

    def test_has_no_other_keys(self, cache: Cache) -> None:
        with pytest.raises(KeyError):
            cache.get("a")
        with pytest.raises(KeyError):
            cache.remove("a")

    def test_removes(self, cache: Cache) -> None:
        cache.set("a", "1")
        cache.remove("a")
        assert cache.keys() == []

    @pytest.mark.parametrize(
        ("pattern", "left"), [(None, []), ("^a", ["b"]), ("b", ["a"]), ("x", ["a", "b"])]
    )
    def test_clears(self, cache: Cache, pattern: str | None, left: list[str]) -> None:
        cache.set("a", "1")
        cache.set("b", "2")
        cache.clear(pattern)
        assert sorted(cache.keys()) == left

    def test_is_true_though_empty(self, cache: Cache) -> None:
        assert cache


class TestLayeredCache:
    def test_fills_the_layers_above(self) -> None:
        top, middle, bottom = MemoryCache(), MemoryCache(), MemoryCache()
        bottom.set("a", 1)
        assert LayeredCache([top, middle, bottom]).get("a") == 1
        assert (top.get("a"), middle.get("a")) == (1, 1)

    def test_takes_not_set_for_a_miss(self) -> None:
        top, bottom = MemoryCache(), MemoryCache()
        top.set("a", NOT_SET)
        bottom.set("a", 1)
        assert LayeredCache([top, bottom]).get("a") == 1
        assert top.get("a") == 1

    def test_sets_and_removes_everywhere(self) -> None:
        layers = [MemoryCache(), MemoryCache()]
        cache = LayeredCache(layers)
        cache.set("a", 1)
        layers[0].remove("a")
        cache.remove("a")
        assert all(layer.keys() == [] for layer in layers)

    def test_layers_come_and_go(self) -> None:
        cache = LayeredCache([MemoryCache()])
        cache.caches.append(MemoryCache())
        cache.caches[1].set("a", 1)
        assert cache.get("a") == 1

    def test_layers_need_no_base_class(self) -> None:
        class Layer:
            def get(self, key: str) -> str:
                return key * 2

        assert LayeredCache([Layer()]).get("a") == "aa"


class TestFileCache:
    def test_outlives_the_object(self, tmp_path: Path) -> None:
        path = str(tmp_path / "cache")
        FileCache(path).set("a", "1")
        again = FileCache(path)
        assert (again.path, again.get("a")) == (path, "1")

    def test_opens_as_a_mapping_of_bytes(self, tmp_path: Path) -> None:
        cache = FileCache(tmp_path / "cache")
        with cache._database() as database:
            database["a"] = "1"
            database[b"b"] = b"2"
            assert (len(database), sorted(database.keys())) == (2, [b"a", b"b"])
            assert "a" in database
        assert cache.get("b") == "2"

    def test_undoes_what_was_not_finished(self, tmp_path: Path) -> None:
        cache = FileCache(tmp_path / "cache")
        cache.set("a", "1")

        def fail() -> None:
            with cache._database() as database:
                database["a"] = "2"
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert cache.get("a") == "1"

    def test_refuses_values_that_are_no_text(self, tmp_path: Path) -> None:
        with pytest.raises(TypeError, match="int"):
            FileCache(tmp_path / "cache").set("a", 1)  # type: ignore[arg-type]

    def test_leaves_other_files_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "notes.txt"
        path.write_text("Not a cache, but something that somebody wrote.\n" * 20)
        before = path.read_bytes()
        with pytest.raises(ValueError, match=r"notes\.txt"):
            FileCache(path)
        assert path.read_bytes() == before

    def test_names_a_file_that_cannot_be_made(self, tmp_path: Path) -> None:
        with pytest.raises(OSError, match="missing"):
            FileCache(tmp_path / "missing" / "cache")

    def test_serves_several_processes(self, tmp_path: Path) -> None:
        path = str(tmp_path / "cache")
        context = multiprocessing.get_context("spawn")
        writers = [context.Process(target=_write, args=(path, name)) for name in "ab"]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert [writer.exitcode for writer in writers] == [0, 0]
        assert sorted(FileCache(path).keys()) == sorted(f"{n}{i}" for n in "ab" for i in range(20))


def _write(path: str, name: str) -> None:
    cache = FileCache(path)
    for number in range(20):
        cache.set(f"{name}{number}", str(number))


def test_serialised_cache_keeps_values_as_they_are_without_coders() -> None:
    cache = SerialisedCache(MemoryCache())
    value = object()
    cache.set("a", value)
    assert cache.get("a") is value


def test_a_cache_may_not_know_its_keys() -> None:
    class Blind(MemoryCache):
        keys = Cache.keys

    with pytest.raises(NotImplementedError, match="Blind"):
        Blind().keys()


def test_memory_cache_has_no_unknown_tuples() -> None:
    with pytest.raises(KeyError):
        MemoryCache().get(("Task", ["1"])[0:1])


def test_string_keys_are_texts_joined() -> None:
    assert StringKeyMaker().key(("Task", ["1"])) == "('Task', ['1'])"
    assert StringKeyMaker().key("a", 1) == "a1"


class Owner:
    def method(self) -> None: ...


@pytest.mark.parametrize(
    "item", [1, "a", b"a", None, (1, "a"), {"a": [1, {2}]}, Owner, Owner().method, _write, len]
)
def test_object_keys_take_anything(item: Any) -> None:
    assert isinstance(ObjectKeyMaker().key(item, item), bytes)


VALUES = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, VALUES)
def test_object_keys_are_equal_for_equal_items(one: Any, other: Any) -> None:
    make = ObjectKeyMaker().key
    assert (make(one) == make(other)) == (one == other)


def test_object_keys_ignore_the_order_of_mappings() -> None:
    make = ObjectKeyMaker().key
    assert make({"a": 1, "b": 2}) == make({"b": 2, "a": 1})
    assert make((1, 2)) != make((2, 1))


class TestMemoiser:
    def test_calls_once_for_the_same_arguments(self) -> None:
        calls = []

        def add(x: int, y: int = 2) -> int:
            calls.append((x, y))
            return x + y

        memoiser = Memoiser(MemoryCache(), ObjectKeyMaker())
        results = [
            memoiser.call(add, (1,)),
            memoiser.call(add, (1, 2)),
            memoiser.call(add, (), {"y": 2, "x": 1}),
            memoiser.call(add, (1, 3)),
        ]
        assert results == [3, 3, 3, 4]
        assert calls == [(1, 2), (1, 3)]

    @pytest.mark.parametrize(("return_copies", "kept"), [(True, [1]), (False, [1, 2])])
    def test_returns_copies_unless_told_otherwise(
        self, return_copies: bool, kept: list[int]
    ) -> None:
        memoiser = Memoiser(return_copies=return_copies)

        def make() -> list[int]:
            return [1]

        memoiser.call(make).append(2)
        assert memoiser.call(make) == kept

    def test_decorates(self) -> None:
        calls = []

        @memoise_decorator(Memoiser())
        def double(x: int) -> int:
            """Double."""
            calls.append(x)
            return 2 * x

        assert [double(2), double(x=2)] == [4, 4]
        assert calls == [2]
        assert double.__doc__ == "Double."

    def test_default_decorator(self) -> None:
        calls = []

        @memoise
        def triple(x: int) -> int:
            calls.append(x)
            return 3 * x

        assert [triple(1), triple(1)] == [3, 3]
        assert calls == [1]
