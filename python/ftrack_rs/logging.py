"""Log messages that cost nothing unless they are written, and warnings of deprecated calls."""

from __future__ import annotations

import functools
import warnings
from typing import Any, Callable, TypeVar

_Function = TypeVar("_Function", bound=Callable[..., Any])


class LazyLogMessage:
    """A message that is formatted when a handler writes it, and not before.

    Example:
        >>> str(LazyLogMessage("Connected to {0}.", "ftrack"))
        'Connected to ftrack.'
    """

    def __init__(self, message: str, *args: Any, **kwargs: Any) -> None:
        """Initialise with a template in the syntax of ``str.format`` and its arguments."""
        self.message = message
        self.args = args
        self.kwargs = kwargs

    def __str__(self) -> str:
        """Return the formatted message; a message without arguments is taken literally."""
        if not self.args and not self.kwargs:
            return self.message
        return self.message.format(*self.args, **self.kwargs)


def deprecation_warning(message: str) -> Callable[[_Function], _Function]:
    """Return a decorator that warns with *message* whenever the function is called."""

    def decorate(function: _Function) -> _Function:
        @functools.wraps(function)
        def warn_and_call(*args: Any, **kwargs: Any) -> Any:
            warnings.warn(message, PendingDeprecationWarning, stacklevel=2)
            return function(*args, **kwargs)

        return warn_and_call  # type: ignore[return-value]

    return decorate
