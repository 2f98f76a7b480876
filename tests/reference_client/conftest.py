"""Where the official client is."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def reference_python() -> str:
    """Path of a Python that has the official client installed.

    `make test` puts one into .venv-reference; FTRACK_RS_REFERENCE_PYTHON names another. In CI its absence is a failure, elsewhere the tests are skipped.
    """
    python = os.environ.get("FTRACK_RS_REFERENCE_PYTHON", ROOT / ".venv-reference/bin/python")
    probe = [str(python), "-c", "import ftrack_api; print(ftrack_api.__version__)"]
    try:
        version = subprocess.run(probe, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        reason = "the official client (ftrack-python-api 3.1.0) could not be installed here"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    assert version == "3.1.0"
    return str(python)
