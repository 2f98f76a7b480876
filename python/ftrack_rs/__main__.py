"""`python -m ftrack_rs`: the same as the command `ftrack-rs`."""

from __future__ import annotations

import sys

from ftrack_rs.cli import main

if __name__ == "__main__":
    sys.exit(main())
