"""Project schemas: which statuses and types the entities of a project may have."""

from __future__ import annotations

from typing import Any

from ftrack_rs.entity.base import Entity


class ProjectSchema(Entity):
    """What a project may contain."""

    def get_statuses(self, schema: str, type_id: str | None = None) -> list[Any]:
        """Return the statuses that entities of type *schema* may have.

        Args:
            schema: Name of the entity type, such as `Shot`.
            type_id: Id of a type whose tasks may have a workflow of their own.

        Raises:
            ValueError: If *schema* does not exist or has no statuses.
        """
        if schema == "Task":
            for override in self["_overrides"] if type_id is not None else ():
                if override["type_id"] == type_id:
                    return list(override["workflow_schema"]["statuses"])
            return list(self["_task_workflow"]["statuses"])
        if schema == "AssetVersion":
            return list(self["_version_workflow"]["statuses"])
        return self._linked(schema, "SchemaStatus", "task_status", "statuses")

    def get_types(self, schema: str) -> list[Any]:
        """Return the types that entities of type *schema* may have.

        Args:
            schema: Name of the entity type, such as `Task`.

        Raises:
            ValueError: If *schema* does not exist or has no types.
        """
        if schema == "Task":
            return list(self["_task_type_schema"]["types"])
        return self._linked(schema, "SchemaType", "task_type", "types")

    def _linked(self, schema: str, link_type: str, attribute: str, what: str) -> list[Any]:
        object_type_id = self._object_type_id(schema, what)
        for candidate in self["_schemas"]:
            if candidate["type_id"] == object_type_id:
                links = self.session.query(
                    f"select {attribute} from {link_type} where schema_id is {candidate['id']}"
                )
                return [link[attribute] for link in links]
        raise ValueError(f"No valid {what} were found for schema {schema}.")

    def _object_type_id(self, schema: str, what: str) -> Any:
        if schema not in self.session.types:
            raise ValueError(f"Schema {schema} does not exist.")
        attribute = self.session.types[schema].attributes.get("object_type_id")
        if attribute is None:
            raise ValueError(f"Schema {schema} does not have {what}.")
        return attribute.default_value
