"""The programs, by name.

A program is a function of a :class:`context.Context`; what it returns, what it notes by the way,
what it raises and what it writes to the server is compared. A family is a list of expressions,
each of which is a program of its own.
"""

from __future__ import annotations

PROGRAMS = {}


def program(function):
    """Register *function* as a program under its own name, after that of its module."""
    _add(f"{_module_of(function)}.{function.__name__}", function)
    return function


def family(*expressions):
    """Register a program for each of *expressions*.

    The decorated function takes a context and returns the names that an expression can use.
    """

    def register(function):
        for expression in expressions:
            name = f"{_module_of(function)}.{function.__name__}[{expression}]"
            _add(name, _Evaluation(function, expression))
        return function

    return register


def cases(*arguments):
    """Register a program for each of *arguments*, which the decorated function takes second."""

    def register(function):
        for number, argument in enumerate(arguments):
            label = argument if isinstance(argument, str) and len(argument) < 90 else number
            name = f"{_module_of(function)}.{function.__name__}[{label}]"
            _add(name, _Case(function, argument))
        return function

    return register


class _Evaluation:
    def __init__(self, names, expression):
        self._names = names
        self._expression = expression

    def __call__(self, t):
        names = {"api": t.api, "NOT_SET": t.api.symbol.NOT_SET, **self._names(t)}
        return eval(self._expression, names)


class _Case:
    def __init__(self, function, argument):
        self._function = function
        self._argument = argument

    def __call__(self, t):
        return self._function(t, self._argument)


def _module_of(function):
    return function.__module__.rpartition(".")[2]


def _add(name, function):
    if name in PROGRAMS:
        raise ValueError(f"there are two programs {name}")
    PROGRAMS[name] = function
