"""Renders in Blender and publishes the frames from inside Blender's own Python.

Runs as `blender --background --python blender_publish.py`, or in any Python that has the module of
Blender, `pip install bpy`. Where that is missing it says so and does nothing.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from ftrack_rs.sandbox import Sandbox

try:
    import bpy
except ImportError as error:
    bpy = None
    REASON = str(error)

FIRST, LAST = 1, 4


def render(folder: Path) -> str:
    """Render the scene that Blender starts with, a cube, and return the sequence."""
    scene: Any = bpy.context.scene
    scene.frame_start, scene.frame_end = FIRST, LAST
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.render.resolution_x, scene.render.resolution_y = 160, 90
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.filepath = f"{folder}/cube.####"
    bpy.ops.render.render(animation=True)
    return f"{folder}/cube.%04d.exr [{FIRST}-{LAST}]"


def main() -> None:
    """Render, publish to an embedded server, and print what happens."""
    if bpy is None:
        print(f"no Blender here ({REASON}); pip install bpy brings one")
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        Sandbox() as sandbox,
        sandbox.session() as session,
    ):
        task = session.query('Task where parent.name is "des_040"').first()
        with session.publisher() as publisher:
            version = publisher.version("cube", type="Render", task=task)
            version.component("main", render(Path(folder)))
            print(publisher.plan())
        blender = f"Blender {bpy.app.version_string}, Python {sys.version.split()[0]}"
        print(f"published v{version.entity['version']:03} from {blender}")


if __name__ == "__main__":
    main()
