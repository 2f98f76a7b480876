"""Notes, and entities that take them."""

from __future__ import annotations

import warnings
from typing import Any

from ftrack_rs.entity.base import Entity


class Note(Entity):
    """A note."""

    def create_reply(self, content: str, author: Any) -> Any:
        """Return a new reply to this note, not committed yet.

        Args:
            content: The text.
            author: The user who writes it.
        """
        reply = self.session.create("Note", {"author": author, "content": content})
        self["replies"].append(reply)
        return reply


class CreateNoteMixin:
    """Entities that take notes."""

    session: Any

    def create_note(
        self,
        content: str,
        author: Any,
        recipients: Any = None,
        category: Any = None,
        labels: Any = None,
    ) -> Any:
        """Return a new note on this entity, not committed yet.

        Args:
            content: The text.
            author: The user who writes it.
            recipients: Users and groups to notify.
            category: A note category; deprecated in favour of *labels*.
            labels: Note labels.

        Raises:
            ValueError: If both *category* and *labels* are given, or the server knows no labels.
        """
        session = self.session
        has_labels = "NoteLabel" in session.types
        data = {"content": content, "author": author}
        labels = list(labels or ())
        if labels and not has_labels:
            raise ValueError("NoteLabel is not supported by the current server version.")
        if category and labels:
            raise ValueError("Both category and labels cannot be set at the same time.")
        if category and has_labels:
            warnings.warn(
                "category argument will be removed in an upcoming version, please use labels "
                "instead.",
                PendingDeprecationWarning,
                stacklevel=2,
            )
            labels = [category]
        elif category:
            data["category_id"] = category["id"]
        note = session.create("Note", data)
        self["notes"].append(note)  # type: ignore[index]
        for resource in recipients or ():
            recipient = {"note_id": note["id"], "resource_id": resource["id"]}
            note["recipients"].append(session.create("Recipient", recipient))
        for label in labels:
            session.create("NoteLabelLink", {"label_id": label["id"], "note_id": note["id"]})
        return note
