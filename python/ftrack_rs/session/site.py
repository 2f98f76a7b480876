"""The remaining actions of the server: widgets, invitations and resets."""

from __future__ import annotations

from typing import Any

from ftrack_rs import inspection
from ftrack_rs.session.publishing import Publishing


class Site(Publishing):
    """Asks the server for things that are no entities."""

    def reset_remote(self, reset_type: str, entity: Any = None) -> Any:
        """Have the server reset something.

        Args:
            reset_type: What to reset, such as `api_key`.
            entity: What it belongs to.

        Returns:
            What the server answers.
        """
        operation = {"action": "reset_remote", "reset_type": reset_type}
        if entity is not None:
            operation.update(entity_type=entity.entity_type, entity_key=entity.get("id"))
        return self.call([operation])[0]["data"]

    def get_widget_url(self, name: str, entity: Any = None, theme: str | None = None) -> str:
        """Return a URL of a widget, valid for a few minutes without further credentials.

        Args:
            name: `info`, `tasks` or `tasks_browser`.
            entity: What to show, for widgets that show an entity.
            theme: `light` or `dark`.
        """
        operation: dict[str, Any] = {"action": "get_widget_url", "name": name, "theme": theme}
        if entity:
            operation["entity_type"] = entity.entity_type
            operation["entity_key"] = list(inspection.primary_key(entity).values())
        url: str = self._call_supported("get_widget_url", [operation])[0]["widget_url"]
        return url

    def send_user_invite(self, user: Any) -> None:
        """Send an invitation to *user*."""
        self.send_user_invites([user])

    def send_user_invites(self, users: Any) -> None:
        """Send an invitation to each of *users*."""
        action = "send_user_invite"
        operations = [{"action": action, "user_id": user["id"]} for user in users]
        self._call_supported(action, operations)

    def send_review_session_invite(self, invitee: Any) -> None:
        """Send an invitation to a review session to *invitee*, who has to be committed."""
        self.send_review_session_invites([invitee])

    def send_review_session_invites(self, invitees: Any) -> None:
        """Send an invitation to a review session to each of *invitees*, who are committed."""
        action = "send_review_session_invite"
        operations = [
            {"action": action, "review_session_invitee_id": invitee["id"]} for invitee in invitees
        ]
        self._call_supported(action, operations)
