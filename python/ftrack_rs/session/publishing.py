"""Components from files, and media that browsers can play."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from ftrack_rs import exception, journal, movement, preflight, symbol
from ftrack_rs import transfer as transfers
from ftrack_rs.journal import UNNOTED, Call, Noted
from ftrack_rs.overrides import is_own, remembered
from ftrack_rs.session.locations import Locations
from ftrack_rs.session.source_files import SourceFiles

if TYPE_CHECKING:
    from ftrack_rs._core import Sequence
    from ftrack_rs.publish import NodeEvent, Publisher
    from ftrack_rs.transfer import OnProgress, Transfer

#: Components that the web player looks for; they belong into a location of their own.
_REVIEW_NAMES = ("ftrackreview-mp4", "ftrackreview-webm", "ftrackreview-image")


@remembered
class Publishing(Locations):
    """Creates components, and has them encoded."""

    def create_component(
        self,
        path: Any,
        data: Any = None,
        location: Any = "auto",
        *,
        on_progress: OnProgress = None,
        transfer: Transfer | None = None,
    ) -> Any:
        """Create a component.

        Args:
            path: A file, or a sequence such as `/path/file.%04d.ext [1-5, 7]`, which becomes a
                container with a member for each file.
            data: Further values of the component; not changed.
            location: Where to put it, which commits; `auto` for the location of highest priority,
                None to put it nowhere yet.
            on_progress: As :class:`ftrack_rs.Transfer` takes it.
            transfer: How its data moves.

        Returns:
            The component. Where a process that made the same call was killed before this returned,
            its transfer is continued.

        Raises:
            LocationError: If its data cannot be copied to the location.
            ParseError: If *path* ends like a sequence but is none.
            PreflightError: If frames of a sequence are missing or empty; nothing is done then.
            TypeError: If *location* is no location.
        """
        if location and location != "auto" and not hasattr(location, "add_component"):
            raise TypeError(
                f"The location of a component is an entity, 'auto' or None, not {location!r}. "
                "Query for it: session.query('Location where name is ...').one()."
            )
        files = SourceFiles(path, self._get_filesystem_size)
        data = dict(data or {})
        if location == "auto":
            location = self._location_for(data.get("name"))
        with transfers.using(on_progress, transfer):
            if not location or not movement.is_plain(location):
                return self._create_from(files, data, location)
            call = Call(self, location, files, data)
            with preflight.passed(files.sequence), journal.noted(call) as noted:
                if noted.registered is not None:
                    return noted.registered
                return self._create_from(files, data, location, noted)

    def publisher(
        self,
        *,
        on_event: Callable[[NodeEvent], object] | None = None,
        force: bool = False,
        wait: Literal["encode"] | None = None,
        keep_reserved: bool = False,
        transfer: Transfer | None = None,
    ) -> Publisher:
        """Return what publishes versions with all that belongs to them, whole or not at all.

        Example:
            with session.publisher() as pub:
                version = pub.version("lighting", type="Render", task=task)
                version.component("main", "/renders/sh010.%04d.exr [1001-1048]")

        Args:
            on_event: Called with every step of every part, in the thread that runs the publish.
            force: Make new versions even if the same publish was finished before.
            wait: `encode` to wait until the server has made media playable.
            keep_reserved: Keep the numbers of versions whose components go to other locations if
                the publish fails, for the next run of it.
            transfer: How data moves, and the handle to it; by default the one that is entered.

        Raises:
            ValueError: If there is nothing of that name to wait for.
        """
        from ftrack_rs.publish import Publisher

        return Publisher(
            self,  # type: ignore[arg-type]
            on_event=on_event,
            force=force,
            wait=wait,
            keep_reserved=keep_reserved,
            transfer=transfer,
        )

    def _location_for(self, name: Any) -> Any:
        if name in _REVIEW_NAMES:
            return self.get("Location", symbol.REVIEW_LOCATION_ID)
        return self.pick_location()

    def _create_from(
        self, files: SourceFiles, data: dict[str, Any], location: Any, noted: Noted = UNNOTED
    ) -> Any:
        if files.sequence:
            component = self._create_sequence(files.sequence, files, data, noted)
        else:
            component = self._create_file(files, data, noted)
        if location:
            origin = self.get("Location", symbol.ORIGIN_LOCATION_ID)
            location.add_component(component, origin, recursive=True)
        return component

    def _create_file(self, files: SourceFiles, data: dict[str, Any], noted: Noted) -> Any:
        if "size" not in data:
            data["size"] = files.sizes[0]
        data.setdefault("file_type", self._file_type(files.path))
        data.update(noted.file_key(0))
        return self._create_component("FileComponent", files.path, data, None)

    def _create_sequence(
        self, sequence: Sequence, files: SourceFiles, data: dict[str, Any], noted: Noted
    ) -> Any:
        size = data.get("size")
        if size is None:
            sizes = files.sizes
            data["size"] = sum(sizes)
        else:
            sizes = [round(size / len(files.members))] * len(files.members)
        file_type = self._file_type(sequence.pattern)
        data.setdefault("padding", sequence.padding)
        data.setdefault("file_type", file_type)
        data.update(noted.container_key)
        container = self._create_component("SequenceComponent", sequence.pattern, data, None)
        components = []
        for index, ((_, name), member_size) in enumerate(zip(files.members, sizes)):
            member = {
                "name": name,
                "container": container,
                "size": member_size,
                "file_type": file_type,
                **noted.file_key(index),
            }
            components.append(self.create("FileComponent", member))
        origin = self.get("Location", symbol.ORIGIN_LOCATION_ID)
        origin.add_components(components, [path for path, _ in files.members], recursive=False)
        # Thousands of changes, each with all members before it, would say no more than one.
        container["members"]._extend_at_once(components)
        return container

    def _create_component(self, entity_type: str, path: str, data: Any, location: Any) -> Any:
        """Create a component without members whose data is found at *path*."""
        component = self.create(entity_type, data)
        origin = self.get("Location", symbol.ORIGIN_LOCATION_ID)
        origin.add_component(component, path, recursive=False)
        if location:
            location.add_component(component, origin, recursive=False)
        return component

    def _file_type(self, path: str) -> str:
        """Return the extension of *path*, unless a plugin knows better."""
        answers = self._announce(
            "ftrack.api.session.get-file-type-from-string", {"file_path": path}
        )
        return next(filter(None, answers), None) or os.path.splitext(path)[-1]

    def _get_filesystem_size(self, path: str) -> int:
        """Return the size of the file at *path*; 0 if it cannot be looked at."""
        try:
            return os.path.getsize(path)
        except OSError:
            return 0

    def encode_media(
        self,
        media: Any,
        version_id: Any = None,
        keep_original: Any = "auto",
        *,
        on_progress: OnProgress = None,
        transfer: Transfer | None = None,
    ) -> Any:
        """Have *media* made playable in browsers.

        Args:
            media: A file, which is put into the ftrack.server location first; or a FileComponent
                that is there.
            version_id: Version that the encoded components belong to.
            keep_original: Whether the source is kept; by default only if it is a component.
            on_progress: As :class:`ftrack_rs.Transfer` takes it.
            transfer: How a file moves.

        Returns:
            The job that does it. When it is done, its attribute `data` holds JSON with
            `source_component_id`, `keep_original`, and in `output` the `format` and `component_id`
            of each result.

        Raises:
            ValueError: If *media* is something else.
        """
        if isinstance(media, (str, os.PathLike)):
            keep_original = False if keep_original == "auto" else keep_original
            with transfers.using(on_progress, transfer):
                component = self._upload_media(media, version_id if keep_original else None)
        elif getattr(media, "entity_type", None) == "FileComponent":
            keep_original = True if keep_original == "auto" else keep_original
            component = media
        else:
            raise ValueError(f"Unable to encode media of type: {type(media)}")
        operation = {
            "action": "encode_media",
            "component_id": component["id"],
            "version_id": version_id,
            "keep_original": keep_original,
        }
        result = self._call_supported("encode_media", [operation])
        return self.get("Job", result[0]["job_id"])

    def _upload_media(self, path: Any, version_id: Any) -> Any:
        server = self.get("Location", symbol.SERVER_LOCATION_ID)
        data = None if version_id is None else {"version_id": version_id}
        component = self.create_component(path, data=data, location=server)
        if component.entity_type != "FileComponent":
            raise exception.LocationError(f"Only single files can be encoded, not {path}.")
        self.commit()
        return component

    def get_upload_metadata(
        self, component_id: str, file_name: str, file_size: int, checksum: str | None = None
    ) -> dict[str, Any]:
        """Return the `url` to PUT the data of a component to, and the `headers` to send with it.

        Args:
            component_id: The component, which need not exist yet.
            file_name: Name of the file when it is downloaded.
            file_size: Its size in bytes.
            checksum: Its MD5 in base64, which the server then checks.
        """
        operation = {
            "action": "get_upload_metadata",
            "component_id": component_id,
            "file_name": file_name,
            "file_size": file_size,
            "checksum": checksum,
        }
        metadata: dict[str, Any] = self._call_supported("get_upload_metadata", [operation])[0]
        return metadata

    def _asker_for_uploads(self) -> Callable[..., Any] | None:
        """Return what has to be asked for where a file is sent; None if native code may ask."""
        is_native = self._calls_natively() and is_own(self, "get_upload_metadata", Publishing)
        return None if is_native else self.get_upload_metadata
