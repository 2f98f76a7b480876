from __future__ import annotations

from typing import Any

import pytest

from ftrack_rs import Session


@pytest.fixture
def schema(session: Session) -> Any:
    return session.query("Project").first()["project_schema"]


@pytest.mark.parametrize("name", ["Task", "Shot", "AssetVersion"])
def test_statuses(schema: Any, name: str) -> None:
    statuses = schema.get_statuses(name)
    assert statuses
    assert all(status.entity_type == "Status" for status in statuses)


def test_types(session: Session, schema: Any) -> None:
    types = schema.get_types("Task")
    assert all(kind.entity_type == "Type" for kind in types)
    type_id = types[0]["id"]
    assert schema.get_statuses("Task", type_id)


@pytest.mark.parametrize("method", ["get_statuses", "get_types"])
@pytest.mark.parametrize("name", ["Tusk", "User"])
def test_what_has_none(schema: Any, method: str, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        getattr(schema, method)(name)
