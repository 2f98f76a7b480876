"""Makes the machine equally fast for everyone who is measured."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

GIB = 1 << 30


def settle() -> None:
    """Wait until what was written is on the disk, and use the memory that is free once.

    Writing to the disk takes its share of a small machine, also when that was for the case before.
    """
    os.sync()
    touch_free_memory()


def touch_free_memory(most: int = 8 * GIB) -> None:
    """Use up to *most* bytes of the memory that is free, and free it again.

    Many hosts give a virtual machine its memory page by page when it is first used, and take back
    what is not used for long. Writing files into such memory takes four to seven times as long, and
    hits whoever happens to come to it: by turns the one client, the other, or the raw uploader.

    Args:
        most: More than what is measured writes, in bytes. A quarter of the free memory is left.
    """
    lines = Path("/proc/meminfo").read_text().splitlines()
    free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    with mmap.mmap(-1, min(most, free * 3 // 4)) as block:
        for page in range(0, len(block), mmap.PAGESIZE):
            block[page] = 1
