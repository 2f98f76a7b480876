"""A script that publishes a `Version`, as tutorials write it, runs unchanged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ftrack_rs.sandbox import Sandbox

SCRIPT = """
import ftrack_api

session = ftrack_api.Session(
    server_url='{url}',
    api_key='{key}',
    api_user='{user}'
)
task = session.get('Task', '{task}')
version = session.create('Version', {{
    'name': 'Version 1',
    'task': task,
    'description': 'Initial version'
}})
version['components'] = [{{
    'name': 'Main Component',
    'file_path': '{file}'
}}]
session.commit()
"""


def test_it_publishes(sandbox: Sandbox, task: Any, tmp_path: Path) -> None:
    movie = tmp_path / "file.mov"
    movie.write_bytes(b"movie")
    script = tmp_path / "publish.py"
    script.write_text(
        SCRIPT.format(
            url=sandbox.url,
            key=sandbox.api_key,
            user=sandbox.api_user,
            task=task["id"],
            file=movie,
        )
    )
    subprocess.run(
        [sys.executable, "-m", "ftrack_rs", "run", str(script)],
        env={**os.environ, "FTRACK_API_SCHEMA_CACHE_PATH": str(tmp_path)},
        check=True,
    )

    with sandbox.session() as session:
        version = session.query(f"AssetVersion where task_id is {task['id']}").one()
        assert version["comment"] == "Initial version"
        assert version["asset"]["name"] == task["name"]
        (component,) = version["components"]
        assert component["name"] == "Main Component"
        assert 100.0 in component.get_availability().values()
