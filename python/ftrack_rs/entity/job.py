"""Jobs."""

from __future__ import annotations

from typing import Any

from ftrack_rs.entity.base import Entity


class Job(Entity):
    """Something that takes a while, shown to its user in the web interface.

    A description shown there is given as JSON in the attribute `data`: `{"description":
    "Rendering"}`.
    """

    def _construct(self, data: Any) -> None:
        kind = data.get("type")
        if kind not in ("api_job", None):
            raise ValueError(f'Invalid job type "{kind}". Must be "api_job"')
        super()._construct(data)
