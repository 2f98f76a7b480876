"""Runs a script that was written for the official client, unchanged."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Sequence

from ftrack_rs.drop_in import install_as_ftrack_api


def run_script(path: str | os.PathLike[str], arguments: Sequence[str] = ()) -> int:
    """Run a script in which `ftrack_api` is this package.

    Args:
        path: The script.
        arguments: What it finds behind its own name in `sys.argv`.

    Returns:
        The exit code: 0, or 1 after an error, which is shown as Python shows it. A script that ends
        itself with `sys.exit` ends the process.

    Raises:
        FileNotFoundError: If there is no such script.
    """
    path = os.fspath(path)
    if not os.path.exists(path):
        raise FileNotFoundError(f"There is no script {path!r}.")
    install_as_ftrack_api()
    sys.argv[:] = [path, *arguments]
    # As Python does for scripts: their neighbours can be imported.
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    try:
        runpy.run_path(path, run_name="__main__")
    except Exception:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0
