from __future__ import annotations

from typing import Any

import pytest

from ftrack_rs import Session, exception, symbol


@pytest.mark.parametrize(
    ("identifier", "name", "priority"),
    [
        (symbol.ORIGIN_LOCATION_ID, "ftrack.origin", 100),
        (symbol.UNMANAGED_LOCATION_ID, "ftrack.unmanaged", 90),
        (symbol.REVIEW_LOCATION_ID, "ftrack.review", 110),
        (symbol.SERVER_LOCATION_ID, "ftrack.server", 150),
    ],
)
def test_builtin_locations_are_configured(
    session: Session, calls: Any, identifier: str, name: str, priority: int
) -> None:
    location = session.get("Location", identifier)
    assert location["name"] == name
    assert location.priority == priority
    assert location.accessor
    assert location.structure
    assert calls.actions == []
    assert session.query(f'Location where name is "{name}"').one() is location


def test_other_locations_are_not_accessible(session: Session, unique_name: str) -> None:
    location = session.ensure("Location", {"name": unique_name})
    assert location.accessor is symbol.NOT_SET
    assert location.priority == 95
    component = session.create("FileComponent", {"name": "x"})
    with pytest.raises(exception.LocationError, match="No structure defined"):
        location.add_component(component, location)
    assert session.pick_location() is session.get("Location", symbol.UNMANAGED_LOCATION_ID)


def test_sources_match_components(session: Session, server_location: Any) -> None:
    with pytest.raises(ValueError, match="sources must be either a single source"):
        server_location.add_components([1, 2, 3], [server_location] * 2)
    server_location.add_components([], server_location)


def test_origin_remembers_paths(session: Session) -> None:
    origin = session.get("Location", symbol.ORIGIN_LOCATION_ID)
    component = session.create("FileComponent", {"name": "x"})
    with pytest.raises(exception.ComponentNotInLocationError) as caught:
        origin.get_resource_identifier(component)
    assert caught.value.details["components"] == [component]
    origin.add_component(component, "/a/b.exr")
    assert origin.get_resource_identifier(component) == "/a/b.exr"
    with pytest.raises(exception.ComponentInLocationError):
        origin.add_component(component, "/a/b.exr")
    origin.remove_component(component)
    with pytest.raises(exception.ComponentNotInLocationError):
        origin.get_resource_identifier(component)


def test_transformers_translate_what_is_kept(
    session: Session, version: Any, tmp_path: Any, server_location: Any
) -> None:
    class Prefix:
        def encode(self, resource_identifier: str, context: Any = None) -> str:
            return "prefix:" + resource_identifier

        def decode(self, resource_identifier: str, context: Any = None) -> str:
            return resource_identifier.split(":", 1)[1]

    path = tmp_path / "a.txt"
    path.write_text("x")
    server_location.resource_identifier_transformer = Prefix()
    component = version.create_component(path, {"name": "a"}, location=server_location)
    assert server_location.get_resource_identifier(component) == component["id"]
    (registered,) = session.query(
        f"select resource_identifier from ComponentLocation where component_id is {component['id']}"
    )
    assert registered["resource_identifier"] == f"prefix:{component['id']}"


def test_availability_of_a_container_is_that_of_its_members(
    session: Session, version: Any, server_location: Any, tmp_path: Any
) -> None:
    for index in (1, 2, 3):
        (tmp_path / f"a.{index}.exr").write_bytes(b"x")
    component = version.create_component(f"{tmp_path}/a.%d.exr [1-3]", {"name": "a"})
    session.commit()
    origin = session.get("Location", symbol.ORIGIN_LOCATION_ID)
    first, *others = component["members"]
    server_location.add_component(first, origin)
    assert component.get_availability([server_location]) == {
        server_location["id"]: pytest.approx(33.333333333)
    }
    for member in others:
        server_location.add_component(member, origin)
    assert session.get_component_availability(component)[server_location["id"]] == 100.0


def test_many_components_are_looked_up_in_parts(
    session: Session, calls: Any, server_location: Any
) -> None:
    components = [session.create("FileComponent", {"name": f"{n}"}) for n in range(501)]
    session.commit()
    calls.forget()
    with pytest.raises(exception.ComponentNotInLocationError) as caught:
        server_location.get_resource_identifiers(components)
    assert len(caught.value.details["components"]) == 501
    assert calls.actions == [["query"], ["query"]]
