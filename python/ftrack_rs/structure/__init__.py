"""Structures: where in a location the data of a component goes."""

from ftrack_rs.lazy import submodules

__getattr__ = submodules(__name__, "base", "entity_id", "id", "origin", "standard")
