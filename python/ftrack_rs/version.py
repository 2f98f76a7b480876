"""The convenience type `Version`: publishing a version without knowing of assets.

Servers have versions of assets (`AssetVersion`), and no type `Version`. Where that is asked for,
the asset is found or made: one beside the task, named after it. A task itself is never the parent
of an asset.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ftrack_rs import inspection
from ftrack_rs.query import quoted
from ftrack_rs.symbol import CREATED

#: The name of the convenience type.
VERSION = "Version"


def create_version(session: Any, data: Mapping[str, Any]) -> Any:
    """Create an AssetVersion, and its asset if there is none yet, with the next commit.

    Args:
        session: The session to create it in.
        data: Attributes of an AssetVersion. `description` stands for `comment`; without `asset` it
            is that of the `task`.

    Returns:
        The version.

    Raises:
        ValueError: If there is neither an asset nor a task below something.
    """
    data = dict(data)
    if "description" in data:
        data.setdefault("comment", data.pop("description"))
    if not data.get("asset") and not data.get("asset_id"):
        data["asset"] = _asset_of(session, data)
    return session.create("AssetVersion", data)


def _asset_of(session: Any, data: Mapping[str, Any]) -> Any:
    """Return the asset beside the task in *data* that is named after it; a new one if need be."""
    task: Any = data.get("task")
    if not task and data.get("task_id"):
        task = session.get("Task", data["task_id"])
    parent = task and task["parent"]
    if not parent:
        raise ValueError(
            f"A {VERSION} needs an asset, or a task that is below something; there is neither in "
            f"{data!r}."
        )
    return _found_asset(session, parent, task["name"]) or _new_asset(session, parent, task["name"])


def _found_asset(session: Any, parent: Any, name: str) -> Any:
    for entity in session.created:
        if entity.entity_type == "Asset" and entity["parent"] is parent and entity["name"] == name:
            return entity
    if inspection.state(parent) is CREATED:
        return None
    return session.query(
        f"Asset where name is {quoted(name)} and context_id is {quoted(parent['id'])}"
    ).first()


def _new_asset(session: Any, parent: Any, name: str) -> Any:
    data = {"name": name, "parent": parent}
    asset_type = session.query("AssetType where short is 'upload'").first()
    if asset_type:
        data["type"] = asset_type
    return session.create("Asset", data)


def are_files(value: Any) -> bool:
    """Return whether *value* lists files to make components of."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, dict) and "file_path" in item for item in value)
    )


def add_files(version: Any, files: list[dict[str, Any]]) -> None:
    """Add a component for each of *files* to *version*, which commits.

    Args:
        version: The version.
        files: For each file its `file_path`, attributes of the component such as `name`, and the
            `location` to put it in; the location of highest priority by default.
    """
    if inspection.state(version) is CREATED:
        # Structures make paths of what the server knows of the version, such as its number.
        version.session.commit()
    for file in files:
        data = {key: file[key] for key in file if key not in ("file_path", "location")}
        location = file.get("location", "auto")
        version.create_component(file["file_path"], data, location=location)
