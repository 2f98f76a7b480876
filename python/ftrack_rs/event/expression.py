"""The expressions that subscriptions and event targets are written in.

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

import re
from collections.abc import Callable, Mapping, Sequence
from operator import eq, ge, gt, le, lt, ne
from typing import Any as AnyValue
from typing import NoReturn

from ftrack_rs.exception import ParseError

_OPERATORS: dict[str, Callable[[AnyValue, AnyValue], AnyValue]] = {
    "=": eq,
    "!=": ne,
    ">=": ge,
    "<=": le,
    ">": gt,
    "<": lt,
}
_SYMBOLS = {function: symbol for symbol, function in _OPERATORS.items()}

_CONDITION = re.compile(
    r"""\s*(?P<key>[A-Za-z0-9_.]+)
        \s*(?P<operator>!=|>=|<=|=|>|<)
        \s*(?P<value>"(?:[^"\\\r\n]|""|\\.)*"
                    |'(?:[^'\\\r\n]|''|\\.)*'
                    |[-A-Za-z0-9_,./*@+]+)""",
    re.VERBOSE,
)
_AND = re.compile(r"\s*and(?![A-Za-z0-9_$])", re.IGNORECASE)
_OR = re.compile(r"\s*or(?![A-Za-z0-9_$])", re.IGNORECASE)
_NOT = re.compile(r"\s*not(?![A-Za-z0-9_$])", re.IGNORECASE)
_OPEN = re.compile(r"\s*\(")
_CLOSE = re.compile(r"\s*\)")
_END = re.compile(r"\s*\Z")

# Far more than anybody writes, and far less than the interpreter can recurse.
_MAXIMUM_DEPTH = 100


class Parser:
    """Turns text into an :class:`Expression`. One parser may be used by several threads."""

    def parse(self, expression: str) -> Expression:
        """Return the parsed *expression*.

        Raises:
            ParseError: If *expression* does not follow the grammar.
        """
        return _Parsing(expression).whole()


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


class _Parsing:
    """The way through one text, from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._depth = 0

    def whole(self) -> Expression:
        expression = self._either()
        if not _END.match(self._text, self._position):
            self._fail('"and", "or" or the end')
        return expression

    def _either(self) -> Expression:
        expressions = [self._both()]
        while self._take(_OR):
            expressions.append(self._both())
        return expressions[0] if len(expressions) == 1 else Any(expressions)

    def _both(self) -> Expression:
        expressions = [self._negated()]
        while self._take(_AND):
            expressions.append(self._negated())
        return expressions[0] if len(expressions) == 1 else All(expressions)

    def _negated(self) -> Expression:
        # First, since a key may be called "not".
        condition = self._take(_CONDITION)
        if condition:
            return _condition(condition)
        self._depth += 1
        if self._depth > _MAXIMUM_DEPTH:
            self._fail(f"at most {_MAXIMUM_DEPTH} nested expressions")
        if self._take(_NOT):
            expression: Expression = Not(self._negated())
        elif self._take(_OPEN):
            expression = self._either()
            if not self._take(_CLOSE):
                self._fail('")"')
        else:
            self._fail('a condition such as "topic=ftrack.update"')
        self._depth -= 1
        return expression

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self._text, self._position)
        if match:
            self._position = match.end()
        return match

    def _fail(self, expected: str) -> NoReturn:
        raise ParseError(
            "Failed to parse {expression!r}: expected {expected} at character {position}.",
            {"expression": self._text, "expected": expected, "position": self._position},
        )


def _condition(match: re.Match[str]) -> Condition:
    value = match.group("value")
    if value[0] in "\"'":
        value = value[1:-1]
    return Condition(match.group("key"), _OPERATORS[match.group("operator")], value)
