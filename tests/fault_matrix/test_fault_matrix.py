"""Every fault at every step: nothing hangs, nothing lies, nothing is lost."""

from __future__ import annotations

import os
import sys

import pytest

from fault_matrix.cells import FAULTS, LARGE, SMALL, STEPS, Cell, cells, why_not
from fault_matrix.client import Kind
from fault_matrix.outcome import Outcome
from fault_matrix.run import run_all

#: Cells at a time: most of them wait for the time limit of something.
WORKERS = 8


# The first test waits for all cells.
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[Cell, Outcome]:
    """What came of every cell; all are run together, because most of the time they wait."""
    contents = {size: os.urandom(size) for size in (SMALL, LARGE)}
    kind = Kind("ftrack-rs", sys.executable, "ftrack_rs")
    return run_all(kind, cells(), tmp_path_factory.mktemp("matrix"), contents, WORKERS)


@pytest.mark.parametrize("cell", cells(), ids=str)
def test_a_fault_is_survived_or_told(cell: Cell, outcomes: dict[Cell, Outcome]) -> None:
    outcome = outcomes[cell]
    assert not outcome.broken_promises(), outcome
    if cell.must_recover:
        assert outcome.succeeded, outcome


def test_no_combination_is_left_out() -> None:
    there = {(cell.fault, cell.step) for cell in cells()}
    for fault in FAULTS:
        for step in STEPS:
            assert ((fault, step) in there) != bool(why_not(fault, step)), (fault, step)
