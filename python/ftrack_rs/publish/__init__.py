"""Publishes versions with all that belongs to them: whole, or not at all.

    with session.publisher() as pub:
        version = pub.version("lighting", type="Render", task=task, comment="Warmer key light")
        version.component("main", "/renders/sh010.%04d.exr [1001-1048]")
        version.reviewable("/renders/sh010.mov")
    print(version.entity["version"])

What is wanted is described first, in any order. :meth:`Publisher.plan` says what would happen, and
leaving the block does it.
"""

from __future__ import annotations

from ftrack_rs.publish.description import ContainerNode, VersionNode
from ftrack_rs.publish.plan import Conflict, Plan
from ftrack_rs.publish.publisher import Publisher
from ftrack_rs.publish.result import NodeEvent, Published, PublishedVersion
from ftrack_rs.publish.shard import Shard, ShardResult

__all__ = [
    "Conflict",
    "ContainerNode",
    "NodeEvent",
    "Plan",
    "Published",
    "PublishedVersion",
    "Publisher",
    "Shard",
    "ShardResult",
    "VersionNode",
]
