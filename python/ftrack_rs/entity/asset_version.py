"""Versions of assets."""

from __future__ import annotations

from typing import Any

from ftrack_rs import version
from ftrack_rs.entity.base import Entity
from ftrack_rs.transfer import OnProgress, Transfer, using


class AssetVersion(Entity):
    """A version of an asset, holding published components."""

    def __setitem__(self, key: str, value: Any) -> None:
        if key == "components" and version.are_files(value):
            version.add_files(self, value)
        else:
            super().__setitem__(key, value)

    def create_component(
        self,
        path: Any,
        data: Any = None,
        location: Any = None,
        *,
        on_progress: OnProgress = None,
        transfer: Transfer | None = None,
    ) -> Any:
        """Create a component of this version.

        Args:
            path: A file, or a sequence such as `/path/file.%04d.ext [1-5, 7]`.
            data: Further values of the component; not changed.
            location: Where to put it, which commits; None to put it nowhere yet.
            on_progress: As :class:`ftrack_rs.Transfer` takes it.
            transfer: How its data moves.

        Returns:
            The component.
        """
        data = {key: value for key, value in (data or {}).items() if key != "version_id"}
        data["version"] = self
        with using(on_progress, transfer):
            return self.session.create_component(path, data=data, location=location)

    def encode_media(
        self,
        media: Any,
        keep_original: Any = "auto",
        *,
        on_progress: OnProgress = None,
        transfer: Transfer | None = None,
    ) -> Any:
        """Have *media* made playable in browsers as part of this version.

        Args:
            media: A file, or a FileComponent in the ftrack.server location.
            keep_original: Whether the source is kept; by default only if it is a component.
            on_progress: As :class:`ftrack_rs.Transfer` takes it.
            transfer: How a file moves.

        Returns:
            The job that does it, as :meth:`ftrack_rs.Session.encode_media` describes.
        """
        with using(on_progress, transfer):
            return self.session.encode_media(
                media, version_id=self["id"], keep_original=keep_original
            )
