"""Entity classes: their common base, and what particular types can do beyond their attributes."""

from ftrack_rs.lazy import submodules

__getattr__ = submodules(
    __name__,
    "asset_version",
    "base",
    "component",
    "factory",
    "job",
    "location",
    "note",
    "project_schema",
    "user",
)
