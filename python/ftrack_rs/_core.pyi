"""Native part of the package: a translation of the Rust crates, used by the modules beside it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, final

from typing_extensions import disjoint_base

from ftrack_rs.entity.base import Entity
from ftrack_rs.session import Session

__all__ = [
    "IS_DEBUG_BUILD",
    "VERSION",
    "Batch",
    "Client",
    "ContentReader",
    "EntityHandle",
    "EntityMap",
    "EventConnection",
    "EventExpression",
    "EventExpressions",
    "Journal",
    "MatchingExpressions",
    "NativeSandbox",
    "Pages",
    "PassedFiles",
    "PublishPlan",
    "PublishRun",
    "SchemaSet",
    "Sequence",
    "TransferControl",
    "TransferIntent",
    "copy_files",
    "draw_frames",
    "inspect_frames",
    "new_uuid",
    "parse_sequence",
    "quoted",
    "run_shard",
]

VERSION: Final[str]
"""Version of the distribution."""

IS_DEBUG_BUILD: Final[bool]
"""Whether this is a build without optimisation."""

@disjoint_base
class EntityHandle:
    """Base of all entity classes: a handle to what is known of an entity.

    One that is bound looks into an :class:`EntityMap`. Others, while they are made or if they were
    only decoded, keep the server's values themselves. Local values are always kept in the handle.
    """

    session: Session
    def __new__(cls, *_arguments: Any, **_keywords: Any) -> EntityHandle:
        """Make a handle that shows nothing yet; the arguments are those of initialisers."""
    def __getitem__(self, name: str, /) -> Any:
        """Return the value of an attribute; ask `_get_unloaded` for what is not at hand."""
    def __eq__(self, other: object, /) -> bool:
        """Return whether *other* has the same type and primary key."""
    def __ne__(self, other: object, /) -> bool:
        """Return whether *other* has another type or primary key."""
    def __hash__(self) -> int:
        """Return a number that equal entities share.

        Raises:
            KeyError: If the primary key is not set.
        """
    @property
    def _generation(self) -> int:
        """A number that changes whenever something may have been learned from the server."""
    def _get_local(self, name: str) -> Any:
        """Return the local value of an attribute, or NOT_SET."""
    def _set_local(self, name: str, value: Any) -> None:
        """Set the local value of an attribute; NOT_SET removes it."""
    def _get_locals(self) -> dict[str, Any]:
        """Return a copy of all local values."""
    def _clear_locals(self) -> None:
        """Remove all local values."""
    def _get_remote(self, name: str) -> Any:
        """Return what the server has for an attribute, or NOT_SET; collections as lists."""
    def _set_remote(self, name: str, value: Any) -> None:
        """Set what is known of the server's value of an attribute; NOT_SET forgets it."""

@final
class SchemaSet:
    """The entity types of a server, prepared for decoding."""

    def __new__(cls, schemas: list[dict[str, Any]]) -> SchemaSet:
        """Prepare the schemas that the server answers to `query_schemas`."""

@final
class EntityMap:
    """The entities of a session, with the one Python object of each that was looked at."""

    def __new__(cls, session: Any, schemas: SchemaSet) -> EntityMap:
        """Return an empty map; *session* makes the classes of the entities in it."""
    def get(self, entity_type: str, key: list[str]) -> Entity | None:
        """Return the entity of a type and key, if something is known of it."""
    def adopt(self, entity: EntityHandle, entity_type: str, key: list[str]) -> Entity:
        """Make *entity* the one of a type and key; return it, or the one there is already."""
    def admit(self, entity: EntityHandle, entity_type: str, key: list[str]) -> bool:
        """Make *entity* the one of a type and key unless there is one; return whether it is."""
    def accept(self, value: object, entity_type: str, key: list[str]) -> bool:
        """Make *value* the entity of a type and key; return whether it is that now."""
    def remove(self, entity_type: str, key: list[str]) -> bool:
        """Forget the entity of a type and key; return whether there was one."""
    def keys(self) -> list[tuple[str, list[str]]]:
        """Return the types and keys of all entities."""
    def values(self) -> list[Any]:
        """Return all entities."""
    def modified(self) -> list[Any]:
        """Return the entities that have local values."""
    def apply(self, batch: Batch) -> None:
        """Take over what a commit wrote."""
    def merge_answers(self, answer: bytes) -> None:
        """Take over what the server answered to a commit."""

@final
class Batch:
    """The shortest batch that has the effect of all recorded operations."""

    def __new__(cls, operations: list[Any], session: Any) -> Batch:
        """Read the operations.

        Raises:
            ValueError: If one is no operation that can be committed.
        """
    def __len__(self) -> int:
        """Return the number of operations that are left to send."""
    def payloads(self) -> list[dict[str, Any]]:
        """Return the operations as dictionaries, with references in place of entities."""

@final
class Pages:
    """The pages of a query; each is asked for while the one before it is taken in."""

    def next(self) -> tuple[list[Any], int | None] | None:
        """Return the entities of the next page, and the offset of the one after it.

        Releases the interpreter while it waits and decodes. None when everything was read. After
        an error the same page is asked for again.

        Raises:
            ServerError: If the server answers with an error or cannot be reached.
        """

@final
class Client:
    """Talks to one server as one user.

    All methods release the interpreter while they wait, and end within a second after Ctrl-C.
    """

    def __new__(
        cls,
        server_url: str,
        api_user: str,
        api_key: str,
        headers: list[tuple[str, str]],
        timeout: float | None,
    ) -> Client:
        """Prepare to talk; nothing is sent yet.

        Args:
            server_url: Address of the server.
            api_user: Name of the user.
            api_key: Key of the user.
            headers: Names and values that go with every request.
            timeout: Seconds that a connection may stay silent; None for a day.
        """
    def call(self, body: bytes) -> bytes:
        """Post a batch and return the answer, undecoded.

        Raises:
            ServerError: If the server answers with an error or cannot be reached.
        """
    def query(self, map: EntityMap, expression: str) -> tuple[list[Any], int | None]:
        """Return the entities of one page of a query, and the offset of the next.

        Raises:
            ServerError: If the server answers with an error or cannot be reached.
        """
    def pages(
        self,
        map: EntityMap,
        expression: str,
        offset: int,
        page_size: int,
        limit: int | None,
    ) -> Pages:
        """Prepare to read all pages of a query; nothing is asked yet.

        Args:
            map: Where the entities go.
            expression: What to query, without an offset and a limit.
            offset: Where the first page starts.
            page_size: Number of entities to ask for at once.
            limit: How many entities there are to be at most; None for all.
        """
    def commit(self, entities: EntityMap, batch: Batch) -> bytes:
        """Post recorded operations and return the answer, undecoded.

        If the answer is lost the entities are looked up: changes that were made count as
        answered, others are sent once more.

        Raises:
            AnswerLostError: If the answer was lost, and the changes were not made or nobody can
                tell.
            ServerError: If the server answers with an error or cannot be reached.
        """
    def holds(self, entities: EntityMap, batch: Batch) -> bool | None:
        """Return whether the server holds what was written, or None if nobody can tell.

        Args:
            entities: What was known before the operations were sent.
            batch: The operations.
        """
    def upload(
        self,
        files: list[tuple[str, str, str]],
        control: TransferControl | None = None,
        ask: Callable[..., Any] | None = None,
    ) -> None:
        """Send files side by side.

        Args:
            files: Of each the component, the name for downloads, and the path.
            control: Controls the transfer.
            ask: Called for the metadata of each upload, as `Session.get_upload_metadata` is; if
                None, the server is asked for many at once.

        Raises:
            AccessorOperationFailedError: If one could not be sent; `details["transferred"]` holds
                the components that were.
        """
    def download(
        self,
        files: list[tuple[str, str, str, int | None]],
        control: TransferControl | None = None,
        *,
        keeps_existing: bool = False,
    ) -> None:
        """Fetch files side by side.

        Args:
            files: Of each the component, the URL, the path to write, and the size, if it is known.
            control: Controls the transfer.
            keeps_existing: Fail where a file has the path already, and do not replace it.

        Raises:
            AccessorOperationFailedError: If one could not be fetched.
        """
    def reader(self, name: str, url: str, control: TransferControl | None = None) -> ContentReader:
        """Prepare to read what is at a URL as a stream.

        Args:
            name: What stands for it in errors.
            url: The URL.
            control: Controls the reading.

        Raises:
            AccessorOperationFailedError: If it is no URL.
        """
    def status_of(self, url: str) -> int:
        """Ask for a URL and return the HTTP status of the answer.

        Raises:
            AccessorOperationFailedError: If there is no answer.
        """

@final
class TransferControl:
    """Controls the transfers that are given it."""

    def __new__(
        cls,
        bandwidth: int | None,
        concurrency: int | None,
        verify: bool = False,
        fsync: str = "never",
    ) -> TransferControl:
        """Prepare transfers.

        Args:
            bandwidth: Most bytes that all of them move in a second; None for no limit.
            concurrency: Files and parts that move at the same time; None for what turns out best.
            verify: Whether copies are read again and compared.
            fsync: What is forced to the disk: `never`, `file`, or `folder` for names as well.
        """
    def cancel(self) -> None:
        """Stop the transfers."""
    def pause(self) -> None:
        """Let no more bytes move."""
    def resume(self) -> None:
        """End a pause."""
    def limit_bandwidth(self, bandwidth: int | None) -> None:
        """Limit the bytes of all transfers in a second; None lifts the limit."""
    def of_call(
        self, on_tick: Callable[[], object], intent: TransferIntent | None = None
    ) -> TransferControl:
        """Return the control of one call, a part of this.

        Args:
            on_tick: Called ten times a second while it runs; what it raises ends it.
            intent: The transfer in the journal.
        """
    @property
    def concurrency(self) -> int | None:
        """How many files and parts of files move at the same time, if that is fixed."""
    def passed_files(self, files: list[tuple[str, int]]) -> PassedFiles:
        """Begin to count files that Python moves.

        Args:
            files: Of each the name and the probable size.
        """
    def snapshot(self) -> dict[str, int]:
        """Return what has been counted so far."""
    def files(self) -> list[tuple[Any, int, int, bool]]:
        """Return of each file the path, the size, the bytes moved, and whether it arrived."""

@final
class Journal:
    """The unfinished transfers of this user."""

    def __new__(cls) -> Journal:
        """Use the folder of the environment or of the user.

        Raises:
            OSError: If there is none.
        """
    @property
    def folder(self) -> Any:
        """Where they are kept."""
    def begin(
        self,
        call: tuple[str, str, str, str, str],
        files: list[str] | list[Path],
        has_container: bool,
    ) -> TransferIntent:
        """Take over the transfer of the same call that nobody works on, or note a new one.

        Args:
            call: Address of the server, name of the user, id of the location, path, and data.
            files: The files.
            has_container: Whether there is a component that contains those of the files.

        Raises:
            OSError: If the journal or a file cannot be used.
        """
    def unfinished(self) -> list[dict[str, Any]]:
        """Return the transfers that did not come to their end, the latest first.

        Raises:
            OSError: If the journal cannot be used.
        """
    def forget(self, id: str) -> bool:
        """Forget a transfer unless a process works on it; return whether that was done.

        Raises:
            OSError: If the journal cannot be used.
        """

@final
class TransferIntent:
    """A transfer that this process is responsible for."""

    @property
    def container_id(self) -> str | None:
        """The component of the container, if there is one."""
    @property
    def file_ids(self) -> list[str]:
        """The component of each file."""
    @property
    def is_new(self) -> bool:
        """Whether no earlier process left anything of it."""
    @property
    def is_unchanged(self) -> bool:
        """Whether an earlier process left something, and all files are as they were."""
    def finish(self) -> None:
        """Forget the transfer, which came to its end.

        Raises:
            OSError: If the journal cannot be used.
        """
    def release(self) -> None:
        """Leave the transfer to whoever makes the same call again."""

@final
class PassedFiles:
    """Counts files that Python moves."""

    def admit(self, index: int, bytes: int, *, ticking: bool = True) -> None:
        """Wait until bytes of a file may move, and count them as moved.

        Args:
            index: The position of the file.
            bytes: How many.
            ticking: Whether this thread tells the progress meanwhile.

        Raises:
            TransferCancelledError: If the transfer was stopped.
        """
    def tick(self) -> None:
        """Tell the progress of files that other threads move.

        Raises:
            TransferCancelledError: If the transfer was stopped.
        """
    def finish(self, index: int, size: int) -> None:
        """Count a file of so many bytes as moved."""

@final
class ContentReader:
    """Content on a server that is fetched as it is read."""

    def read(self, limit: int = -1) -> bytes:
        """Return at most *limit* bytes from the current position; all that is left if negative.

        Raises:
            AccessorOperationFailedError: If the server does not give them.
            ValueError: If it is closed.
        """
    def seek(self, offset: int, whence: int = 0) -> int:
        """Move the current position by *offset*, counted from *whence*, and return it.

        Raises:
            AccessorOperationFailedError: If the server does not tell where the end is.
            ValueError: If there is no such position, or if it is closed.
        """
    def tell(self) -> int:
        """Return the current position.

        Raises:
            ValueError: If it is closed.
        """
    def close(self) -> None:
        """Let go of the connection; nothing can be read any more."""

def quoted(text: str) -> str:
    """Return *text* as a value in an expression of a query, in quotes."""

def new_uuid() -> str:
    """Return a random UUID, which is what the ids of new entities are."""

def copy_files(
    files: list[tuple[str, str, str]],
    control: TransferControl | None = None,
    *,
    keeps_existing: bool = False,
) -> None:
    """Copy files side by side.

    Args:
        files: Of each the component, the file, and the path to write.
        control: Controls the transfer.
        keeps_existing: Fail where a file has the path already, and do not replace it.

    Raises:
        AccessorOperationFailedError: If one could not be copied.
    """

@final
class Sequence:
    """Files that differ in one number of their path."""

    @property
    def padding(self) -> int:
        """Least number of digits; 0 for no padding."""
    @property
    def pattern(self) -> str:
        """The path with the padding in place of the number, such as `/a.%04d.exr`."""
    def members(self) -> list[tuple[str, str]]:
        """Return the path and the number of each file, the number as it stands in the path."""

def parse_sequence(path: str) -> Sequence | None:
    """Read a sequence path such as `/a.%04d.exr [1-5]`; None for the path of a single file.

    Raises:
        ParseError: If the ranges make no sense.
    """

def inspect_frames(paths: list[str], recent: float) -> tuple[list[int], list[tuple[int, str]]]:
    """Look at the frames of one sequence before they are published.

    Args:
        paths: The frames.
        recent: Seconds after its last change in which a frame may still be growing.

    Returns:
        The size of each; and of those with a defect the position and what is wrong: `missing`,
        `empty`, `unreadable`, `growing` or `odd size`.
    """

@final
class PublishPlan:
    """What a publish will do."""

    def __new__(cls, client: Client, description: str) -> PublishPlan:
        """Ask the server and look at the files; changes nothing.

        Args:
            client: How to ask the server.
            description: What is to be published, as JSON.

        Raises:
            PublishError: If the server cannot be asked.
            ValueError: If the description is none.
        """
    def json(self) -> str:
        """Return everything that is known, as JSON."""
    def table(self) -> str:
        """Return the plan as text."""
    def svg(self) -> str:
        """Return the plan as a picture."""
    def mermaid(self) -> str:
        """Return the plan as a Mermaid diagram."""
    @property
    def goes_elsewhere(self) -> bool:
        """Whether components go to other locations than the ftrack server."""
    @property
    def is_refused(self) -> bool:
        """Whether conflicts speak against the publish, whatever is in the files."""
    def sent_files(self) -> list[Path]:
        """Return the files that go to the ftrack server, in the order of their ids in a journal."""
    def shards(self, count: int) -> list[str]:
        """Split the byte work into parts, each JSON.

        Raises:
            PublishError: If it cannot be split.
        """

@final
class PublishRun:
    """A publish under way, of which one thread runs the stages."""

    def __new__(
        cls,
        client: Client,
        plan: PublishPlan,
        handle: TransferControl,
        on_event: Any,
        habits: dict[str, bool],
        intent: TransferIntent | None = None,
    ) -> PublishRun:
        """Prepare to carry out a plan.

        Args:
            client: How to ask the server.
            plan: What to do.
            handle: How data moves.
            on_event: Called with node, state and message of every step; None if nobody watches.
            habits: `force`, `keep_reserved` and `wait_for_encodes`.
            intent: What a journal has kept of the publish; None if it is not noted.
        """
    def reserve(self) -> list[tuple[int, str, int]]:
        """Make the versions whose numbers must be known first.

        Returns:
            Position in the plan, id and number of each version that goes to other locations and is
            not published yet.

        Raises:
            PublishError: If that fails, or the plan has conflicts.
        """
    def component_ids(self, version: int) -> list[tuple[str, str]]:
        """Return the ids of the components of a version, by their names within it."""
    def placing(self, versions: list[int]) -> None:
        """Tell whoever watches that the data of versions is put into other locations."""
    def place(self, placements: list[tuple[str, str, str]]) -> None:
        """Take note of data in other locations: component, location, resource identifier."""
    def send(self) -> None:
        """Hash and send all files that are not published yet.

        Raises:
            PublishError: If that fails, or the plan has conflicts.
        """
    def register(self) -> str:
        """Publish everything; returns what was published, as JSON.

        Raises:
            PublishError: If that fails.
        """
    def collect(self, results: list[str]) -> None:
        """Take over what shards have sent.

        Args:
            results: What each of them returned, as JSON.

        Raises:
            PublishError: If something is missing, or the plan has conflicts.
        """
    def abandon(self, reason: str, patience: float | None = None) -> bool | None:
        """Take back what was made, unless it is published; return whether it is, if known.

        Args:
            reason: Why it is given up.
            patience: Seconds after which the rest is left to the next run of the same publish.
        """

def run_shard(client: Client, shard: str, handle: TransferControl) -> str:
    """Send the files of a part, and return what was sent; both are JSON.

    Raises:
        PublishError: If a file cannot be sent.
    """

@final
class NativeSandbox:
    """A running embedded server."""

    def __new__(cls, options: dict[str, Any]) -> NativeSandbox:
        """Start a server and wait until it is ready.

        Raises:
            OSError: If the port is taken or the folder cannot be used.
            ValueError: If an option has a value that it cannot have.
        """
    @property
    def url(self) -> str:
        """Address of the server."""
    @property
    def api_user(self) -> str:
        """Name of a user who may do everything."""
    @property
    def api_key(self) -> str:
        """Key of that user."""
    @property
    def data_dir(self) -> Any:
        """Folder of its data."""
    def calls(self, action: str | None, endpoint: str) -> list[dict[str, Any]]:
        """Return the latest requests to an endpoint, oldest first."""
    def events(self, topic: str | None) -> list[dict[str, Any]]:
        """Return the latest events of a topic, oldest first."""
    def clear_calls(self) -> None:
        """Forget all requests and events."""
    def fault(self, text: str) -> int:
        """Set a fault, given in its text form, and return its id.

        Raises:
            ValueError: If the text is no fault.
        """
    def faults(self) -> list[dict[str, Any]]:
        """Return the faults that are set."""
    def clear_faults(self) -> None:
        """Remove all faults."""
    def reset(self) -> None:
        """Return to the state the server started with."""
    def outbox(self) -> list[dict[str, Any]]:
        """Return the mails that would have been sent, oldest first."""
    def snapshot(self, path: Any) -> None:
        """Write data and files to a new folder.

        Raises:
            FileExistsError: If there is something at the path.
        """
    def stop(self) -> None:
        """Stop the server; does nothing the second time, or in a forked process."""

def draw_frames(folder: str, stem: str, count: int, width: int, height: int) -> list[Any]:
    """Draw an animated sequence of PNG files and return their paths."""

@final
class EventConnection:
    """Carries packets to and from one event server as one user.

    All methods release the interpreter while they wait, and none waits without limit.
    """

    def __new__(
        cls,
        server_url: str,
        api_user: str,
        api_key: str,
        headers: list[tuple[str, str]],
        cookies: list[tuple[str, str]],
        answer_heartbeats: bool,
    ) -> EventConnection:
        """Prepare a connection; nothing is sent before :meth:`connect`."""
    @property
    def connected(self) -> bool:
        """Whether the server is there, as far as is known."""
    @property
    def silence(self) -> float:
        """Seconds since anything was heard of the server; zero before the first connection."""
    def connect(self) -> None:
        """Connect to the event server.

        Raises:
            EventHubConnectionError: If it cannot be reached, refuses the user, or this is closed.
        """
    def serve(self, reader: Any, served: Callable[[], None]) -> None:
        """Hand what happens to *reader* from now on, until there is nothing more to come.

        Its methods are called one at a time, each perhaps by another thread of the runtime.

        Args:
            reader: Has the methods `_on_packets(packets)`; `_on_end()` for the end of a connection,
                which returns the most seconds between two attempts to connect again, or None not to
                try; and `_on_again(connected)`, where connected is False once this was closed.
            served: Called last.
        """
    @staticmethod
    def stop_serving() -> None:
        """Hand nothing more to any reader; to be called before the interpreter ends."""
    def send(self, packet: str) -> None:
        """Send a packet and wait until it has left this process.

        Waits for room while very many wait already, and then for a second at most. Ctrl-C ends
        that; a packet that was taken in by then is still sent.

        Raises:
            EventHubConnectionError: If there is no connection.
        """
    def close(self) -> None:
        """End the connection, or attempts to make one, after all packets have left.

        Takes a few seconds at most. It cannot be connected again.
        """

@final
class EventExpression:
    """A parsed expression of events."""

    def __new__(cls, text: str) -> EventExpression:
        """Parse *text*.

        Raises:
            ParseError: If it does not follow the grammar.
        """
    def match(self, candidate: Mapping[str, Any]) -> bool:
        """Return whether *candidate* satisfies the expression.

        A candidate without a value does not satisfy a condition on it, nor does one whose value
        cannot be compared.
        """
    def tree(self) -> tuple[Any, ...]:
        """Return what was parsed.

        Returns:
            `("all", [operands])`, `("any", [operands])`, `("not", operand)` or `(key, operator,
            value)`.
        """

@final
class EventExpressions:
    """Many expressions, tested together: what they have in common is compared once."""

    def __new__(cls, expressions: list[EventExpression | None]) -> EventExpressions:
        """Take the expressions; None stands for one that nothing satisfies for sure."""
    def matching(self, candidate: Mapping[str, Any]) -> MatchingExpressions:
        """Return an iterator over what *candidate* satisfies."""

@final
class MatchingExpressions:
    """Finds the expressions that a mapping satisfies, one after another.

    Each item is the place of an expression in the list, and whether it is satisfied for sure. It is
    not where there was None, or where testing failed.
    """

    def __iter__(self) -> MatchingExpressions:
        """Return itself."""
    def __next__(self) -> tuple[int, bool]:
        """Return the next item."""
