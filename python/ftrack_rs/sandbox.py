"""An ftrack server for trying things out and for tests, inside this process."""

from __future__ import annotations

import json
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
        self,
        data_dir: str | os.PathLike[str] | None = None,
        port: int = 0,
        seed: str = "studio",
        snapshot: str | os.PathLike[str] | None = None,
        *,
        host: str = "127.0.0.1",
        api_user: str = "api.user",
        ffmpeg: str | os.PathLike[str] | None = None,
        url_expiry: float = 3600,
        body_limit: int | None = None,
        batch_limit: int | None = None,
        query_depth_limit: int | None = None,
        heartbeat: float = 5,
        heartbeat_timeout: float = 60,
    ) -> None:
        """Start the server; docs/sandbox.md says more of the options.

        Args:
            data_dir: Folder to keep everything in, also across restarts; a temporary one if None.
            port: Port to listen on; any free one if 0.
            seed: What a new server holds: `empty`, `studio`, or `feature`, a film of 200,000
                entities; a number as in `feature:7` makes another one.
            snapshot: Folder that :meth:`snapshot` wrote: what a new server holds instead of a seed.
            host: IP address to listen on. Others than the default let other machines in.
            api_user: Name of the user who may do everything, on a new server.
            ffmpeg: Program that encodes movies; :func:`find_ffmpeg` if None.
            url_expiry: Seconds that signed URLs are valid; uploads are forgotten after that, too.
            body_limit: Most bytes of an API call; 256 MiB if None.
            batch_limit: Most operations of an API call; 100,000 if None.
            query_depth_limit: Most levels of parentheses in a query; 64 if None.
            heartbeat: Seconds between two heartbeats of the event server.
            heartbeat_timeout: Seconds that a client of the event server may be silent.

        Raises:
            OSError: If the port is taken or the folder cannot be used.
            ValueError: If there is no such seed, or an option has a value it cannot have.
        """
        if not isinstance(port, int) or not 0 <= port < 1 << 16:
            raise ValueError(f"A port is a number from 0 to 65535, not {port!r}.")
        self._native = NativeSandbox(
            {
                "data_dir": data_dir,
                "host": host,
                "port": port,
                "seed": seed,
                "snapshot": snapshot,
                "api_user": api_user,
                "ffmpeg": find_ffmpeg() if ffmpeg is None else ffmpeg,
                "url_expiry": url_expiry,
                "body_limit": body_limit,
                "batch_limit": batch_limit,
                "query_depth_limit": query_depth_limit,
                "heartbeat": heartbeat,
                "heartbeat_timeout": heartbeat_timeout,
            }
        )
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

    def calls(self, action: str | None = None, endpoint: str = "api") -> list[dict[str, Any]]:
        """Return the requests that were made, oldest first.

        Args:
            action: Only API calls with this action in their batch.
            endpoint: Only requests of this kind: `api`, `upload`, `download`, `thumbnail`,
                `handshake`, `events`, `page`, or `any`.

        Returns:
            For each request its `endpoint`, `method`, `path` (without the query), `actions`,
            `declared_bytes` (the length it announced, or None), `request_bytes` and
            `response_bytes` (what came and went), `status` (None without an answer), the names of
            the `faults` it met, the time it took in `micros` and, of an API call, as much as is
            kept of `request_body` and `response_body`.
        """
        return self._native.calls(action, endpoint)

    def events(self, topic: str | None = None) -> list[dict[str, Any]]:
        """Return the events that clients and the server published, oldest first.

        Example:
            >>> with Sandbox() as sandbox, sandbox.session() as session:
            ...     user = session.create("User", {"username": "jane"})
            ...     session.commit()
            ...     sandbox.events("ftrack.update")[0]["event"]["data"]["entities"][0]["action"]
            'add'

        Args:
            topic: Only events of this topic; `*` at its end stands for anything, as in `ftrack.*`.

        Returns:
            For each event its `topic`, the name of the `user` who published it (None for the
            server), `published_bytes` (the size in which it came), `deliveries` (how many
            connections got it), `delivered_bytes` (the size of all these packets), `refused` (why
            the server did not accept it, or None), and the `event` itself, unless that is larger
            than is kept.
        """
        events: list[dict[str, Any]] = self._native.events(topic)
        for event in events:
            event["event"] = event["event"] and json.loads(event["event"])
        return events

    def clear_calls(self) -> None:
        """Forget the requests and the events of before."""
        self._native.clear_calls()

    def fault(
        self,
        endpoint: str,
        kind: str | None = None,
        *,
        action: str | None = None,
        part: int | None = None,
        count: int | None = None,
        skip: int = 0,
        probability: float = 1.0,
        retry_after: int | None = None,
        body: str | None = None,
        **kind_and_value: object,
    ) -> int:
        """Make requests fail from now on; docs/testing.md lists what can go wrong.

        Example:
            >>> with Sandbox() as sandbox:
            ...     _ = sandbox.fault("upload", status=503, count=2)
            ...     _ = sandbox.fault("api", "lost_answer", action="create")
            ...     len(sandbox.faults())
            2

        Args:
            endpoint: Requests that fail, named as in :meth:`calls`; or the whole fault as text.
            kind: What goes wrong, unless it is given with a value, as in `status=503`.
            action: Only API calls with this action in their batch.
            part: Only uploads of the part with this number, from 1.
            count: How many times; until faults are cleared if None.
            skip: How many requests pass first.
            probability: Share of requests that fail.
            retry_after: Seconds in the `Retry-After` header that goes with a status.
            body: Text that goes with a status.
            kind_and_value: What goes wrong, with its value: `latency`, `slow_loris` (milliseconds),
                `bandwidth` (bytes a second), `status`, `reset` (`before`, `middle`, `after`).

        Returns:
            The id of the fault.

        Raises:
            TypeError: If not exactly one kind is given.
            ValueError: If there is no such endpoint, kind or value.
        """
        kinds = [f"{name}={value}" for name, value in kind_and_value.items()]
        if kind is not None:
            kinds.append(kind)
        if len(kinds) != (0 if ":" in endpoint else 1):
            raise TypeError("A fault has one kind, as in fault('upload', status=503).")
        options = {
            "action": action,
            "part": part,
            "count": count,
            "skip": skip or None,
            "probability": None if probability == 1.0 else probability,
            "retry_after": retry_after,
            "body": body,
        }
        texts = [f"{name}={value}" for name, value in options.items() if value is not None]
        return self._native.fault(":".join([endpoint, *kinds, *texts]))

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults that are set.

        Returns:
            For each its `id`, the `fault` as text, how many requests it `matched`, and how many of
            them it spoiled, `fired`.
        """
        return self._native.faults()

    def clear_faults(self) -> None:
        """Remove all faults; connections they hold or slow down are let go."""
        self._native.clear_faults()

    def outbox(self) -> list[dict[str, Any]]:
        """Return the mails that ftrack would have sent, such as invites, oldest first.

        Returns:
            For each its `kind` (`user_invite`, `review_session_invite` or `new_password`), the
            `recipient_id` and `address` it is for, the `sender_id`, and `sent_at`, a UTC datetime
            as text.
        """
        return self._native.outbox()

    def reset(self) -> None:
        """Return to the state the server started with: its data and files, no faults, no calls.

        Upload URLs of before are no longer valid; connections to the event server stay.
        """
        self._native.reset()

    def snapshot(self, path: str | os.PathLike[str]) -> None:
        """Write data and files to a new folder, with which another server can start.

        Raises:
            FileExistsError: If there is something at the path.
        """
        self._native.snapshot(path)

    def stop(self) -> None:
        """Stop the server; a temporary folder is removed.

        Does nothing in a process that was forked from the one that started it.
        """
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
