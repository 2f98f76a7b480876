"""Log messages are formatted when they are written."""

from __future__ import annotations

from typing import Any

import pytest

from ftrack_rs.logging import LazyLogMessage, deprecation_warning


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (LazyLogMessage("{0} of {count}", 1, count=2), "1 of 2"),
        (LazyLogMessage('Received {"a": 1}'), 'Received {"a": 1}'),
    ],
)
def test_text(message: LazyLogMessage, text: str) -> None:
    assert str(message) == text


def test_nothing_is_formatted_before_it_is_needed() -> None:
    class Unprintable:
        def __str__(self) -> str:
            raise AssertionError("formatted")

    LazyLogMessage("{0}", Unprintable())


def test_deprecated_function_warns_and_works() -> None:
    @deprecation_warning("Use total instead.")
    def add(*numbers: int, **more: Any) -> int:
        """Add."""
        return sum(numbers)

    with pytest.warns(PendingDeprecationWarning, match="total") as caught:
        assert add(1, 2) == 3
    assert caught[0].filename == __file__
    assert (add.__name__, add.__doc__) == ("add", "Add.")
