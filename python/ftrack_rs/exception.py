"""The errors of the client, under the names of ``ftrack_api.exception``.

Every error derives from :class:`Error`, so one ``except`` clause catches all of them::

    Error, based on Exception
    ├── AuthenticationError
    ├── ServerError
    │   ├── AnswerLostError
    │   └── ServerCompatibilityError
    ├── NotFoundError
    ├── NotUniqueError
    ├── IncorrectResultError
    │   ├── NoResultFoundError
    │   └── MultipleResultsFoundError
    ├── EntityTypeError
    │   └── UnrecognisedEntityTypeError
    ├── OperationError
    ├── InvalidStateError
    │   └── InvalidStateTransitionError
    ├── AttributeError
    │   └── ImmutableAttributeError
    ├── CollectionError
    │   ├── ImmutableCollectionError
    │   └── DuplicateItemInCollectionError
    ├── ParseError
    ├── EventHubError
    │   ├── EventHubConnectionError
    │   └── EventHubPacketError
    ├── PermissionDeniedError
    ├── LocationError
    │   ├── ComponentNotInAnyLocationError
    │   ├── ComponentNotInLocationError
    │   ├── ComponentInLocationError
    │   └── PreflightError
    ├── AccessorError
    │   ├── AccessorOperationFailedError
    │   │   ├── AccessorUnsupportedOperationError
    │   │   └── AccessorPermissionDeniedError
    │   ├── AccessorResourceIdentifierError
    │   │   └── AccessorFilesystemPathError
    │   └── AccessorResourceError
    │       ├── AccessorResourceNotFoundError
    │       ├── AccessorParentResourceNotFoundError
    │       ├── AccessorResourceInvalidError
    │       └── AccessorContainerNotEmptyError
    ├── StructureError
    ├── ConnectionClosedError
    └── PublishError
        └── PublishConflictError
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Iterable, Mapping
from typing import Any, Optional

Details = Optional[Mapping[str, Any]]

# A replacement field whose name is an identifier: {name}, {name.attribute!r}, {name[key]:>8}.
_FIELD = re.compile(r"\{(?P<name>[A-Za-z_]\w*)[^{}]*\}")


class Error(Exception):
    """Base of all errors raised by the client.

    Attributes:
        message: Text, or template whose ``{fields}`` are filled in from *details*.
        details: What the error is about, by name.
        traceback: The traceback of the error being handled when this one was made.
    """

    default_message = "Unspecified error occurred."

    def __init__(self, message: str | None = None, details: Details = None) -> None:
        """Initialise the error.

        Args:
            message: Text or template; the class' ``default_message`` if None.
            details: Values for the template, and context for whoever handles the error.
        """
        self.message = self.default_message if message is None else message
        self.details: dict[str, Any] = dict(details or {})
        self.traceback = _current_traceback()

    def __str__(self) -> str:
        """Return the message with the details filled in; never raises."""
        return _fill(str(self.message), self.details)


def _current_traceback() -> str:
    """Return the traceback of the error that is being handled."""
    # Most errors are made while none is handled, and formatting even that costs more than the rest.
    return traceback.format_exc() if sys.exc_info()[0] else "NoneType: None\n"


def _fill(template: str, details: Mapping[str, Any]) -> str:
    """Return *template* with fields replaced by *details*.

    A message often quotes the server or a user, whose text may hold braces of its own. What cannot
    be formatted as a whole is therefore filled in field by field; foreign braces are left alone.
    """
    try:
        return template.format(**details)
    except Exception:
        return _FIELD.sub(lambda field: _fill_field(field, details), template)


def _fill_field(field: re.Match[str], details: Mapping[str, Any]) -> str:
    text = field.group()
    if field.group("name") not in details:
        return text
    try:
        return text.format(**details)
    except Exception:
        return text


def _about(kw: Mapping[str, Any], **subject: Any) -> dict[str, Any]:
    """Return *kw*, arguments of :class:`Error`, with *subject* added to the details."""
    return {**kw, "details": {**(kw.get("details") or {}), **subject}}


class AuthenticationError(Error):
    """Raised when the server refuses the user or the key."""

    default_message = "Authentication error."


class ServerError(Error):
    """Raised when the server answers with an error."""

    default_message = "Server reported error processing request."


class AnswerLostError(ServerError):
    """Raised when changes were sent and the server's answer never arrived.

    ``details["applied"]`` is False if the server has been found not to hold the changes, and None
    if nobody can tell.
    """

    default_message = "The answer of the server was lost."


class ServerCompatibilityError(ServerError):
    """Raised when the server is too old, or no ftrack server."""

    default_message = "Server incompatible."


class NotFoundError(Error):
    """Raised when something that has to exist does not."""

    default_message = "Not found."


class NotUniqueError(Error):
    """Raised when a value that has to be unique is taken already."""

    default_message = "Non-unique value detected."


class IncorrectResultError(Error):
    """Raised when a query gives another number of results than was asked for."""

    default_message = "Incorrect result detected."


class NoResultFoundError(IncorrectResultError):
    """Raised when a query that has to give a result gives none."""

    default_message = "Expected result, but no result was found."


class MultipleResultsFoundError(IncorrectResultError):
    """Raised when a query that has to give one result gives several."""

    default_message = "Expected single result, but received multiple results."


class EntityTypeError(Error):
    """Raised when something is wrong with an entity type."""

    default_message = "Entity type error."


class UnrecognisedEntityTypeError(EntityTypeError):
    """Raised when no entity type of that name exists on the server."""

    default_message = 'Entity type "{entity_type}" not recognised.'

    def __init__(self, entity_type: object, **kw: Any) -> None:
        """Initialise with the unknown *entity_type*."""
        super().__init__(**_about(kw, entity_type=entity_type))


class OperationError(Error):
    """Raised when a recorded operation cannot be carried out."""

    default_message = "Operation error."


class InvalidStateError(Error):
    """Raised when something is in a state that does not allow what was asked for."""

    default_message = "Invalid state."


class InvalidStateTransitionError(InvalidStateError):
    """Raised when an entity cannot go from one state to another."""

    default_message = (
        "Invalid transition from {current_state!r} to {target_state!r} state for entity {entity!r}"
    )

    def __init__(
        self, current_state: object, target_state: object, entity: object, **kw: Any
    ) -> None:
        """Initialise with both states and the *entity*."""
        transition = {
            "current_state": current_state,
            "target_state": target_state,
            "entity": entity,
        }
        super().__init__(**_about(kw, **transition))


class AttributeError(Error):
    """Raised when something is wrong with an attribute of an entity.

    Not related to the builtin of the same name, so that ``hasattr`` does not swallow it.
    """

    default_message = "Attribute error."


class ImmutableAttributeError(AttributeError):
    """Raised when a read-only attribute is set."""

    default_message = "Cannot modify value of immutable {attribute.name!r} attribute."

    def __init__(self, attribute: object, **kw: Any) -> None:
        """Initialise with the read-only *attribute*."""
        super().__init__(**_about(kw, attribute=attribute))


class CollectionError(Error):
    """Raised when something is wrong with a collection."""

    default_message = "Collection error."

    def __init__(self, collection: object, **kw: Any) -> None:
        """Initialise with the *collection*."""
        super().__init__(**_about(kw, collection=collection))


class ImmutableCollectionError(CollectionError):
    """Raised when a read-only collection is changed."""

    default_message = "Cannot modify value of immutable collection {collection!r}."


class DuplicateItemInCollectionError(CollectionError):
    """Raised when an item is added to a collection that holds it already."""

    default_message = "Item {item!r} already exists in collection {collection!r}."

    def __init__(self, item: object, collection: object, **kw: Any) -> None:
        """Initialise with the *item* and the *collection* that holds it."""
        super().__init__(collection, **_about(kw, item=item))


class ParseError(Error):
    """Raised when an expression cannot be parsed."""

    default_message = "Failed to parse."


class EventHubError(Error):
    """Raised when something is wrong with the event hub."""

    default_message = "Event hub error occurred."


class EventHubConnectionError(EventHubError):
    """Raised when the event hub needs a connection and has none."""

    default_message = "Event hub is not connected."


class EventHubPacketError(EventHubError):
    """Raised when the event server sends a packet that makes no sense."""

    default_message = "Invalid packet."


class PermissionDeniedError(Error):
    """Raised when the user may not do what was asked for."""

    default_message = "Permission denied."


class LocationError(Error):
    """Base of the errors of locations."""

    default_message = "Unspecified location error"


class ComponentNotInAnyLocationError(LocationError):
    """Raised when a component is in no location at all."""

    default_message = "Component not available in any location."


class _ComponentsLocationError(LocationError):
    """Base of the errors about components and one location."""

    def __init__(self, components: Any, location: object, **kw: Any) -> None:
        """Initialise with one or several *components* and the *location*."""
        listed = _listed(components)
        subject = {
            "components": listed,
            "formatted_components": ", ".join(str(component) for component in listed),
            "location": location,
        }
        super().__init__(**_about(kw, **subject))


def _listed(components: Any) -> list[Any]:
    """Return *components* as a list; an entity, being a mapping, counts as one component."""
    if isinstance(components, Mapping) or not isinstance(components, Iterable):
        return [components]
    return list(components)


class ComponentNotInLocationError(_ComponentsLocationError):
    """Raised when components are not in the location."""

    default_message = "Component(s) {formatted_components} not found in location {location}."


class ComponentInLocationError(_ComponentsLocationError):
    """Raised when components are in the location already."""

    default_message = "Component(s) {formatted_components} already exist in location {location}."


class PreflightError(LocationError):
    """Raised before anything moves when frames of a sequence are missing or empty.

    Paths of all of them stand in ``details["missing"]`` and ``details["empty"]``.
    """

    default_message = "Sequence is not complete."


class AccessorError(Error):
    """Base of the errors of accessors."""

    default_message = "Unspecified accessor error"


class AccessorOperationFailedError(AccessorError):
    """Raised when an operation of an accessor fails."""

    default_message = "Operation {operation} failed: {error}"

    def __init__(
        self,
        operation: str = "",
        resource_identifier: str | None = None,
        error: object = None,
        **kw: Any,
    ) -> None:
        """Initialise with the *operation*, what it was done to, and the *error* it met."""
        super().__init__(
            **_about(kw, operation=operation, resource_identifier=resource_identifier, error=error)
        )


class TransferCancelledError(AccessorOperationFailedError):
    """Raised when a transfer was stopped with :meth:`ftrack_rs.Transfer.cancel`."""


class AccessorUnsupportedOperationError(AccessorOperationFailedError):
    """Raised when an accessor has no such operation."""

    default_message = "Operation {operation} unsupported."


class AccessorPermissionDeniedError(AccessorOperationFailedError):
    """Raised when the storage denies the operation."""

    default_message = "Cannot {operation} {resource_identifier}. Permission denied."


class AccessorResourceIdentifierError(AccessorError):
    """Raised when a resource identifier is not valid for the accessor."""

    default_message = "Resource identifier is invalid: {resource_identifier}."

    def __init__(self, resource_identifier: str | None, **kw: Any) -> None:
        """Initialise with the invalid *resource_identifier*."""
        super().__init__(**_about(kw, resource_identifier=resource_identifier))


class AccessorFilesystemPathError(AccessorResourceIdentifierError):
    """Raised when a resource identifier has no filesystem path in the accessor."""

    default_message = (
        "Could not determine filesystem path from resource identifier: {resource_identifier}."
    )


class AccessorResourceError(AccessorError):
    """Base of the errors about one resource."""

    default_message = "Unspecified resource error: {resource_identifier}"

    def __init__(
        self,
        operation: str = "",
        resource_identifier: str | None = None,
        error: object = None,
        **kw: Any,
    ) -> None:
        """Initialise with the *operation*, what it was done to, and the *error* it met."""
        super().__init__(
            **_about(kw, operation=operation, resource_identifier=resource_identifier, error=error)
        )


class AccessorResourceNotFoundError(AccessorResourceError):
    """Raised when the resource does not exist."""

    default_message = "Resource not found: {resource_identifier}"


class AccessorParentResourceNotFoundError(AccessorResourceError):
    """Raised when the container of the resource does not exist."""

    default_message = "Parent resource is missing: {resource_identifier}"


class AccessorResourceInvalidError(AccessorResourceError):
    """Raised when the resource is of the wrong kind, such as a file in place of a container."""

    default_message = "Resource invalid: {resource_identifier}"


class AccessorContainerNotEmptyError(AccessorResourceError):
    """Raised when a container has to be empty and is not."""

    default_message = "Container is not empty: {resource_identifier}"


class StructureError(Error):
    """Raised when a structure cannot give a resource identifier."""

    default_message = "Unspecified structure error"


class ConnectionClosedError(Error):
    """Raised when a closed session is used."""

    default_message = "Connection closed."


class PublishError(Error):
    """Raised when a publish fails. Nothing of it is visible then, unless the text says otherwise.

    `details["nodes"]` holds how far each part of it came, as `node`, `state` and perhaps `message`.
    `details["is_published"]` is False if nothing of it is published, True if everything is all the
    same, as when media cannot be encoded, and None if nobody knows.
    """

    default_message = "The publish failed."


class PublishConflictError(PublishError):
    """Raised when a publish cannot be done as it is described.

    `details["conflicts"]` holds the node, the kind and the message of each conflict.
    """

    default_message = "The publish cannot be done."
