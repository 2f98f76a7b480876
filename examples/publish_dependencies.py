"""Publishes a model, a rig made of it, and an animation made with the rig, in one transaction.

The versions are linked to what they were made with. They are described in any order; each is made
after what it needs.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from ftrack_rs.sandbox import Sandbox


def main(picture: str | None = None) -> None:
    """Publish to an embedded server, and print what happens.

    Args:
        picture: Where to draw the plan; nowhere if None.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        Sandbox() as sandbox,
        sandbox.session() as session,
    ):
        files = {name: Path(folder, f"{name}.txt") for name in ("animation", "model", "rig")}
        for name, path in files.items():
            path.write_text(f"the {name}")
        task = session.query('Task where parent.name is "des_040"').first()
        with session.publisher() as publisher:
            versions = {
                name: publisher.version(name, task=task, comment="Second pass") for name in files
            }
            for name, version in versions.items():
                version.component("main", files[name])
            versions["rig"].uses(versions["model"])
            versions["animation"].uses(versions["rig"])
            plan = publisher.plan()
            print(plan)
            print(plan.to_mermaid())
            if picture is not None:
                Path(picture).write_text(plan.to_svg())
        for name, version in versions.items():
            used = [item["asset"]["name"] for item in version.entity["uses_versions"]]
            made_with = f", made with {', '.join(used)}" if used else ""
            print(f"{name} v{version.entity['version']:03}{made_with}")


if __name__ == "__main__":
    main(*sys.argv[1:])
