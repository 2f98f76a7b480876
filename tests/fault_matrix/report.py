"""Writes the matrix as a page."""

from __future__ import annotations

from collections.abc import Callable

from fault_matrix.cells import FAULTS, NOT_OFFICIAL, STEPS, Cell, Fault, Step, why_not
from fault_matrix.outcome import Outcome

Outcomes = dict[Cell, Outcome]

_HEAD = """# The fault matrix

`make faults` writes this page; [transfers](transfers.md#the-fault-matrix) says how it is made.
Both clients do the same against an embedded server of their own, one fault at a time, and what they
claim is compared with what is on the server and on the disk then. *Once* is a fault of the first
request of a step, *always* one of each. Below each table stands why a combination is "n/a".

- "ok": the right bytes are registered; after SIGKILL, when the same call was made again.
- "error": an exception that the client declares came in time, and nothing is registered.
- "error though all is done": nobody has to repeat anything, but nobody is told.
- A name of a class: an exception that is none of the client's own.
- What is bold is a lie, a loss, or a wait without an end.
"""


def page(ours: Outcomes, official: Outcomes) -> str:
    """Return the page."""
    sections = [_section(step, ours, official) for step in STEPS]
    return "\n".join([_HEAD, _summary(ours, official), *sections])


def _summary(ours: Outcomes, official: Outcomes) -> str:
    lines = ["| of the cells | ftrack-rs | official client |", "|---|---:|---:|"]
    mild = ("ok", "error")
    rows: dict[str, Callable[[Outcome], bool]] = {
        "ended well": lambda outcome: outcome.word == "ok",
        "ended with an error and no harm": lambda outcome: outcome.word == "error",
        "ended otherwise": lambda outcome: outcome.word not in mild,
        "all": lambda _: True,
    }
    for title, holds in rows.items():
        counts = [str(sum(map(holds, outcomes.values()))) for outcomes in (ours, official)]
        lines.append(f"| {title} | {' | '.join(counts)} |")
    return "\n".join([*lines, ""])


def _section(step: Step, ours: Outcomes, official: Outcomes) -> str:
    lines = [
        f"## {step.name[0].upper()}{step.name[1:]}",
        "",
        "| fault | ftrack-rs, once | always | official, once | always |",
        "|---|---|---|---|---|",
    ]
    # A dictionary for its order.
    reasons: dict[str, None] = {}
    for fault in FAULTS:
        reason = why_not(fault, step)
        row = [*_words(fault, step, ours), *_words(fault, step, official)]
        if reason:
            reasons[reason] = None
            row = ["n/a"] * 4
        elif step in NOT_OFFICIAL:
            reasons[NOT_OFFICIAL[step]] = None
        lines.append(f"| {' | '.join([fault.name, *row])} |")
    lines += ["", *(f"- {reason}" for reason in reasons)]
    return "\n".join([*lines, ""])


def _words(fault: Fault, step: Step, outcomes: Outcomes) -> list[str]:
    """Return the outcomes of a fault that came once, and of one that stayed."""
    words = []
    for always in (False, True):
        outcome = outcomes.get(Cell(fault, step, always))
        words.append(outcome.word if outcome else "n/a")
    if fault.is_local:
        words[1] = ""
    return words
