"""Modules of a package that are loaded when they are first looked at.

Scripts reach every module as an attribute of its package without importing it, yet importing the
package alone has to stay quick.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType


def submodules(package: str, *names: str) -> Callable[[str], ModuleType]:
    """Return a `__getattr__` for *package* that loads the modules called *names*."""

    def load(name: str) -> ModuleType:
        if name in names:
            return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return load
