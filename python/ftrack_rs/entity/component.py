"""Components, and thumbnails made of them."""

from __future__ import annotations

from typing import Any

from ftrack_rs.entity.base import Entity
from ftrack_rs.symbol import ORIGIN_LOCATION_ID, SERVER_LOCATION_ID
from ftrack_rs.transfer import OnProgress, Transfer, using


class Component(Entity):
    """A file, a sequence of files, or a container of other components."""

    def get_availability(self, locations: Any = None) -> dict[str, float]:
        """Return in what percentage this component is available, by id of location.

        Args:
            locations: The locations to look at; all if None.
        """
        found: dict[str, float] = self.session.get_component_availability(self, locations=locations)
        return found


class CreateThumbnailMixin:
    """Entities that have a thumbnail."""

    session: Any

    def create_thumbnail(
        self,
        path: Any,
        data: Any = None,
        *,
        on_progress: OnProgress = None,
        transfer: Transfer | None = None,
    ) -> Any:
        """Upload the image at *path*, make it the thumbnail, and commit.

        Args:
            path: An image that the server can show as it is.
            data: Further values of the component; its name is `thumbnail` unless given here.
            on_progress: As :class:`ftrack_rs.Transfer` takes it.
            transfer: How the image moves.

        Returns:
            The component.
        """
        data = dict(data or {})
        data["name"] = data.get("name") or "thumbnail"
        session = self.session
        thumbnail = session.create_component(path, data, location=None)
        origin = session.get("Location", ORIGIN_LOCATION_ID)
        with using(on_progress, transfer):
            session.get("Location", SERVER_LOCATION_ID).add_component(thumbnail, [origin])
        # In a second commit: servers may update before they create within one batch.
        self["thumbnail_id"] = thumbnail["id"]  # type: ignore[index]
        session.commit()
        return thumbnail
