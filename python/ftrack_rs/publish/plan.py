"""What a publish would do."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from ftrack_rs._core import PublishPlan
from ftrack_rs.publish.shard import Shard


class Conflict(NamedTuple):
    """Why a publish cannot be done as it is.

    Attributes:
        node: What it is about, such as `lighting/main`.
        kind: `name_taken`, `already_in_location`, `unknown_type`, `no_permission`, `cycle`,
            `not_found`, `wrong_parent` or `file`.
        message: One sentence for people.
    """

    node: str
    kind: str
    message: str


class Plan:
    """What a publish would do. It prints as a table, and draws itself in notebooks."""

    def __init__(self, native: PublishPlan, server_url: str, api_user: str) -> None:
        """Initialise with what native code has found; see :meth:`Publisher.plan`."""
        self._native = native
        self._server_url = server_url
        self._api_user = api_user

    def __str__(self) -> str:
        return self._native.table()

    def __repr__(self) -> str:
        versions = len(self.data["versions"])
        return f"<Plan of {versions} versions, {len(self.conflicts)} conflicts>"

    def _repr_html_(self) -> str:
        return self.to_svg()

    @property
    def data(self) -> dict[str, Any]:
        """Everything that is known, as plain data: `versions`, `nodes`, `conflicts`, `steps`."""
        data: dict[str, Any] = json.loads(self._native.json())
        return data

    @property
    def conflicts(self) -> list[Conflict]:
        """Why it cannot be done; empty if it can."""
        return [
            Conflict(conflict["node"], conflict["kind"], conflict["message"])
            for conflict in self.data["conflicts"]
        ]

    def to_json(self) -> str:
        """Return everything that is known, as JSON."""
        return self._native.json()

    def to_svg(self) -> str:
        """Return a picture."""
        return self._native.svg()

    def to_mermaid(self) -> str:
        """Return the text of a Mermaid diagram."""
        return self._native.mermaid()

    def shards(self, count: int) -> list[Shard]:
        """Split the byte work into parts that other processes or machines do.

        Each can be pickled, needs the files at the same paths, and finds server and credentials in
        the environment. What they return goes to :meth:`Publisher.finish`, which also puts data
        into other locations than ftrack.server.

        Args:
            count: Number of parts; fewer are made of fewer files.

        Raises:
            PublishConflictError: If there are conflicts.
        """
        parts = self._native.shards(count)
        return [Shard(self._server_url, self._api_user, part) for part in parts]
