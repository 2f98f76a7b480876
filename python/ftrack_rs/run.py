"""Runs a script that was written for the official client, unchanged."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Sequence
from types import TracebackType

from ftrack_rs.drop_in import install_as_ftrack_api

#: Where the Python processes that a script starts find their `sitecustomize`.
_CHILDREN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "children")


def run_script(path: str | os.PathLike[str], arguments: Sequence[str] = ()) -> int:
    """Run a script in which `ftrack_api` is this package, as it is in Python processes it starts.

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
    _reach_children()
    sys.argv[:] = [path, *arguments]
    # As Python does for scripts: their neighbours can be imported.
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    try:
        runpy.run_path(path, run_name="__main__")
    except Exception as error:
        traceback = _of_script(error.__traceback__)
        sys.excepthook(type(error), error.with_traceback(traceback), traceback)
        return 1
    return 0


def _reach_children() -> None:
    """Have the environment give Python processes to come the client of this one."""
    others = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = f"{_CHILDREN}{os.pathsep}{others}" if others else _CHILDREN


def _of_script(traceback: TracebackType | None) -> TracebackType | None:
    """Return the part of a traceback that begins in the script rather than with what runs it."""
    while traceback and traceback.tb_frame.f_globals.get("__name__") in (__name__, "runpy"):
        traceback = traceback.tb_next
    return traceback
