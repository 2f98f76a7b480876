"""A drop-in for ``ftrack_api`` with a native core.

    import ftrack_rs

    with ftrack_rs.Session() as session:
        for task in session.query("Task where status.name is 'In Progress'"):
            print(task["name"])

Every module can be reached as an attribute of this one; those that are not needed for that are
loaded when they are first looked at.
"""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

from ftrack_rs._core import IS_DEBUG_BUILD
from ftrack_rs._core import VERSION as __version__
from ftrack_rs.drop_in import install_as_ftrack_api
from ftrack_rs.drop_in import is_wanted as _is_drop_in_wanted
from ftrack_rs.lazy import submodules
from ftrack_rs.mixin import mixin

if TYPE_CHECKING:
    from ftrack_rs.session import Session
    from ftrack_rs.transfer import Transfer

# Besides the names of this package those that `from ftrack_api import *` gives, modules included.
__all__ = [
    "Session",
    "Transfer",
    "__version__",
    "accessor",
    "attribute",
    "cache",
    "collection",
    "data",
    "entity",
    "event",
    "exception",
    "inspection",
    "install_as_ftrack_api",
    "logging",
    "mixin",
    "operation",
    "plugin",
    "query",
    "session",
    "structure",
    "symbol",
]

_MODULES = (
    "_centralized_storage_scenario",
    "accessor",
    "attribute",
    "cache",
    "collection",
    "data",
    "entity",
    "event",
    "exception",
    "inspection",
    "logging",
    "operation",
    "plugin",
    "publish",
    "query",
    "resource_identifier_transformer",
    "sandbox",
    "session",
    "structure",
    "symbol",
    "transfer",
)
_load = submodules(__name__, *_MODULES)

if IS_DEBUG_BUILD and not os.environ.get("FTRACK_RS_ALLOW_DEBUG"):
    warnings.warn(
        "This is a debug build of ftrack-rs, which is many times slower than a release.",
        RuntimeWarning,
        stacklevel=2,
    )


def __getattr__(name: str) -> Any:
    if name == "Session":
        from ftrack_rs.session import Session

        return Session
    if name == "Transfer":
        from ftrack_rs.transfer import Transfer

        return Transfer
    return _load(name)


def __dir__() -> list[str]:
    special = (name for name in globals() if name.startswith("__"))
    return sorted({*special, *__all__, *_MODULES})


if _is_drop_in_wanted():
    install_as_ftrack_api()
