"""Accessors: how the data of a location is read and written."""

from ftrack_rs.lazy import submodules

__getattr__ = submodules(__name__, "base", "disk", "server")
