"""The entity types of the server, kept on disk between sessions, and the classes made of them."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from typing import Any

from ftrack_rs.entity.factory import StandardFactory
from ftrack_rs.session.site import Site

_FILE_NAME = "ftrack_api_schema_cache.json"


class SchemaLoader(Site):
    """Loads schemas and makes classes of them."""

    def _load_schemas(self, schema_cache_path: Any) -> list[dict[str, Any]]:
        """Return the schemas of the file if they are current, else those of the server.

        Args:
            schema_cache_path: The file; False to always ask the server.
        """
        current = self._server_information.get("schema_hash", False)
        if schema_cache_path:
            cached, schema_hash = self._read_schemas_from_cache(schema_cache_path)
            if schema_hash is not None and schema_hash == current:
                return cached
        schemas: list[dict[str, Any]] = self.call([{"action": "query_schemas"}])[0]
        if schema_cache_path:
            try:
                self._write_schemas_to_cache(schemas, schema_cache_path)
            except (OSError, TypeError):
                self.logger.exception("Failed to update schema cache %r.", schema_cache_path)
        return schemas

    def _read_schemas_from_cache(
        self, schema_cache_path: str
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Return the schemas in a file with their hash, which is None if they cannot be read."""
        try:
            with open(schema_cache_path, encoding="utf-8") as file:
                schemas = json.load(file)
        except FileNotFoundError:
            return [], None
        except (OSError, ValueError):
            self.logger.exception("Schema cache could not be loaded from %r", schema_cache_path)
            return [], None
        text = json.dumps(schemas, sort_keys=True).encode()
        return schemas, hashlib.md5(text, usedforsecurity=False).hexdigest()

    def _write_schemas_to_cache(self, schemas: Any, schema_cache_path: str) -> None:
        """Write a file that other processes find complete or not at all."""
        folder = os.path.dirname(schema_cache_path) or "."
        os.makedirs(folder, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=_FILE_NAME, suffix=".part")
        try:
            with open(handle, "w", encoding="utf-8") as file:
                json.dump(schemas, file)
            os.replace(temporary, schema_cache_path)
        except BaseException:
            os.unlink(temporary)
            raise

    def _build_entity_type_classes(self, schemas: Any) -> dict[str, Any]:
        """Return a class for each schema, made by a plugin or by the standard factory.

        Raises:
            ValueError: If several plugins make a class for one schema.
        """
        factory = StandardFactory()
        classes = {}
        topic = "ftrack.api.session.construct-entity-type"
        for schema in schemas:
            answers = self._announce(topic, {"schema": schema, "schemas": schemas})
            made = [answer for answer in answers if answer is not None]
            if len(made) > 1:
                raise ValueError(
                    f'Expected single entity type to represent schema "{schema["id"]}" but '
                    f"received {len(made)} entity types instead."
                )
            entity_class = made[0] if made else factory.create(schema)
            classes[entity_class.entity_type] = entity_class
        return classes


def cache_file(folder: Any) -> Any:
    """Return the file that schemas are kept in.

    Args:
        folder: The folder; None for the one of the environment or the user's, False for no file.
    """
    if folder is False:
        return False
    if folder is None:
        folder = os.environ.get("FTRACK_API_SCHEMA_CACHE_PATH") or _user_cache_folder()
    return os.path.join(folder, _FILE_NAME)


def _user_cache_folder() -> str:
    if sys.platform == "win32":
        return os.environ.get("LOCALAPPDATA") or os.path.expanduser(r"~\AppData\Local")
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Caches")
    return os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
