"""Describes, plans and runs a publish."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Literal

from ftrack_rs import exception, journal, symbol
from ftrack_rs._core import PublishPlan, PublishRun, TransferIntent
from ftrack_rs.entity.base import Entity
from ftrack_rs.event.base import Event
from ftrack_rs.publish import placing
from ftrack_rs.publish.description import (
    Place,
    Reference,
    VersionNode,
    asset_target,
    plain,
    reference,
    texts,
)
from ftrack_rs.publish.plan import Plan
from ftrack_rs.publish.result import NodeEvent, Published, read
from ftrack_rs.publish.shard import ShardResult
from ftrack_rs.query import quoted
from ftrack_rs.transfer import Transfer, current

if TYPE_CHECKING:
    from ftrack_rs.session import Session

_logger = logging.getLogger("ftrack_api.publish")

#: Published when everything is published; its data is that of :class:`Published`.
DONE_TOPIC = "ftrack_rs.publish.done"

#: Seconds that the server gets to take back what an interrupted publish has made.
_PATIENCE = 0.7


class Publisher:
    """Collects what is to be published; see :meth:`ftrack_rs.Session.publisher`.

    Attributes:
        result: What was published, once it is.
        transfer: The handle to the data that moves: tells how far it is, and can stop it.
    """

    def __init__(
        self,
        session: Session,
        *,
        on_event: Callable[[NodeEvent], object] | None = None,
        force: bool = False,
        wait: Literal["encode"] | None = None,
        keep_reserved: bool = False,
        transfer: Transfer | None = None,
    ) -> None:
        """Start without anything to publish.

        Args:
            session: What publishes.
            on_event: Called with every step of every part, in the thread that runs the publish.
            force: Make new versions even if the same publish was finished before.
            wait: `encode` to wait until the server has made media playable.
            keep_reserved: Keep the numbers of versions whose components go to other locations if
                the publish fails, for the next run of it.
            transfer: How data moves, and the handle to it; by default the one that is entered.

        Raises:
            ValueError: If there is nothing of that name to wait for.
        """
        if wait not in (None, "encode"):
            raise ValueError(f"A publish can wait for 'encode', not for {wait!r}.")
        self._session = session
        self._on_event = on_event
        self._habits = {
            "force": force,
            "keep_reserved": keep_reserved,
            "wait_for_encodes": wait == "encode",
        }
        self._versions: list[VersionNode] = []
        self._depends: list[tuple[int, int]] = []
        self._restored: dict[str, Any] | None = None
        self._location_ids: dict[str, str] = {}
        self.transfer = transfer or current() or Transfer()
        self.result: Published | None = None

    @classmethod
    def restored(cls, session: Session, noted: dict[str, Any], transfer: Transfer) -> Publisher:
        """Return a publisher of what another process has noted in the journal."""
        publisher = cls(session, transfer=transfer)
        publisher._restored = noted["description"]
        publisher._habits = noted["habits"]
        return publisher

    def __enter__(self) -> Publisher:
        """Return the publisher, to describe a publish with."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Run the publish, unless the block was left by an exception, or has run it already."""
        if kind is None and self.result is None:
            self.run()

    def version(
        self,
        asset: Reference,
        *,
        type: str | None = None,
        parent: Reference | None = None,
        task: Reference | None = None,
        comment: str = "",
        metadata: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> VersionNode:
        """Add the next version of an asset, and return it.

        Args:
            asset: Name of the asset, which is made if there is none; or an asset that is there, as
                an entity or as a query, such as `Asset where name is "lighting"`.
            type: Name or short name of its type; by default any type that an asset of the name has,
                and for a new one `Upload`.
            parent: What the asset belongs to; the parent of the task by default. A task cannot be.
            task: The task that the version was made for.
            comment: What is to be said about it.
            metadata: Metadata of the version.
            data: Further attributes of the version, such as its status, and `custom_attributes`,
                a mapping of values by their keys; no other collections.

        Raises:
            TypeError: If the parent or task is neither an entity nor a text.
            ValueError: If an asset that is there is given together with a type or parent, a text
                is neither an id nor a query, or a value cannot be.
        """
        data = dict(data or {})
        custom_attributes = data.pop("custom_attributes", None) or {}
        description = {
            "target": asset_target(asset, type, parent, self._session.types),
            "task": None if task is None else self.reference(task),
            "comment": comment,
            "metadata": texts(metadata),
            "custom_attributes": json.loads(self._session.encode(dict(custom_attributes))),
            "data": plain(data, self.entity_class("AssetVersion")),
        }
        return self._add(description)

    def existing(self, version: Reference) -> VersionNode:
        """Add components to a version that is there, and return it."""
        return self._add({"target": {"existing_version": self.reference(version)}})

    def depends(self, later: VersionNode, earlier: VersionNode) -> None:
        """Have one version made after another, without a link between them."""
        self._depends.append((self.position(later), self.position(earlier)))

    def plan(self) -> Plan:
        """Return what would happen; asks the server and looks at the files, and changes nothing."""
        session = self._session
        return Plan(self._native_plan(), session.server_url, session.api_user)

    def run(self) -> Published:
        """Publish everything, or nothing.

        Returns:
            What was published. If the same publish was finished before, nothing is done.

        Raises:
            PublishConflictError: If the plan has conflicts.
            PublishError: If it fails; `details["nodes"]` holds how far each part came.
        """
        plan = self._native_plan()
        with self._noted(plan) as intent:
            content = self._carry_out(plan, intent)
        return self._finished(content)

    def _carry_out(
        self,
        plan: PublishPlan,
        intent: TransferIntent | None,
        results: list[ShardResult] | None = None,
    ) -> str:
        """Do everything, but not what shards have done already."""
        run = self._start(plan, intent)
        placed = placing.Placed(self._session)
        try:
            with self.transfer:
                if results is not None:
                    run.collect([result.content for result in results])
                if plan.goes_elsewhere:
                    placed.place(plan, run)
                if results is None:
                    run.send()
            placed.check()
            return run.register()
        except BaseException as error:
            # An interrupt is not to wait for a server that has fallen silent.
            patience = None if isinstance(error, Exception) else _PATIENCE
            if _is_published(run, error, patience) is False:
                placed.remove(patience)
            raise

    @contextmanager
    def _noted(self, plan: PublishPlan) -> Iterator[TransferIntent | None]:
        """Let the same publish, run again after this process was killed, continue."""
        files = plan.sent_files()
        if not self.transfer.journal or plan.is_refused or not files:
            yield None
            return
        noted = {"description": self._description(), "habits": self._habits}
        with journal.noted_publish(self._session, noted, files) as intent:
            yield intent

    def finish(self, results: list[ShardResult]) -> Published:
        """Publish what shards have sent, if nothing is missing; see :meth:`Plan.shards`.

        A version holds its files as they were when their shard ran.

        Raises:
            PublishError: If a file was not sent, or has another size than planned.
        """
        return self._finished(self._carry_out(self._native_plan(), None, results))

    def position(self, version: VersionNode) -> int:
        """Return the number of a version in this publish.

        Raises:
            ValueError: If it is of another publish.
        """
        if version._publisher is not self:
            raise ValueError("The version belongs to another publish.")
        return version._position

    def entity_class(self, entity_type: str) -> Any:
        """Return the class of the entities of a type."""
        return self._session.types[entity_type]

    def reference(self, value: Reference) -> dict[str, str]:
        """Return how native code names an entity; see :func:`description.reference`."""
        return reference(value, self._session.types)

    def check_open(self) -> None:
        """Check that more may be added.

        Raises:
            ValueError: If everything is published, so that nothing more would be.
        """
        if self.result is not None:
            raise ValueError(
                "This publish is finished. Describe what else is to be published with another "
                "session.publisher()."
            )

    def location_id(self, location: Place) -> str:
        """Return the id of a location that is given as an entity or by its name.

        Raises:
            TypeError: If it is neither.
            ValueError: If there is no location of that name.
        """
        if isinstance(location, Entity):
            return str(location["id"])
        if not isinstance(location, str):
            raise TypeError(f"{location!r} is neither a location nor the name of one.")
        if location not in self._location_ids:
            found = self._session.query(f"Location where name is {quoted(location)}").first()
            if found is None:
                raise ValueError(f"There is no location {location!r}.")
            self._location_ids[location] = found["id"]
        return self._location_ids[location]

    def _add(self, description: dict[str, Any]) -> VersionNode:
        self.check_open()
        node = VersionNode(self, len(self._versions), description)
        self._versions.append(node)
        return node

    def _description(self) -> dict[str, Any]:
        if self._restored is not None:
            return self._restored
        return {
            "versions": [version._description for version in self._versions],
            "depends": self._depends,
        }

    def _native_plan(self) -> PublishPlan:
        return PublishPlan(self._session._client(), json.dumps(self._description()))

    def _start(self, plan: PublishPlan, intent: TransferIntent | None) -> PublishRun:
        on_event = self._on_event
        return PublishRun(
            self._session._client(),
            plan,
            self.transfer._control.of_call(self.transfer._report, intent),
            on_event and (lambda *event: on_event(NodeEvent(*event))),
            self._habits,
            intent,
        )

    def _finished(self, content: str) -> Published:
        """Tell the session, and whoever listens to events, what was published."""
        self.result = read(content, self._session.server_url)
        entities = self._fetch(self.result)
        for node, version in zip(self._versions, self.result.versions):
            node.entity = entities.get(version.id)
        if self.result.changed:
            self._announce(self.result, list(entities.values()))
        return self.result

    def _fetch(self, result: Published) -> dict[str, Any]:
        """Load the versions in one call, and return them by their ids."""
        if not result.versions:
            return {}
        ids = ", ".join(version.id for version in result.versions)
        found = self._session.query(
            "select version, comment, asset.name, task_id, thumbnail_id, is_published, "
            "components.name, components.component_locations.location_id, "
            "components.component_locations.resource_identifier "
            f"from AssetVersion where id in ({ids})"
        )
        return {version["id"]: version for version in found}

    def _announce(self, result: Published, entities: list[Any]) -> None:
        hub = self._session.event_hub
        for entity in entities:
            for component in entity["components"]:
                for registration in component["component_locations"]:
                    data = {
                        "component_id": component["id"],
                        "location_id": registration["location_id"],
                    }
                    topic = symbol.COMPONENT_ADDED_TO_LOCATION_TOPIC
                    hub.publish(Event(topic, data=data), on_error="ignore")
        versions = [
            {"id": version.id, "number": version.number, "url": version.url}
            for version in result.versions
        ]
        hub.publish(Event(DONE_TOPIC, data={"versions": versions}), on_error="ignore")


def _is_published(run: PublishRun, error: BaseException, patience: float | None) -> bool | None:
    """Return whether a run that ended by *error* is published; None if nobody knows.

    Native code has taken back what it made if the error is its own; else it does so now.
    """
    if not isinstance(error, exception.PublishError):
        abandoned = run.abandon(str(error) or type(error).__name__, patience)
        if abandoned is None:
            _logger.warning("What the publish made may be left; its next run uses it")
        return abandoned
    if "is_published" not in error.details:
        error.details["is_published"] = run.abandon(str(error))
    is_published: bool | None = error.details["is_published"]
    return is_published
