"""Folders and locations that programs put components in."""

from __future__ import annotations

import importlib
import os


def disk_location(t, session=None, structure=None, name="disk", **settings):
    """Return a location of this program in a folder of its own."""
    session = session or t.session
    location = session.ensure("Location", {"name": t.name(name)})
    prefix = os.path.join(t.folder, name)
    os.makedirs(prefix, exist_ok=True)
    location.accessor = t.api.accessor.disk.DiskAccessor(prefix=prefix)
    if structure is None:
        structure = t.api.structure.standard.StandardStructure()
    location.structure = structure
    location.priority = settings.get("priority", 5)
    return location


def files_below(folder):
    """Return the files below *folder*, by path relative to it."""
    return sorted(
        os.path.relpath(os.path.join(root, name), folder)
        for root, _, names in os.walk(folder)
        for name in names
    )


def sequence(t, count=3):
    """Write some files and return the path that stands for all of them."""
    for index in range(1, count + 1):
        t.path(f"render.{index:04}.exr", bytes([index]) * 10)
    return os.path.join(t.folder, f"render.%04d.exr [1-{count}]")


STRUCTURES = {
    "standard": lambda t: t.api.structure.standard.StandardStructure(),
    "prefixed": lambda t: t.api.structure.standard.StandardStructure(
        project_versions_prefix="versions"
    ),
    "substitute": lambda t: t.api.structure.standard.StandardStructure(
        illegal_character_substitute="-"
    ),
    "id": lambda t: importlib.import_module("ftrack_api.structure.id").IdStructure(),
    "entity id": lambda t: t.api.structure.entity_id.EntityIdStructure(),
    "origin": lambda t: t.api.structure.origin.OriginStructure(),
}
