"""Sessions: the way to everything on an ftrack server.

:class:`Session` is put together in layers, each of which knows only those before it: settings
(``state``), JSON (``encoding``), calls (``connection``), entities by identity (``identity``),
recorded changes (``unit_of_work``), places of data (``locations``), components (``publishing``),
the remaining actions of the server (``site``), and entity types (``schema``).
"""

from ftrack_rs.session.authentication import SessionAuthentication
from ftrack_rs.session.encoding import OperationPayload
from ftrack_rs.session.session import Session
from ftrack_rs.session.state import AutoPopulatingContext, OperationRecordingContext

__all__ = [
    "AutoPopulatingContext",
    "OperationPayload",
    "OperationRecordingContext",
    "Session",
    "SessionAuthentication",
]
