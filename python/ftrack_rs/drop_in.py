"""Makes this package answer to the name ``ftrack_api``.

A finder in front of all others answers every import of ``ftrack_api`` and of what is below it with
the module of the same name below ``ftrack_rs``. It is the very same module object, so classes are
the same under both names and ``isinstance`` checks hold whichever name they were written with.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

#: The version of the official client that this package stands in for.
REPLACED_VERSION = "3.1.0"

#: The environment variable that has `import ftrack_rs` install the names.
ENVIRONMENT_VARIABLE = "FTRACK_RS_AS_FTRACK_API"

_OFFICIAL = "ftrack_api"
_OWN = __name__.partition(".")[0]


def install_as_ftrack_api() -> None:
    """Have every later `import ftrack_api` in this process give this package.

    From then on `ftrack_api.__version__`, which is `ftrack_rs.__version__`, is the version of the
    official client that is replaced, as scripts compare it with the oldest that they support.
    Doing it again changes nothing.

    Raises:
        ImportError: If the official client has been imported already: its classes would live on
            beside those of this package, and pass none of each other's `isinstance` checks.
    """
    _refuse_official()
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    importlib.import_module(_OFFICIAL).__dict__["__version__"] = REPLACED_VERSION


def is_wanted() -> bool:
    """Return whether the environment asks for the names to be installed."""
    return os.environ.get(ENVIRONMENT_VARIABLE, "").lower() not in ("", "0", "false", "no", "off")


def _refuse_official() -> None:
    """Check that no module of the official client has been imported.

    Raises:
        ImportError: If one has been.
    """
    for name in sorted(filter(_is_official_name, sys.modules)):
        module = sys.modules[name]
        if module is sys.modules.get(_own_name(name)):
            continue
        where = getattr(module, "__file__", None) or "an unknown place"
        raise ImportError(
            f"ftrack_rs cannot be installed as ftrack_api: {name} has been imported already, from "
            f"{where}. Call ftrack_rs.install_as_ftrack_api() before anything imports ftrack_api.",
            name=name,
        )


def _is_official_name(name: str) -> bool:
    return name == _OFFICIAL or name.startswith(f"{_OFFICIAL}.")


def _own_name(name: str) -> str:
    """Return the name within this package of what is called *name* in the official client."""
    return _OWN + name[len(_OFFICIAL) :]


class _Finder:
    """Finds modules of this package under the names of the official client.

    Of no class of `importlib.abc`: importing that would take as long as all else of this package.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not _is_official_name(name) or importlib.util.find_spec(_own_name(name)) is None:
            return None
        loader: Any = self
        return importlib.machinery.ModuleSpec(name, loader)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        """Leave it to the import system to make one."""

    def exec_module(self, module: ModuleType) -> None:
        # The import system hands out what stands here afterwards. The new and empty *module* is
        # dropped, so that the real one keeps its own name and specification.
        name = module.__name__
        sys.modules[name] = importlib.import_module(_own_name(name))
