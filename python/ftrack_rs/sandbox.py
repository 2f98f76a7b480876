"""An ftrack server for trying things out and for tests, inside this process."""

from __future__ import annotations

import os
import shutil
from types import TracebackType
from typing import Any

from ftrack_rs._core import NativeSandbox
from ftrack_rs.session import Session


class Sandbox:
    """A stand-in for an ftrack server that runs until it is stopped.

    Example:
        >>> with Sandbox() as sandbox, sandbox.session() as session:
        ...     len(session.query("Project").all()) > 0
        True

    Attributes:
        url: Address of the server.
        api_user: Name of a user who may do everything.
        api_key: Key of that user.
        data_dir: Folder of its data.
    """

    def __init__(
        self, data_dir: str | os.PathLike[str] | None = None, port: int = 0, seed: str = "studio"
    ) -> None:
        """Start the server.

        Args:
            data_dir: Folder to keep everything in, also across restarts; a temporary one if None.
            port: Port on this machine; any free one if 0.
            seed: What a new server holds: `studio` or `empty`.

        Raises:
            OSError: If the port is taken or the folder cannot be used.
            ValueError: If there is no such seed.
        """
        self._native = NativeSandbox(data_dir, port, seed, find_ffmpeg())
        self.url = self._native.url
        self.api_user = self._native.api_user
        self.api_key = self._native.api_key
        self.data_dir = self._native.data_dir

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def env(self) -> dict[str, str]:
        """Return the environment variables with which a session finds this server."""
        return {
            "FTRACK_SERVER": self.url,
            "FTRACK_API_USER": self.api_user,
            "FTRACK_API_KEY": self.api_key,
        }

    def session(self, **options: Any) -> Session:
        """Return a new session with this server.

        Args:
            options: Arguments of :class:`ftrack_rs.Session`. Unless told otherwise it keeps no
                schemas on disk and loads no plugins.
        """
        defaults = {"schema_cache_path": False, "plugin_paths": []}
        return Session(self.url, self.api_key, self.api_user, **{**defaults, **options})

    def calls(self) -> list[dict[str, Any]]:
        """Return the API calls that were made, oldest first.

        Returns:
            For each call its `actions`, `request_bytes`, `response_bytes`, and the time it took in
            `micros`.
        """
        return self._native.calls()

    def stop(self) -> None:
        """Stop the server; a temporary folder is removed."""
        self._native.stop()


def find_ffmpeg() -> str | None:
    """Return the program that encodes movies: the one on the path, else that of imageio-ffmpeg."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        import imageio_ffmpeg  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        return None
    try:
        path: str = imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError:
        return None
    return path
