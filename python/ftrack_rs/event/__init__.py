"""Events: what they hold, who subscribes to them, and the hub that brings them together."""

from ftrack_rs.lazy import submodules

__getattr__ = submodules(
    __name__, "base", "expression", "hub", "subscriber", "subscription", "workers"
)
