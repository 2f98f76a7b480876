"""Finds the custom attribute configurations that apply to an entity."""

from __future__ import annotations

from typing import Any

#: Entity types whose configurations name them differently.
_ENTITY_TYPES = {
    "AssetVersion": "assetversion",
    "Asset": "asset",
    "Project": "show",
    "User": "user",
    "TypedContextList": "list",
    "AssetVersionList": "list",
}

#: Values of `entity_type` for which hierarchical attributes exist.
_HIERARCHICAL = ("asset", "assetversion", "show", "task")


def sparse(entity: Any) -> list[Any]:
    """Return the configurations made for the type of *entity*, those of its project first.

    Raises:
        ValueError: If the type has no custom attributes.
    """
    return _applicable(entity, hierarchical=False)


def dense(entity: Any) -> list[Any]:
    """Return the configurations for *entity* and the hierarchical ones it inherits.

    Those of its project are left out for an asset, which may not know its parent when it is new.

    Raises:
        ValueError: If the type has no custom attributes.
    """
    return _applicable(entity, hierarchical=True)


def _applicable(entity: Any, hierarchical: bool) -> list[Any]:
    entity_type, object_type_id = _scope(entity)
    is_asset = hierarchical and entity_type == "asset"
    project_id = None if is_asset else _project_id(entity)

    def applies(configuration: Any) -> bool:
        if configuration["project_id"] not in (project_id, None):
            return False
        if configuration["entity_type"] == entity_type:
            own = configuration["object_type_id"] == object_type_id
            if own:
                return True
        inherits = hierarchical and entity_type in _HIERARCHICAL
        return inherits and bool(configuration["is_hierarchical"])

    found = [item for item in _configurations(entity.session) if applies(item)]
    # Configurations of a project hide global ones of the same key.
    return sorted(found, key=lambda item: item["project_id"] is None)


def _scope(entity: Any) -> tuple[str, Any]:
    """Return the configuration's name of the type, and the object type, of *entity*."""
    name = entity.entity_type
    if name in _ENTITY_TYPES:
        return _ENTITY_TYPES[name], None
    if "object_type_id" in entity.attributes.keys():  # noqa: SIM118 - not a mapping
        return "task", entity["object_type_id"]
    raise ValueError(f"Entity {entity!r} not supported.")


def _project_id(entity: Any) -> Any:
    if entity.entity_type == "Project":
        return entity["id"]
    if entity.entity_type == "AssetVersion":
        return entity["asset"]["parent"]["project_id"]
    if entity.entity_type == "Asset":
        return entity["parent"]["project_id"]
    return None if entity.entity_type in _ENTITY_TYPES else entity["project_id"]


def _configurations(session: Any) -> list[Any]:
    """Return all configurations; they change rarely and are asked for at every access."""
    found: list[Any] | None = session._custom_attribute_configurations
    if found is None:
        found = session._custom_attribute_configurations = session.query(
            "select key, project_id, id, object_type_id, entity_type, is_hierarchical, default "
            "from CustomAttributeConfiguration"
        ).all()
    return found
