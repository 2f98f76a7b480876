"""The plain transformer changes nothing."""

from __future__ import annotations

from ftrack_rs.resource_identifier_transformer.base import ResourceIdentifierTransformer


def test_identifiers_pass_through() -> None:
    session = object()
    transformer = ResourceIdentifierTransformer(session)
    assert transformer.session is session
    assert transformer.encode("a/b.exr", context={"component": None}) == "a/b.exr"
    assert transformer.decode("a/b.exr") == "a/b.exr"
