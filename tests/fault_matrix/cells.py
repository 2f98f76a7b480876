"""The faults, the steps of a transfer, and which of their combinations there are."""

from __future__ import annotations

from dataclasses import dataclass

#: A file that is sent in one piece, and one that is sent in three parts.
SMALL, LARGE = 300_000, 17 * 1024 * 1024 + 1


@dataclass(frozen=True)
class Step:
    """A step of a transfer, and how to bring a client to it."""

    name: str
    #: What the client is asked to do: `publish`, `download` or `copy`.
    task: str
    #: The size of the file, in bytes.
    size: int
    #: The requests of the step, as endpoint and options of a fault; none for a copy on disk.
    endpoint: str = ""
    options: str = ""


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong."""

    name: str
    #: The kind of the sandbox's fault; empty for what goes wrong on the client's side.
    kind: str = ""
    #: Whether the next attempt may succeed, so that a client should make one.
    passes: bool = False

    @property
    def is_local(self) -> bool:
        return not self.kind


@dataclass(frozen=True)
class Cell:
    """A fault at a step: at the first request only, or at every one."""

    fault: Fault
    step: Step
    always: bool = False

    def __str__(self) -> str:
        if self.fault.is_local:
            return f"{self.step.name}, {self.fault.name}"
        return f"{self.step.name}, {self.fault.name}, {'always' if self.always else 'once'}"

    @property
    def must_recover(self) -> bool:
        """Whether the client can bring the step to a good end, and so has to."""
        if self.step is COMMIT:
            # What was applied can be looked up by its ids.
            return self.fault in (TRUNCATED, LOST_ANSWER)
        if self.fault is EXPIRED and not self.always:
            # Another URL is to be had for the asking.
            return self.step in (PUT, PART)
        if self.always or not self.fault.passes:
            return False
        # A silent server may still work on a call: whether to wait longer is for the caller.
        return self.step in (PUT, PART, DOWNLOAD) or (
            self.step is METADATA and self.fault not in (SLOW_LORIS, BLACK_HOLE)
        )


PUT = Step("single PUT", "publish", SMALL, "upload")
PART = Step("part", "publish", LARGE, "upload", "part=2")
COMPLETE = Step("complete", "publish", LARGE, "api", "action=complete_multipart_upload")
METADATA = Step("upload metadata", "publish", SMALL, "api", "action=get_upload_metadata")
COMMIT = Step("commit", "publish", SMALL, "api", "action=create")
DOWNLOAD = Step("download", "download", SMALL, "download")
COPY = Step("disk copy", "copy", LARGE)
STEPS = (PUT, PART, COMPLETE, METADATA, COMMIT, DOWNLOAD, COPY)

#: Milliseconds from byte to byte: the head of an answer takes longer than anybody waits for it.
_SLOW = 300
SLOW_LORIS = Fault("slow loris", f"slow_loris={_SLOW}", passes=True)
BLACK_HOLE = Fault("black hole", "black_hole", passes=True)
EXPIRED = Fault("403 expired", "expired")
TRUNCATED = Fault("truncated answer", "truncate", passes=True)
LOST_ANSWER = Fault("lost answer", "lost_answer", passes=True)
WRONG_ETAG = Fault("wrong ETag", "wrong_etag")
NO_ETAG = Fault("missing ETag", "no_etag")
SHORT_READ = Fault("short read")
GROWS, SHRINKS, VANISHES = (Fault(f"source {does}") for does in ("grows", "shrinks", "vanishes"))
DISK_FULL = Fault("disk full")
INTERRUPT, KILL, FORK = Fault("SIGINT"), Fault("SIGKILL"), Fault("fork")

FAULTS = (
    Fault("refused", "refuse", passes=True),
    Fault("reset before the body", "reset=before", passes=True),
    Fault("reset in the body", "reset=middle", passes=True),
    Fault("reset after the body", "reset=after", passes=True),
    Fault("401", "status=401"),
    EXPIRED,
    Fault("408", "status=408", passes=True),
    Fault("429", "status=429", passes=True),
    Fault("500", "status=500", passes=True),
    Fault("502", "status=502", passes=True),
    Fault("503", "status=503", passes=True),
    Fault("504", "status=504", passes=True),
    Fault("200 with an error body", "error_body"),
    WRONG_ETAG,
    NO_ETAG,
    SLOW_LORIS,
    BLACK_HOLE,
    TRUNCATED,
    LOST_ANSWER,
    SHORT_READ,
    GROWS,
    SHRINKS,
    VANISHES,
    DISK_FULL,
    INTERRUPT,
    KILL,
    FORK,
)

_CALLS = (COMPLETE, METADATA, COMMIT)


def why_not(fault: Fault, step: Step) -> str | None:
    """Return why a fault makes no sense at a step, or None if it does."""
    if step is COPY and not fault.is_local:
        return "A copy on disk makes no request; registering it is a commit."
    if step in _CALLS and fault in (WRONG_ETAG, NO_ETAG):
        return "Answers to API calls have no ETag."
    if step is DOWNLOAD and fault is SHORT_READ:
        return "What is read is the connection: see the truncated answer."
    if step in _CALLS and fault is SHORT_READ:
        return "The file is not read at this step."
    if step in _CALLS and fault is DISK_FULL:
        return "Nothing is written to disk at this step."
    if step in _CALLS and fault is FORK:
        return "Both processes pass this step in the rows of single PUT and part."
    return None


#: Steps that the official client does not have, and why.
NOT_OFFICIAL = {step: "The official client sends whole files only." for step in (PART, COMPLETE)}


def cells() -> list[Cell]:
    """Return all cells: those with faults of the server both for one request and for all."""
    return [
        Cell(fault, step, always)
        for step in STEPS
        for fault in FAULTS
        if not why_not(fault, step)
        for always in ((False,) if fault.is_local else (False, True))
    ]
