"""Parts of the byte work of a publish, for other processes and machines."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from ftrack_rs._core import Client, run_shard
from ftrack_rs.transfer import Transfer, control


@dataclass(frozen=True)
class ShardResult:
    """What a shard has sent: digests, no secrets."""

    content: str = field(repr=False)


@dataclass(frozen=True)
class Shard:
    """Files that are sent together. It can be pickled and holds no key.

    Attributes:
        server_url: The server that the publish is for.
        api_user: The user who publishes.
    """

    server_url: str
    api_user: str
    content: str = field(repr=False)

    def run(self) -> ShardResult:
        """Send the files, with the key of the environment variable `FTRACK_API_KEY`.

        Raises:
            PublishError: If a file cannot be sent.
            ValueError: If the environment has no key.
        """
        key = os.environ.get("FTRACK_API_KEY") or os.environ.get("FTRACK_APIKEY")
        if not key:
            raise ValueError("Set FTRACK_API_KEY where shards run; they carry no key themselves.")
        client = Client(self.server_url, self.api_user, key, [], 60.0)
        handle = control() or Transfer()._control
        return ShardResult(run_shard(client, self.content, handle))
