"""Messages never fail to print, and say what the error is about."""

from __future__ import annotations

import builtins
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftrack_rs import exception


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (exception.Error(), "Unspecified error occurred."),
        (exception.Error("Something else."), "Something else."),
        (exception.Error("{a} and {b!r}", {"a": 1, "b": "x"}), "1 and 'x'"),
        (exception.ServerError(), "Server reported error processing request."),
        (exception.UnrecognisedEntityTypeError("Foo"), 'Entity type "Foo" not recognised.'),
        (
            exception.InvalidStateTransitionError("created", "deleted", "task"),
            "Invalid transition from 'created' to 'deleted' state for entity 'task'",
        ),
        (
            exception.ImmutableAttributeError(SimpleNamespace(name="id")),
            "Cannot modify value of immutable 'id' attribute.",
        ),
        (
            exception.ImmutableCollectionError(["a"]),
            "Cannot modify value of immutable collection ['a'].",
        ),
        (
            exception.DuplicateItemInCollectionError("a", ["a"]),
            "Item 'a' already exists in collection ['a'].",
        ),
        (
            exception.ComponentNotInLocationError(["a", "b"], "disk"),
            "Component(s) a, b not found in location disk.",
        ),
        (
            exception.ComponentInLocationError(("a",), "disk"),
            "Component(s) a already exist in location disk.",
        ),
        (
            exception.AccessorOperationFailedError("open", "a.exr", OSError("disk full")),
            "Operation open failed: disk full",
        ),
        (exception.AccessorUnsupportedOperationError("get_url"), "Operation get_url unsupported."),
        (
            exception.AccessorPermissionDeniedError("open", "a.exr"),
            "Cannot open a.exr. Permission denied.",
        ),
        (
            exception.AccessorResourceIdentifierError("a.exr"),
            "Resource identifier is invalid: a.exr.",
        ),
        (
            exception.AccessorResourceNotFoundError(resource_identifier="a.exr"),
            "Resource not found: a.exr",
        ),
    ],
)
def test_text(error: exception.Error, text: str) -> None:
    assert str(error) == text


@pytest.mark.parametrize(
    ("message", "details", "text"),
    [
        ('{"exception": "Key{Error}"}', None, '{"exception": "Key{Error}"}'),
        ("lonely } and {", None, "lonely } and {"),
        ("{}", {"a": 1}, "{}"),
        ("{0} of {name}", {"name": "x"}, "{0} of x"),
        ("{unknown} {name!r} {name.missing}", {"name": "x"}, "{unknown} 'x' {name.missing}"),
        ("{name}", {"name": "{name}"}, "{name}"),
        ("{count:03d}", {"count": 7}, "007"),
    ],
)
def test_braces_of_others_are_left_alone(message: str, details: Any, text: str) -> None:
    assert str(exception.Error(message, details)) == text


@given(st.text(alphabet='{}a!:.["', max_size=30), st.dictionaries(st.just("a"), st.text()))
def test_printing_never_raises(message: str, details: dict[str, str]) -> None:
    str(exception.Error(message, details))


def test_details_given_by_the_caller_are_kept_and_not_changed() -> None:
    details = {"hint": "spelling"}
    error = exception.UnrecognisedEntityTypeError("Foo", details=details)
    assert error.details == {"hint": "spelling", "entity_type": "Foo"}
    assert details == {"hint": "spelling"}


def test_message_replaces_the_default() -> None:
    error = exception.AccessorFilesystemPathError("a", message="No {resource_identifier}!")
    assert (error.message, str(error)) == ("No {resource_identifier}!", "No a!")


def test_arguments_are_those_given() -> None:
    assert exception.ServerError("text").args == ("text",)


def test_traceback_is_that_of_the_error_being_handled() -> None:
    try:
        raise ZeroDivisionError("by zero")
    except ZeroDivisionError:
        assert "ZeroDivisionError: by zero" in exception.Error().traceback


@pytest.mark.parametrize("kind", [dict, None])
def test_a_single_component_may_be_given(kind: Any) -> None:
    component = {"id": "1"} if kind else object()
    error = exception.ComponentNotInLocationError(component, "disk")
    assert error.details["components"] == [component]


def test_components_may_come_from_a_generator() -> None:
    error = exception.ComponentNotInLocationError((name for name in "ab"), "disk")
    assert error.details["components"] == ["a", "b"]
    assert error.details["formatted_components"] == "a, b"


@pytest.mark.parametrize(
    ("kind", "base"),
    [
        (exception.ServerCompatibilityError, exception.ServerError),
        (exception.NoResultFoundError, exception.IncorrectResultError),
        (exception.MultipleResultsFoundError, exception.IncorrectResultError),
        (exception.EventHubConnectionError, exception.EventHubError),
        (exception.AccessorPermissionDeniedError, exception.AccessorOperationFailedError),
        (exception.AccessorFilesystemPathError, exception.AccessorResourceIdentifierError),
        (exception.AccessorContainerNotEmptyError, exception.AccessorResourceError),
        (exception.ComponentInLocationError, exception.LocationError),
    ],
)
def test_hierarchy(kind: type, base: type) -> None:
    assert issubclass(kind, base)
    assert issubclass(base, exception.Error)


def test_attribute_error_is_not_the_builtin() -> None:
    assert not issubclass(exception.AttributeError, builtins.AttributeError)
