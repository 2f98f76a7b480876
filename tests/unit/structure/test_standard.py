"""The standard structure follows the hierarchy of the project."""

from __future__ import annotations

from typing import Any

import pytest
from components import Entity, Session, component

from ftrack_rs.exception import StructureError
from ftrack_rs.structure.standard import StandardStructure
from ftrack_rs.symbol import NOT_SET

PROJECT = Entity("Project", id="p", name="My Show")
HIERARCHY = ["Sequence 1", "Shot é"]


def version_of(hierarchy: list[str], **values: Any) -> Entity:
    link = [{"id": "p", "name": "Long name of the show"}]
    link += [{"id": name, "name": name} for name in hierarchy]
    link += [{"id": "v", "name": "Comp v3"}]
    asset = Entity("Asset", name="Comp")
    return Entity("AssetVersion", id="v", version=3, asset=asset, **{"link": link, **values})


def identifier_of(structure: StandardStructure, entity: Entity, version: Entity) -> str:
    session = Session(PROJECT, version)
    for member in (entity, entity["container"], version):
        if member:
            member.session = session
    entity["version"] = version
    if entity["container"]:
        entity["container"]["version"] = version
    return structure.get_resource_identifier(entity)


@pytest.mark.parametrize(
    ("entity", "name"),
    [
        (component("file", name="Plate A"), "plate_a.exr"),
        (component("file", file_type=""), "plate"),
        (component("file", file_type=None), "plate"),
        (component("sequence", padding=4), "plate.%04d.exr"),
        (component("sequence", file_type=None), "plate.%d"),
        (
            component("file", name="0042", container=component("sequence", padding=4)),
            "plate.0042.exr",
        ),
        (component("container", name="Extra files"), "extra_files"),
        (
            component("file", name="a", container=component("container", name="Extras")),
            "extras/a.exr",
        ),
    ],
)
def test_components(entity: Entity, name: str) -> None:
    found = identifier_of(StandardStructure(), entity, version_of(HIERARCHY))
    assert found == f"my_show/sequence_1/shot_e/comp/v003/{name}"


@pytest.mark.parametrize(
    ("prefix", "hierarchy", "folder"),
    [
        (None, [], "my_show/comp/v003"),
        ("versions", [], "my_show/versions/comp/v003"),
        ("versions", ["a"], "my_show/a/comp/v003"),
    ],
)
def test_versions_of_the_project(prefix: str | None, hierarchy: list[str], folder: str) -> None:
    structure = StandardStructure(project_versions_prefix=prefix)
    found = identifier_of(structure, component("container", name="x"), version_of(hierarchy))
    assert found == f"{folder}/x"


def test_the_version_may_be_known_by_its_id_only() -> None:
    version = version_of(HIERARCHY)
    entity = component("file", version=NOT_SET, version_id="v")
    entity.session = version.session = Session(PROJECT, version)
    found = StandardStructure().get_resource_identifier(entity)
    assert found == "my_show/sequence_1/shot_e/comp/v003/plate.exr"


@pytest.mark.parametrize(
    "version", [None, NOT_SET, version_of([], link=None), version_of([], link=[])]
)
def test_the_version_has_to_be_committed(version: Any) -> None:
    entity = component("file", version=version)
    entity.session = Session(PROJECT)
    with pytest.raises(StructureError, match="committed"):
        StandardStructure().get_resource_identifier(entity)


def test_a_version_about_to_be_created_is_not_committed() -> None:
    version = version_of(HIERARCHY)
    entity = component("file", version=version)
    entity.session = version.session = Session(PROJECT)
    entity.session.created.append(version)
    with pytest.raises(StructureError, match="committed"):
        StandardStructure().get_resource_identifier(entity)


def test_only_components_have_a_place() -> None:
    with pytest.raises(NotImplementedError, match="unsupported entity"):
        StandardStructure().get_resource_identifier(Entity("Task", id="1"))


@pytest.mark.parametrize(
    ("value", "substitute", "expected"),
    [
        ("Foo Bar", "_", "foo_bar"),
        ("fòö", "_", "foo"),
        ("a/b\\c:d*e", "_", "a_b_c_d_e"),
        ("a b", "", "ab"),
        ("a b", "-", "a-b"),
        ("a b", "\\1", "a\\1b"),
        ("shot_010-v1.2", "_", "shot_010-v1.2"),
        ("日本", "_", ""),
        ("Foo Bär", None, "Foo Bär"),
    ],
)
def test_sanitise_for_filesystem(value: str, substitute: str | None, expected: str) -> None:
    structure = StandardStructure(illegal_character_substitute=substitute)
    assert structure.sanitise_for_filesystem(value) == expected


def test_parts_and_version_are_made_by_overridable_methods() -> None:
    class Studio(StandardStructure):
        def _get_parts(self, entity: Any) -> list[str]:
            return ["studio", *super()._get_parts(entity)]

        def _format_version(self, number: int) -> str:
            return f"version {number}"

    found = identifier_of(Studio(), component("file"), version_of([]))
    assert found == "studio/my_show/comp/version_3/plate.exr"
