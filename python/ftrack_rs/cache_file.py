"""The file of a :class:`~ftrack_rs.cache.FileCache`: a mapping of bytes in an SQLite database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, MutableMapping
from contextlib import ExitStack, closing, contextmanager
from typing import Any

# Seconds to wait for another process that is writing to the same file.
_LOCK_TIMEOUT = 30


class Database(MutableMapping[Any, bytes]):
    """The content of a cache file: bytes by keys, which may be given as text, too."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Initialise with a connection on which a transaction has begun."""
        self._connection = connection

    def create(self) -> None:
        """Make the table if it is not there."""
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS cache (key BLOB PRIMARY KEY, value BLOB NOT NULL)"
        )

    def __getitem__(self, key: str | bytes) -> bytes:
        row = self._connection.execute(
            "SELECT value FROM cache WHERE key = ?", (_as_bytes(key),)
        ).fetchone()
        if row is None:
            raise KeyError(key)
        value: bytes = row[0]
        return value

    def __setitem__(self, key: str | bytes, value: str | bytes) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO cache VALUES (?, ?)", (_as_bytes(key), _as_bytes(value))
        )

    def __delitem__(self, key: str | bytes) -> None:
        deleted = self._connection.execute("DELETE FROM cache WHERE key = ?", (_as_bytes(key),))
        if not deleted.rowcount:
            raise KeyError(key)

    def __iter__(self) -> Iterator[bytes]:
        return iter([key for (key,) in self._connection.execute("SELECT key FROM cache")])

    def __len__(self) -> int:
        count: int = self._connection.execute("SELECT COUNT(*) FROM cache").fetchone()[0]
        return count


def _as_bytes(value: object) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes):
        return value
    raise TypeError(f"A cache file holds text and bytes, not {type(value).__name__}.")


@contextmanager
def opened(path: str) -> Iterator[Database]:
    """Give the content of the file at *path*, locked for the ``with`` block.

    Raises:
        OSError: If the file cannot be used.
        ValueError: If it is no cache file.
    """
    with closing(_connect(path)) as connection:
        try:
            yield Database(connection)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def _connect(path: str) -> sqlite3.Connection:
    """Return a connection on which a transaction has begun."""
    try:
        connection = sqlite3.connect(path, timeout=_LOCK_TIMEOUT, isolation_level=None)
        with ExitStack() as on_error:
            on_error.callback(connection.close)
            # A cache may be lost with the power of the machine: no write waits for the disk.
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("BEGIN IMMEDIATE")
            on_error.pop_all()
    except sqlite3.OperationalError as error:
        raise OSError(f'Cache file "{path}" cannot be used: {error}.') from error
    except sqlite3.DatabaseError as error:
        raise ValueError(f'"{path}" is not a cache file; it was left alone.') from error
    return connection
