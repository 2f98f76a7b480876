"""Makes entity classes from the schemas of a server."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from typing import Any

from ftrack_rs import attribute as attributes
from ftrack_rs import cache, custom_attribute, inspection
from ftrack_rs.entity import (
    asset_version,
    base,
    component,
    job,
    location,
    note,
    project_schema,
    user,
)
from ftrack_rs.symbol import CREATED, NOT_SET

#: JSON types of plain values, with the name the attribute has for them.
_SCALARS = {
    "string": "string",
    "boolean": "boolean",
    "integer": "integer",
    "number": "float",
    "variable": "variable",
    "object": "object",
}

#: Attribute classes that the native lookup knows the meaning of.
_NATIVE = frozenset(
    {
        attributes.ScalarAttribute,
        attributes.ReferenceAttribute,
        attributes.CollectionAttribute,
        attributes.KeyValueMappedCollectionAttribute,
        attributes.CustomAttributeCollectionAttribute,
    }
)


class Factory:
    """Makes an entity class from a schema, without anything particular to its type."""

    def __init__(self) -> None:
        """Initialise the factory."""
        self.logger = logging.getLogger(f"ftrack_api.entity.factory.{type(self).__name__}")

    def create(self, schema: dict[str, Any], bases: Sequence[type[Any]] | None = None) -> type[Any]:
        """Return a class for *schema*.

        Args:
            schema: One of `Session.schemas`.
            bases: Base classes; :class:`ftrack_rs.entity.base.Entity` if None.
        """
        name = str(schema["id"])
        known = attributes.Attributes()
        for attribute in self._attributes(name, schema):
            known.add(attribute)
        namespace: dict[str, Any] = {
            "entity_type": name,
            "attributes": known,
            "primary_key_attributes": list(schema["primary_key"]),
            "default_projections": schema.get("default_projections", []),
        }
        if any(type(attribute) not in _NATIVE for attribute in known):
            namespace["__getitem__"] = base.Entity._get_unloaded
        return base.DynamicEntityTypeMetaclass(name, tuple(bases or (base.Entity,)), namespace)

    def _attributes(self, class_name: str, schema: dict[str, Any]) -> list[Any]:
        immutable = schema.get("immutable", ())
        computed = schema.get("computed", ())
        found = []
        for name, fragment in schema.get("properties", {}).items():
            if not fragment.get("restricted_projection", False):
                found.append(
                    self._attribute(
                        class_name, name, fragment, name not in immutable, name in computed
                    )
                )
        return [attribute for attribute in found if attribute is not None]

    def _attribute(
        self, class_name: str, name: str, fragment: dict[str, Any], mutable: bool, computed: bool
    ) -> Any:
        data_type = fragment.get("type")
        if data_type in _SCALARS:
            return self.create_scalar_attribute(
                class_name, name, mutable, computed, _default(fragment), _scalar_type(fragment)
            )
        if data_type == "array":
            return self.create_collection_attribute(class_name, name, mutable)
        if data_type == "mapped_array":
            reference = fragment.get("items", {}).get("$ref")
            if reference:
                return self.create_mapped_collection_attribute(class_name, name, mutable, reference)
        elif data_type is None and "$ref" in fragment:
            return self.create_reference_attribute(class_name, name, mutable, fragment["$ref"])
        self.logger.debug("Skipping %s.%s of a form that is not known.", class_name, name)
        return None

    def create_scalar_attribute(
        self,
        class_name: str,
        name: str,
        mutable: bool,
        computed: bool,
        default: Any,
        data_type: str,
    ) -> Any:
        """Return an attribute for a plain value, or None to leave it out."""
        return attributes.ScalarAttribute(
            name, data_type, default_value=default, mutable=mutable, computed=computed
        )

    def create_reference_attribute(
        self, class_name: str, name: str, mutable: bool, reference: str
    ) -> Any:
        """Return an attribute for another entity of type *reference*, or None to leave it out."""
        return attributes.ReferenceAttribute(name, reference, mutable=mutable)

    def create_collection_attribute(self, class_name: str, name: str, mutable: bool) -> Any:
        """Return an attribute for several other entities, or None to leave it out."""
        return attributes.CollectionAttribute(name, mutable=mutable)

    def create_mapped_collection_attribute(
        self, class_name: str, name: str, mutable: bool, reference: str
    ) -> Any:
        """Return an attribute for a mapping made of entities of type *reference*, or None."""
        self.logger.debug("Skipping %s.%s: no mapping is made of %s.", class_name, name, reference)


class StandardFactory(Factory):
    """Makes classes that can do what their type is known for, such as locations."""

    def create(self, schema: dict[str, Any], bases: Sequence[type[Any]] | None = None) -> type[Any]:
        """Return a class for *schema*, on top of the class that this package has for the type."""
        chosen = [*_particular_base(str(schema["id"])), *(bases or ())] or [base.Entity]
        properties = schema.get("properties", {})
        if "notes" in properties:
            chosen.append(note.CreateNoteMixin)
        if "thumbnail_id" in properties:
            chosen.append(component.CreateThumbnailMixin)
        return super().create(schema, bases=chosen)

    def create_mapped_collection_attribute(
        self, class_name: str, name: str, mutable: bool, reference: str
    ) -> Any:
        """Return an attribute for metadata or custom attributes; None for anything else."""
        if reference == "Metadata":
            creator = functools.partial(_create_metadata, reference=reference)
        elif reference == "CustomAttributeValue":
            return attributes.CustomAttributeCollectionAttribute(name, mutable=mutable)
        elif reference.endswith("CustomAttributeValue"):
            creator = functools.partial(_create_custom_attribute_value, reference=reference)
        else:
            return super().create_mapped_collection_attribute(class_name, name, mutable, reference)
        return attributes.KeyValueMappedCollectionAttribute(
            name, creator, "key", "value", mutable=mutable
        )


def _particular_base(entity_type: str) -> list[type[Any]]:
    particular: dict[str, type[Any]] = {
        "AssetVersion": asset_version.AssetVersion,
        "Job": job.Job,
        "Location": location.Location,
        "Note": note.Note,
        "ProjectSchema": project_schema.ProjectSchema,
        "User": user.User,
    }
    if entity_type.endswith("Component"):
        return [component.Component]
    return [particular[entity_type]] if entity_type in particular else []


def _scalar_type(fragment: dict[str, Any]) -> str:
    if fragment["type"] == "string" and fragment.get("format") == "date-time":
        return "datetime"
    return _SCALARS[fragment["type"]]


def _default(fragment: dict[str, Any]) -> Any:
    default = fragment.get("default", NOT_SET)
    return base.new_id if default == "{uid}" else default


def _create_metadata(proxy: Any, data: dict[str, Any], reference: str) -> Any:
    entity = proxy.collection.entity
    data.update(parent_id=entity["id"], parent_type=entity.entity_type)
    return entity.session.create(reference, data)


def _create_custom_attribute_value(proxy: Any, data: dict[str, Any], reference: str) -> Any:
    """Return the value of a custom attribute of an entity that is about to be created.

    The server makes these values together with the entity and only lets them be updated; on an
    entity that exists all of them are loaded, so a key that is missing does not exist.
    """
    entity = proxy.collection.entity
    if inspection.state(entity) is not CREATED:
        raise KeyError(
            "Custom attributes must be created explicitly for the given entity type before being "
            f"set: {data['key']!r}."
        )
    for configuration in custom_attribute.dense(entity):
        if configuration["key"] == data["key"]:
            break
    else:
        raise ValueError(f"No valid custom attribute for data {data!r} was found.")
    known = {key: value for key, value in data.items() if key != "value"}
    known.update(configuration_id=configuration["id"], entity_id=entity["id"])
    item = entity.session.create(reference, known, reconstructing=True)
    item["value"] = data["value"]
    return item


class PerSessionDefaultKeyMaker(cache.KeyMaker):
    """Makes keys for functions of an entity whose result is the same for the whole session."""

    def _key(self, obj: Any) -> str:
        entity = obj.get("entity") if isinstance(obj, dict) else None
        return str(obj) if entity is None else str(id(entity.session))


_memoiser = cache.Memoiser(key_maker=PerSessionDefaultKeyMaker(), return_copies=False)

#: Keeps the default that a function gives, for each session.
memoise_defaults = cache.memoise_decorator(_memoiser)

#: Keeps the result of a function of an entity, for each session.
memoise_session = cache.memoise_decorator(_memoiser)
