"""Parts of the byte work of a publish, for other processes and machines."""

from __future__ import annotations

from dataclasses import dataclass, field

from ftrack_rs import credentials
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
        try:
            key = credentials.api_key()
        except TypeError as error:
            message = "Set FTRACK_API_KEY where shards run; they carry no key themselves."
            raise ValueError(message) from error
        client = Client(self.server_url, self.api_user, key, [], 60.0)
        handle = control() or Transfer()._control
        return ShardResult(run_shard(client, self.content, handle))
