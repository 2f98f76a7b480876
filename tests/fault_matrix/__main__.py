"""Runs the matrix with both clients and writes its page: `python -m fault_matrix`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from fault_matrix.cells import LARGE, NOT_OFFICIAL, SMALL, cells
from fault_matrix.client import Kind
from fault_matrix.report import page
from fault_matrix.run import run_all

PAGE = Path(__file__).parents[2] / "docs" / "fault-matrix.md"


def main() -> None:
    """Run all cells with both clients."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", required=True, help="Python with the official client")
    parser.add_argument("--workers", type=int, default=8, help="cells at a time (default 8)")
    options = parser.parse_args()
    contents = {size: os.urandom(size) for size in (SMALL, LARGE)}
    ours = Kind("ftrack-rs", sys.executable, "ftrack_rs")
    official = Kind("the official client", options.reference, "ftrack_api")
    theirs = [cell for cell in cells() if cell.step not in NOT_OFFICIAL]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        results = run_all(ours, cells(), folder, contents, options.workers)
        reference = run_all(official, theirs, folder, contents, options.workers)
    PAGE.write_text(page(results, reference), encoding="utf-8")
    broken = 0
    for cell, outcome in results.items():
        for promise in outcome.broken_promises():
            broken += 1
            print(f"{cell}: not true that {promise}: {outcome}")
    print(f"{PAGE} written, {broken} broken promises")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
