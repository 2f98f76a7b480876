"""What a publish tells while it runs, and at its end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple


class NodeEvent(NamedTuple):
    """A step of a part of a publish.

    Attributes:
        node: The part, such as `lighting` or `lighting/main`.
        state: `queued`, `hashing`, `transferring`, `verifying`, `registering`, `encoding`, `done`
            or `failed`.
        message: What went wrong, or what was found; None if there is nothing to say.
    """

    node: str
    state: str
    message: str | None


@dataclass(frozen=True)
class PublishedVersion:
    """A version that was published.

    Attributes:
        label: Its name in the publish.
        id: Its id.
        number: Its number.
        was_there: Whether an earlier run of the same publish has made it.
        components: The ids of its components, by name.
        thumbnail_id: The component of its thumbnail.
        job_id: The job that makes its media playable.
        url: Where people look at it.
    """

    label: str
    id: str
    number: int
    was_there: bool
    components: dict[str, str]
    thumbnail_id: str | None
    job_id: str | None
    url: str


@dataclass(frozen=True)
class Published:
    """What was published, in the order in which it was described."""

    versions: list[PublishedVersion]

    @property
    def changed(self) -> bool:
        """Whether anything was done; not if the same publish was finished before."""
        return not all(version.was_there for version in self.versions)


def read(content: str, server_url: str) -> Published:
    """Return what native code has published."""
    return Published([_version(version, server_url) for version in json.loads(content)["versions"]])


def _version(data: dict[str, Any], server_url: str) -> PublishedVersion:
    identity = data["id"]
    return PublishedVersion(
        label=data["label"],
        id=identity,
        number=data["number"],
        was_there=data["was_there"],
        components=dict(data["components"]),
        thumbnail_id=data["thumbnail_id"],
        job_id=data["job_id"],
        url=f"{server_url}/#slideEntityType=assetversion&slideEntityId={identity}",
    )
