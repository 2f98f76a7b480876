"""Finds Python files in folders and calls their ``register`` function.

A plugin is a module with a function ``register``. It is given as many of the arguments on offer as
its signature has room for, so that one that takes only the session stays valid when more are added.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

_logger = logging.getLogger("ftrack_api.plugin.discover")


def discover(
    paths: Iterable[str],
    positional_arguments: Sequence[Any] | None = None,
    keyword_arguments: Mapping[str, Any] | None = None,
) -> None:
    """Load every plugin below *paths* and register it.

    A file that cannot be loaded, or has no ``register``, is logged as a warning and passed over. An
    error raised by ``register`` itself goes to the caller.

    Args:
        paths: Folders, searched with everything below them; empty ones are passed over.
        positional_arguments: What ``register`` is called with, by position.
        keyword_arguments: What ``register`` is called with, by name.
    """
    for filename in _python_files(paths):
        register = _load_register(filename)
        if register is None:
            continue
        args, kwargs = _accepted(register, positional_arguments or [], keyword_arguments or {})
        if len(args) < len(positional_arguments or []) or len(kwargs) < len(
            keyword_arguments or {}
        ):
            _logger.warning(
                'Plugin "%s" does not take every argument; those its register function does not '
                "take were left out.",
                filename,
            )
        register(*args, **kwargs)


def load_source(modname: str, filename: str) -> ModuleType:
    """Return the module made by running the file *filename* under the name *modname*.

    Raises:
        Exception: Whatever the file raises while it runs.
    """
    from importlib.machinery import SourceFileLoader
    from importlib.util import module_from_spec, spec_from_loader

    loader = SourceFileLoader(modname, filename)
    spec = spec_from_loader(modname, loader)
    if spec is None:
        raise ImportError(f'"{filename}" cannot be loaded as a module.')
    module = module_from_spec(spec)
    # Dataclasses and pickle look a module up by name, also while it is being run.
    sys.modules[modname] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[modname]
        raise
    return module


def _python_files(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        # An empty path would be the current folder, which nobody asked for.
        if not path.strip():
            continue
        for base, directories, filenames in os.walk(path.strip()):
            directories.sort()
            for filename in sorted(filenames):
                if filename.endswith(".py"):
                    yield os.path.join(base, filename)


def _load_register(filename: str) -> Callable[..., Any] | None:
    import uuid

    try:
        module = load_source(uuid.uuid4().hex, filename)
    except Exception as error:
        _logger.warning('Failed to load plugin from "%s": %s', filename, error)
        _logger.debug("Traceback of the failed plugin:", exc_info=True)
        return None
    register: Callable[..., Any] | None = getattr(module, "register", None)
    if register is None:
        _logger.warning('Plugin "%s" has no "register" function.', filename)
    return register


def _accepted(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Sequence[Any], dict[str, Any]]:
    """Return those of *args* and *kwargs* that the signature of *function* has room for."""
    import inspect

    parameters = inspect.signature(function).parameters.values()
    kinds = {parameter.kind for parameter in parameters}
    positional = [
        parameter
        for parameter in parameters
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    taken = {parameter.name for parameter in positional[: len(args)]}
    by_name = {
        parameter.name
        for parameter in parameters
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    if inspect.Parameter.VAR_POSITIONAL not in kinds:
        args = args[: len(positional)]
    open_ended = inspect.Parameter.VAR_KEYWORD in kinds
    return args, {
        name: value
        for name, value in kwargs.items()
        if name not in taken and (open_ended or name in by_name)
    }
