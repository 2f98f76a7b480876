"""The interface of resource identifier transformers; this one changes nothing."""

from __future__ import annotations

from typing import Any


class ResourceIdentifierTransformer:
    """Changes resource identifiers between what is stored centrally and what is used locally.

    What an accessor makes of an identifier is another matter: a transformer changes what every user
    of the location sees, for example by taking a path apart into named values to store.

    Attributes:
        session: The session of the location.
    """

    def __init__(self, session: Any) -> None:
        """Initialise with the *session* of the location."""
        self.session = session

    def encode(self, resource_identifier: str, context: dict[str, Any] | None = None) -> str:
        """Return *resource_identifier* as it is to be stored centrally.

        Args:
            resource_identifier: As used locally.
            context: What it belongs to, such as the component.
        """
        return resource_identifier

    def decode(self, resource_identifier: str, context: dict[str, Any] | None = None) -> str:
        """Return *resource_identifier* as it is to be used locally.

        Args:
            resource_identifier: As stored centrally.
            context: What it belongs to, such as the component.
        """
        return resource_identifier
