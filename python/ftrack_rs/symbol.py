"""Constants of the client: marks for values and states, event topics, well-known ids."""

from __future__ import annotations

import os
from typing import Any


class Symbol:
    """A named constant, compared by identity."""

    def __init__(self, name: str, value: object = True) -> None:
        """Initialise with a *name*; the symbol is truthy if *value* is."""
        self.name = name
        self.value = value

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    def __repr__(self) -> str:
        """Return the class and the name."""
        return f"{type(self).__name__}({self.name})"

    def __bool__(self) -> bool:
        """Return the truth of the value."""
        return bool(self.value)

    def __copy__(self) -> Symbol:
        """Return itself: a copy would no longer be the constant."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Symbol:
        """Return itself: a copy would no longer be the constant."""
        return self


#: No value has been set or loaded.
NOT_SET = Symbol("NOT_SET", False)

#: The entity is created by the next commit.
CREATED = Symbol("CREATED")

#: The entity is updated by the next commit.
MODIFIED = Symbol("MODIFIED")

#: The entity is deleted by the next commit.
DELETED = Symbol("DELETED")

#: Marks the job that synchronises users with LDAP.
JOB_SYNC_USERS_LDAP = Symbol("SYNC_USERS_LDAP")

#: Topic published when a component has been added to a location.
COMPONENT_ADDED_TO_LOCATION_TOPIC = "ftrack.location.component-added"

#: Topic published when a component has been removed from a location.
COMPONENT_REMOVED_FROM_LOCATION_TOPIC = "ftrack.location.component-removed"

#: Id of the location that holds components where they were found.
ORIGIN_LOCATION_ID = "ce9b348f-8809-11e3-821c-20c9d081909b"

#: Id of the location for files that nothing manages.
UNMANAGED_LOCATION_ID = "cb268ecc-8809-11e3-a7e2-20c9d081909b"

#: Id of the location of reviewable media.
REVIEW_LOCATION_ID = "cd41be70-8809-11e3-b98a-20c9d081909b"

#: Id of the location of the old ftrack connect.
CONNECT_LOCATION_ID = "07b82a97-8cf9-11e3-9383-20c9d081909b"

#: Id of the location on the ftrack server itself.
SERVER_LOCATION_ID = "3a372bde-05bc-11e4-8908-20c9d081909b"

#: Bytes read at once when data is copied; 1 MiB unless the environment says otherwise.
CHUNK_SIZE = int(os.environ.get("FTRACK_API_FILE_CHUNK_SIZE") or 0) or 1024 * 1024
