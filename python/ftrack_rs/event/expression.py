"""The expressions that subscriptions and event targets are written in.

Text is parsed, and tested against events, by native code, which the embedded server uses as well.
The classes here show what a text means, and stand for expressions that are made by hand, whose
operators and values may be anything.

Grammar, keywords in any case, spaces allowed everywhere between the words::

    either    := both ("or" both)*
    both      := negated ("and" negated)*
    negated   := "not" negated | "(" either ")" | condition
    condition := key operator value
    key       := letters, digits, "_" and "."
    operator  := "=" | "!=" | ">=" | "<=" | ">" | "<"
    value     := letters, digits and any of -_,./*@+ | text in single or double quotes

Conditions compare with the operators of Python on whatever objects the event holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import eq, ge, gt, le, lt, ne
from typing import Any as AnyValue

from ftrack_rs._core import EventExpression

_OPERATORS: dict[str, Callable[[AnyValue, AnyValue], AnyValue]] = {
    "=": eq,
    "!=": ne,
    ">=": ge,
    "<=": le,
    ">": gt,
    "<": lt,
}
_SYMBOLS = {function: symbol for symbol, function in _OPERATORS.items()}


class Parser:
    """Turns text into an :class:`Expression`. One parser may be used by several threads."""

    def parse(self, expression: str) -> Expression:
        """Return the parsed *expression*.

        Raises:
            ParseError: If *expression* does not follow the grammar.
        """
        return _build(EventExpression(expression).tree())


class Expression:
    """Base of all expressions; matches everything."""

    def __str__(self) -> str:
        """Return the class."""
        return f"<{type(self).__name__}>"

    def match(self, candidate: Mapping[str, AnyValue]) -> bool:
        """Return whether *candidate* satisfies the expression."""
        return True


class _Group(Expression):
    """Base of expressions made of several others."""

    def __init__(self, expressions: Sequence[Expression] | None = None) -> None:
        """Initialise with the *expressions* in the group."""
        self._expressions = expressions or []

    def __str__(self) -> str:
        """Return the class and the expressions in the group."""
        return f"<{type(self).__name__} [{' '.join(map(str, self._expressions))}]>"


class All(_Group):
    """Matches what all of its expressions match; without any, everything."""

    def match(self, candidate: Mapping[str, AnyValue]) -> bool:
        """Return whether *candidate* satisfies all of the expressions."""
        return all(expression.match(candidate) for expression in self._expressions)


class Any(_Group):
    """Matches what at least one of its expressions matches; without any, nothing."""

    def match(self, candidate: Mapping[str, AnyValue]) -> bool:
        """Return whether *candidate* satisfies one of the expressions."""
        return any(expression.match(candidate) for expression in self._expressions)


class Not(Expression):
    """Matches what its expression does not match."""

    def __init__(self, expression: Expression) -> None:
        """Initialise with the *expression* to negate."""
        self._expression = expression

    def __str__(self) -> str:
        """Return the class and the negated expression."""
        return f"<{type(self).__name__} {self._expression}>"

    def match(self, candidate: Mapping[str, AnyValue]) -> bool:
        """Return whether *candidate* does not satisfy the expression."""
        return not self._expression.match(candidate)


class Condition(Expression):
    """Compares one value of the candidate."""

    def __init__(
        self, key: str, operator: Callable[[AnyValue, AnyValue], AnyValue], value: AnyValue
    ) -> None:
        """Initialise the condition.

        Args:
            key: Where the value is; dots lead into nested mappings, as in ``data.version``.
            operator: Called with the value found and *value*.
            value: What to compare with. Text that ends with ``*``, compared for equality, matches
                every value that contains the text before it.
        """
        self._key = key
        self._operator = operator
        self._value = value
        self._path = key.split(".")
        if operator is eq and isinstance(value, str) and value.endswith("*"):
            self._test: Callable[[AnyValue], AnyValue] = self._contains
        else:
            self._test = self._compare

    def __str__(self) -> str:
        """Return the class and the condition."""
        symbol = _SYMBOLS.get(self._operator, self._operator)
        return f"<{type(self).__name__} {self._key}{symbol}{self._value}>"

    def match(self, candidate: Mapping[str, AnyValue]) -> bool:
        """Return whether *candidate* satisfies the condition.

        A candidate without the key does not, nor does one whose value cannot be compared.
        """
        value: AnyValue = candidate
        try:
            for key in self._path:
                value = value[key]
            return bool(self._test(value))
        except (KeyError, TypeError):
            return False

    def _contains(self, value: AnyValue) -> bool:
        return self._value[:-1] in value

    def _compare(self, value: AnyValue) -> AnyValue:
        return self._operator(value, self._value)


def _build(tree: tuple[AnyValue, ...]) -> Expression:
    """Return the expression that a syntax tree of native code stands for."""
    if len(tree) == 3:
        key, symbol, value = tree
        return Condition(key, _OPERATORS[symbol], value)
    name, operands = tree
    if name == "not":
        return Not(_build(operands))
    group = All if name == "all" else Any
    return group([_build(operand) for operand in operands])
