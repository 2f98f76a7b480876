"""File-like objects that accessors hand out and locations copy between."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from typing import Any


class Data(ABC):
    """Interface of a file-like object.

    Attributes:
        closed: Whether the data can no longer be used.
    """

    def __init__(self) -> None:
        """Initialise open data."""
        self.closed = False

    @abstractmethod
    def read(self, limit: int | None = None) -> Any:
        """Return at most *limit* bytes from the current position; all that is left if None."""

    @abstractmethod
    def write(self, content: Any) -> None:
        """Write *content* at the current position."""

    def flush(self) -> None:  # noqa: B027 - unbuffered data has nothing to flush
        """Hand over everything written so far."""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> None:
        """Move the current position by *offset*, counted from *whence*.

        Args:
            offset: Distance in bytes.
            whence: ``os.SEEK_SET``, ``os.SEEK_CUR`` or ``os.SEEK_END``.

        Raises:
            NotImplementedError: If the data cannot be moved in.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot seek.")

    def tell(self) -> int:
        """Return the current position.

        Raises:
            NotImplementedError: If the data has no position.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot tell its position.")

    def close(self) -> None:
        """Flush, and allow no further use."""
        self.flush()
        self.closed = True


class FileWrapper(Data):
    """Data in a Python file object.

    Attributes:
        wrapped_file: The file object.
    """

    def __init__(self, wrapped_file: Any) -> None:
        """Initialise with the open *wrapped_file*."""
        self.wrapped_file = wrapped_file
        self._read_since_last_write = False
        super().__init__()

    def read(self, limit: int | None = None) -> Any:
        """Return at most *limit* bytes from the current position; all that is left if None."""
        self._read_since_last_write = True
        return self.wrapped_file.read(-1 if limit is None else limit)

    def write(self, content: Any) -> None:
        """Write *content* at the current position."""
        if self._read_since_last_write:
            # The C library of Windows asks for a seek between reading and writing.
            self.seek(self.tell())
        self.wrapped_file.write(content)
        self._read_since_last_write = False

    def flush(self) -> None:
        """Hand over everything written so far to the file object, and flush that."""
        super().flush()
        if hasattr(self.wrapped_file, "flush"):
            self.wrapped_file.flush()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> None:
        """Move the current position by *offset*, counted from *whence*."""
        self.wrapped_file.seek(offset, whence)

    def tell(self) -> int:
        """Return the current position."""
        position: int = self.wrapped_file.tell()
        return position

    def close(self) -> None:
        """Flush and close the file object; does nothing the second time."""
        if self.closed:
            return
        super().close()
        if hasattr(self.wrapped_file, "close"):
            self.wrapped_file.close()


class File(FileWrapper):
    """Data in a file on disk."""

    def __init__(self, path: str | os.PathLike[str], mode: str = "rb") -> None:
        """Open the file at *path* in *mode*."""
        super().__init__(open(path, mode))  # noqa: SIM115 - closed by `close`


class String(FileWrapper):
    """Data given as text or bytes, kept in a temporary file.

    Attributes:
        is_binary: False once text has been written; reading then gives text.
    """

    def __init__(self, content: str | bytes | None = None) -> None:
        """Initialise with *content*, positioned at its start."""
        import tempfile

        self.is_binary = True
        super().__init__(tempfile.TemporaryFile())  # noqa: SIM115 - closed by `close`
        if content is not None:
            self.write(content)
            self.seek(0)

    def write(self, content: str | bytes) -> None:
        """Write *content* at the current position."""
        if isinstance(content, str):
            self.is_binary = False
            content = content.encode()
        super().write(content)

    def read(self, limit: int | None = None) -> Any:
        """Return at most *limit* bytes; as text, a character begun within *limit* is completed."""
        content = super().read(limit)
        return content if self.is_binary else self._decode(content)

    def _decode(self, content: bytes) -> str:
        while True:
            try:
                return content.decode()
            except UnicodeDecodeError as error:
                rest = super().read(1) if error.end == len(content) else b""
                if not rest:
                    raise
                content += rest
