"""Users."""

from __future__ import annotations

import datetime
from typing import Any

from ftrack_rs import exception
from ftrack_rs.entity.base import Entity


class User(Entity):
    """A user."""

    def start_timer(
        self, context: Any = None, comment: str = "", name: str | None = None, force: bool = False
    ) -> Any:
        """Start a timer and commit.

        Args:
            context: What time is spent on.
            comment: Comment of the timer.
            name: Name of the timer.
            force: Stop a timer that is running first, with a timelog for it.

        Raises:
            NotUniqueError: If a timer is running already.
        """
        if force:
            try:
                self.stop_timer()
            except exception.NoResultFoundError:
                self.logger.debug("No timer to stop.")
        timer = self.session.create(
            "Timer", {"user": self, "context": context, "name": name, "comment": comment}
        )
        try:
            self.session.commit()
        except exception.ServerError as error:
            if "DuplicateEntryError" not in str(error):
                raise
            raise exception.NotUniqueError(
                f"Failed to start a timelog for user with id: {self['id']}, it is likely that a "
                "timer is already running. Either use force=True or stop the timer first."
            ) from error
        return timer

    def stop_timer(self) -> Any:
        """Stop the running timer, commit, and return a timelog of its duration.

        Raises:
            NoResultFoundError: If no timer is running.
        """
        timer = self.session.query(f'Timer where user_id = "{self["id"]}"').one()
        timelog = self.session.create(
            "Timelog",
            {
                "user_id": timer["user_id"],
                "context_id": timer["context_id"],
                "comment": timer["comment"],
                "start": timer["start"],
                "duration": int((self._now() - timer["start"]).total_seconds()),
                "name": timer["name"],
            },
        )
        self.session.delete(timer)
        self.session.commit()
        return timelog

    def _now(self) -> datetime.datetime:
        """Return the time as the server writes it down.

        Without support for time zones that is local time labelled as UTC.
        """
        supported = self.session.server_information.get("is_timezone_support_enabled")
        if supported is None:
            self.logger.warning(
                "Could not identify if server has timezone support enabled. Will assume server is "
                "running in UTC."
            )
        now = datetime.datetime.now(datetime.timezone.utc)
        if supported is False:
            return now.astimezone().replace(tzinfo=datetime.timezone.utc)
        return now

    def send_invite(self) -> None:
        """Send an invitation by mail."""
        self.session.send_user_invite(self)

    def reset_api_key(self) -> str:
        """Replace the API key of the user and return the new one."""
        answer: dict[str, str] = self.session.reset_remote("api_key", entity=self)
        return answer["api_key"]
