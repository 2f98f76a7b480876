"""Structures turn components into resource identifiers."""

from __future__ import annotations

from typing import Any

import pytest
from components import Entity, component

from ftrack_rs.structure.base import Structure
from ftrack_rs.structure.entity_id import EntityIdStructure
from ftrack_rs.structure.id import IdStructure
from ftrack_rs.structure.origin import OriginStructure
from ftrack_rs.symbol import NOT_SET

SEQUENCE = component("sequence", padding=4)
CONTAINER = component("container")


@pytest.mark.parametrize(
    ("entity", "identifier"),
    [
        (component("file"), "1/2/3/4/5678.exr"),
        (component("file", file_type=NOT_SET, container=NOT_SET), "1/2/3/4/5678"),
        (component("file", file_type=None), "1/2/3/4/5678"),
        (SEQUENCE, "1/2/3/4/5678/file.%04d.exr"),
        (component("sequence", file_type=""), "1/2/3/4/5678/file.%d"),
        (component("file", name="0042", container=SEQUENCE), "1/2/3/4/5678/file.0042.exr"),
        (CONTAINER, "1/2/3/4/5678"),
        (component("file", id="abcdef", container=CONTAINER), "1/2/3/4/5678/abcdef.exr"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "storage/a"])
def test_id_structure(entity: Entity, identifier: str, prefix: str) -> None:
    expected = f"{prefix}/{identifier}" if prefix else identifier
    assert IdStructure(prefix).get_resource_identifier(entity) == expected


def test_id_structure_is_for_components() -> None:
    with pytest.raises(NotImplementedError, match="unsupported entity"):
        IdStructure().get_resource_identifier(Entity("Task", id="12345678"))


def test_entity_id_structure() -> None:
    assert EntityIdStructure().get_resource_identifier(Entity("Task", id="12")) == "12"


def test_origin_structure_passes_on_the_source() -> None:
    context = {"source_resource_identifier": "/tmp/plate.exr"}
    structure = OriginStructure()
    assert structure.get_resource_identifier(component("file"), context) == "/tmp/plate.exr"


@pytest.mark.parametrize("context", [None, {}, {"other": "x"}])
def test_origin_structure_needs_the_source(context: Any) -> None:
    with pytest.raises(ValueError, match="no source resource identifier"):
        OriginStructure().get_resource_identifier(component("file"), context)


def test_structures_are_made_by_subclassing() -> None:
    class Flat(Structure):
        def get_resource_identifier(self, entity: Any, context: Any = None) -> str:
            frame = self._get_sequence_expression(entity)
            return self.path_separator.join([self.prefix, frame])

    assert Flat("flat").get_resource_identifier(SEQUENCE) == "flat/%04d"
    assert Flat().prefix == ""
