"""Access to a folder on disk.

Two promises are kept whatever a resource identifier looks like: nothing outside the folder is
touched, and a file appears under its name complete or not at all.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import os
import stat
import weakref
from collections.abc import Iterator
from typing import IO, Any

from ftrack_rs.accessor.base import Accessor
from ftrack_rs.data import Data, File, FileWrapper
from ftrack_rs.exception import (
    AccessorContainerNotEmptyError,
    AccessorError,
    AccessorFilesystemPathError,
    AccessorOperationFailedError,
    AccessorParentResourceNotFoundError,
    AccessorPermissionDeniedError,
    AccessorResourceInvalidError,
    AccessorResourceNotFoundError,
    AccessorUnsupportedOperationError,
)
from ftrack_rs.overrides import remembered

# Names of files still being written. They are no resources, so `list` leaves them out.
_PARTIAL_PREFIX = ".ftrack-rs-"
_PARTIAL_SUFFIX = ".part"

_ERROR_BY_NUMBER: dict[int, type[AccessorError]] = {
    errno.ENOENT: AccessorResourceNotFoundError,
    errno.EPERM: AccessorPermissionDeniedError,
    errno.EACCES: AccessorPermissionDeniedError,
    errno.ENOTEMPTY: AccessorContainerNotEmptyError,
    errno.ENOTDIR: AccessorResourceInvalidError,
    errno.EISDIR: AccessorResourceInvalidError,
    errno.EINVAL: AccessorResourceInvalidError,
}


@remembered
class DiskAccessor(Accessor):
    """Gives access to the files below a folder.

    Resource identifiers are paths relative to the folder. Absolute paths are taken as well if they
    lead into it.

    Attributes:
        prefix: The folder; may be changed at any time. Without one every path is allowed.
        follow_symlinks: Whether links below the folder may lead out of it.
    """

    # Accessors of studios set the folder themselves and call no initialiser of this class.
    follow_symlinks = False

    def __init__(self, prefix: str | None, *, follow_symlinks: bool = False, **kw: Any) -> None:
        """Initialise with a folder.

        Args:
            prefix: The folder; ``~`` and environment variables are expanded.
            follow_symlinks: Whether links below the folder may lead out of it, for storages that
                are put together from links.
            kw: Handed on to the next class.
        """
        if prefix:
            prefix = os.path.abspath(os.path.expanduser(os.path.expandvars(prefix)))
        self.prefix = prefix
        self.follow_symlinks = follow_symlinks
        super().__init__(**kw)

    def list(self, resource_identifier: str) -> builtins.list[str]:
        """Return the resource identifiers of the entries of a folder.

        Raises:
            AccessorResourceNotFoundError: If there is no such folder.
            AccessorResourceInvalidError: If it is not a folder.
        """
        path = self.get_filesystem_path(resource_identifier)
        with error_handler(operation="list", resource_identifier=resource_identifier):
            entries = os.listdir(path)
        return [
            os.path.join(resource_identifier, entry) for entry in entries if not _is_partial(entry)
        ]

    def exists(self, resource_identifier: str) -> bool:
        """Return whether there is a file or folder."""
        return os.path.exists(self.get_filesystem_path(resource_identifier))

    def is_file(self, resource_identifier: str) -> bool:
        """Return whether there is a file."""
        return os.path.isfile(self.get_filesystem_path(resource_identifier))

    def is_container(self, resource_identifier: str) -> bool:
        """Return whether there is a folder."""
        return os.path.isdir(self.get_filesystem_path(resource_identifier))

    def is_sequence(self, resource_identifier: str) -> bool:
        """Not supported: a disk knows nothing of sequences.

        Raises:
            AccessorUnsupportedOperationError: Always.
        """
        raise AccessorUnsupportedOperationError(
            operation="is_sequence", resource_identifier=resource_identifier
        )

    def open(self, resource_identifier: str, mode: str = "rb") -> Data:
        """Return the data of a file.

        A file opened with ``w`` is written under another name in the same folder and takes its
        place when it is closed. Data that is never closed leaves nothing behind.

        Raises:
            AccessorError: If the file cannot be opened; which one says why.
        """
        path = self.get_filesystem_path(resource_identifier)
        with error_handler(operation="open", resource_identifier=resource_identifier):
            if "w" in mode and _is_replaceable(path):
                return _AtomicFile(path, mode, resource_identifier)
            return File(path, mode)

    def remove(self, resource_identifier: str) -> None:
        """Remove a file or an empty folder.

        Raises:
            AccessorResourceNotFoundError: If there is neither.
            AccessorContainerNotEmptyError: If it is a folder that is not empty.
        """
        path = self.get_filesystem_path(resource_identifier)
        with error_handler(operation="remove", resource_identifier=resource_identifier):
            if os.path.isdir(path) and not os.path.islink(path):
                os.rmdir(path)
            else:
                os.remove(path)

    def make_container(self, resource_identifier: str, recursive: bool = True) -> None:
        """Make a folder; one that exists already is left as it is.

        Args:
            resource_identifier: The folder.
            recursive: Whether to make the folders it is in as well.

        Raises:
            AccessorParentResourceNotFoundError: If *recursive* is False and its folder is missing.
            AccessorResourceInvalidError: If there is a file of that name.
        """
        path = self.get_filesystem_path(resource_identifier)
        with error_handler(operation="make_container", resource_identifier=resource_identifier):
            try:
                if recursive:
                    os.makedirs(path, exist_ok=True)
                else:
                    os.mkdir(path)
            except FileExistsError as error:
                if not os.path.isdir(path):
                    raise AccessorResourceInvalidError(
                        "make_container", resource_identifier, error
                    ) from error
            except FileNotFoundError as error:
                raise AccessorParentResourceNotFoundError(
                    "make_container", resource_identifier, error
                ) from error

    def get_container(self, resource_identifier: str) -> str:
        """Return the resource identifier of the folder that holds the resource.

        Raises:
            AccessorParentResourceNotFoundError: If that is outside the prefix.
        """
        container = os.path.dirname(self.get_filesystem_path(resource_identifier))
        if not self.prefix:
            return container
        prefix = os.path.abspath(self.prefix)
        if not _is_within(container, prefix):
            raise AccessorParentResourceNotFoundError(
                "get_container",
                resource_identifier,
                message=(
                    "Could not determine container for {resource_identifier} as container falls "
                    "outside of configured prefix."
                ),
                details={"prefix": self.prefix},
            )
        relative = os.path.relpath(container, prefix)
        return "" if relative == os.curdir else relative

    def get_filesystem_path(self, resource_identifier: str) -> str:
        """Return the path of the resource on this machine, made absolute by the prefix.

        Raises:
            AccessorFilesystemPathError: If the path, or what it links to, is outside the prefix,
                or if it holds a null character, which no path can.
        """
        if "\0" in resource_identifier:
            raise AccessorFilesystemPathError(resource_identifier)
        if not self.prefix:
            return os.path.normpath(resource_identifier) if resource_identifier else ""
        prefix = os.path.abspath(self.prefix)
        path = os.path.normpath(os.path.join(prefix, resource_identifier))
        if not _is_within(path, prefix):
            raise self._outside(resource_identifier)
        if self.follow_symlinks or not _may_lead_out(path, prefix):
            return path
        if not _is_within(os.path.realpath(path), os.path.realpath(prefix)):
            raise self._outside(resource_identifier)
        return path

    def _outside(self, resource_identifier: str) -> AccessorFilesystemPathError:
        return AccessorFilesystemPathError(
            resource_identifier,
            message=(
                "Could not determine access path for resource_identifier outside of configured "
                "prefix: {resource_identifier}."
            ),
            details={"prefix": self.prefix},
        )


@contextlib.contextmanager
def error_handler(**kw: Any) -> Iterator[None]:
    """Turn an :class:`OSError` raised within into the accessor error that fits.

    Args:
        kw: Arguments of the error, such as *operation* and *resource_identifier*.
    """
    try:
        yield
    except OSError as error:
        kw.setdefault("error", error)
        kind = _ERROR_BY_NUMBER.get(error.errno or 0, AccessorOperationFailedError)
        raise kind(**kw) from error


class _AtomicFile(FileWrapper):
    """A file that takes its name when it is closed.

    Its content is never on disk under the final name before it is complete. Without being closed it
    is discarded with the object.
    """

    def __init__(self, path: str, mode: str, resource_identifier: str) -> None:
        # A link stays a link: what it leads to is replaced.
        self._path = os.path.realpath(path)
        self._resource_identifier = resource_identifier
        partial = f"{_PARTIAL_PREFIX}{os.urandom(16).hex()}{_PARTIAL_SUFFIX}"
        self._partial_path = os.path.join(os.path.dirname(self._path), partial)
        file = open(self._partial_path, mode.replace("w", "x"))  # noqa: SIM115 - closed by `close`
        super().__init__(file)
        self._discard = weakref.finalize(self, _close_and_remove, file, self._partial_path)

    def close(self) -> None:
        """Flush, and give the file its name; does nothing the second time.

        Raises:
            AccessorError: If the file cannot be completed; what had its name before is unchanged.
        """
        if self.closed:
            return
        with error_handler(operation="close", resource_identifier=self._resource_identifier):
            try:
                super().close()
                # A new file has no mode to keep, and some file systems have none to set.
                with contextlib.suppress(OSError):
                    os.chmod(self._partial_path, stat.S_IMODE(os.stat(self._path).st_mode))
                os.replace(self._partial_path, self._path)
            except BaseException:
                self._discard()
                raise
        self._discard.detach()

    def discard(self) -> None:
        """Allow no further use; what had the name before is unchanged."""
        self._discard()
        self.closed = True


def _close_and_remove(file: IO[Any], path: str) -> None:
    # Closing flushes, which fails on a full disk; the file is to be removed all the more.
    with contextlib.suppress(OSError):
        file.close()
    with contextlib.suppress(OSError):
        os.remove(path)


def _is_replaceable(path: str) -> bool:
    """Return whether *path* can be written by replacing it.

    Folders and files that may not be written are opened as they are, for the system to refuse; so
    are devices and pipes, which are not to be replaced by a file.
    """
    if not os.path.exists(path):
        return True
    return os.path.isfile(path) and os.access(path, os.W_OK)


def _is_partial(name: str) -> bool:
    return name.startswith(_PARTIAL_PREFIX) and name.endswith(_PARTIAL_SUFFIX)


def _may_lead_out(path: str, folder: str) -> bool:
    """Return whether there may be a link between *folder* and *path*, which is below it.

    That is told faster than where links lead.
    """
    if os.name != "posix":  # Where not only links lead elsewhere.
        return True
    while path != folder:
        if os.path.islink(path):
            return True
        # Both are normal, so that this is the folder it is in.
        path = path[: path.rindex(os.sep)] or os.sep
    return False


def _is_within(path: str, folder: str) -> bool:
    """Return whether *path* is *folder* or below it; both have to be absolute and normal."""
    path, folder = os.path.normcase(path), os.path.normcase(folder)
    return path == folder or path.startswith(os.path.join(folder, ""))
