"""What came of a cell, and which promises that breaks."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Outcome:
    """What was seen of a client, on the server and on the disk."""

    #: Whether the client came to the step, so that the fault could happen.
    reached: bool = True
    #: Whether the client said nothing within its bound.
    hung: bool = False
    #: The class of the error it raised, whether it is one that the client declares, and its text.
    error: str | None = None
    typed: bool = True
    text: str = ""
    #: Whether a location is said to have the data; whether all that is said to be somewhere is.
    registered: bool = False
    true: bool = True
    #: Whether a file has its final name and not its bytes.
    broken: bool = False
    #: Uploads of which less came than they had declared, though the server read all of them.
    short: list[str] = field(default_factory=list)
    #: Whether something that had been acknowledged is no longer there.
    lost: bool = False
    #: Whether something is registered more than once.
    twice: bool = False
    #: Whether the same call, made again after SIGKILL, brought it to an end.
    repeated: bool = True

    @property
    def succeeded(self) -> bool:
        """Whether the client claims that everything is done."""
        return not self.hung and self.error is None

    @property
    def word(self) -> str:
        """Return the outcome in a few words; lies and damage in bold."""
        claims = self._claims()
        damage = [
            text
            for text, holds in (
                ("never came to the step", not self.reached),
                ("registered without its file", not self.succeeded and not self.true),
                ("a broken file left", self.broken),
                ("bytes missing in a request", bool(self.short)),
                ("acknowledged files lost", self.lost),
                ("registered twice", self.twice),
                ("cannot be repeated", not self.repeated),
            )
            if holds
        ]
        return ", ".join([claims, *(f"**{text}**" for text in damage)])

    def _claims(self) -> str:
        if self.hung:
            return "**hangs**"
        if self.error is not None:
            kind = "error" if self.typed else f"`{self.error}`"
            return f"{kind} though all is done" if self.registered and self.true else kind
        if not self.registered:
            return "**success, nothing registered**"
        return "ok" if self.true else "**success with wrong bytes**"

    def broken_promises(self) -> list[str]:
        """Return what this is against: never hang, never lie, never lose."""
        promises = {
            "it came to the step": self.reached,
            "it settles within its bound": not self.hung,
            "an error is one that the client declares": self.typed,
            "success means that the right bytes are registered": not self.succeeded
            or (self.registered and self.true),
            "nothing is registered that is not there": self.true,
            "no file has its name before it has its bytes": not self.broken,
            "every request carries the bytes that it declares": not self.short,
            "nothing is registered twice": not self.twice,
            "nothing is lost that was acknowledged": not self.lost,
            "the same call made again completes what was killed": self.repeated,
        }
        return [promise for promise, kept in promises.items() if not kept]
