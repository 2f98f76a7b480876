"""Faults of the official client that are not copied; docs/differences.md lists them."""

from __future__ import annotations

import logging
import os
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from ftrack_rs import Session, Transfer, exception
from ftrack_rs.accessor.disk import DiskAccessor
from ftrack_rs.event.hub import EventHub
from ftrack_rs.sandbox import Sandbox
from ftrack_rs.structure.entity_id import EntityIdStructure
from ftrack_rs.symbol import ORIGIN_LOCATION_ID
from ftrack_rs.transfer import Progress


def test_messages_show_text_not_bytes(session: Session) -> None:
    with pytest.raises(exception.UnrecognisedEntityTypeError) as caught:
        session.create("Foo", {})
    assert str(caught.value) == 'Entity type "Foo" not recognised.'


@pytest.mark.parametrize("text", ["{", "}", "{}", "{0}", "{unknown}", "{'a': 1}", "{a!z}"])
def test_braces_in_a_message_are_no_placeholders(text: str) -> None:
    assert str(exception.ServerError(text)) == text
    assert str(exception.Error(text + " {known}", {"known": 5})) == text + " 5"


def test_the_api_key_is_in_no_error_about_connections() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(exception.ServerError) as caught:
            Session(url, "very-secret", "somebody", schema_cache_path=False, timeout=2)
    assert "very-secret" not in f"{caught.value} {caught.value!r} {caught.value.details}"


def test_the_api_key_is_in_no_error_about_files(session: Session, server_location: Any) -> None:
    data = server_location.accessor.open("no-such-component", "rb")
    with pytest.raises(exception.AccessorOperationFailedError) as caught:
        data.read()
    assert session.api_key not in f"{caught.value} {caught.value!r} {caught.value.details}"


def test_a_file_on_the_server_is_sent_once(
    session: Session, sandbox: Sandbox, server_location: Any, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_bytes(b"content")
    component = session.create_component(str(tmp_path / "a.txt"), location=None)
    session.commit()
    before = len(sandbox.calls())
    data = server_location.accessor.open(component["id"], "wb")
    data.write(b"content")
    data.flush()
    data.close()
    actions = [action for call in sandbox.calls()[before:] for action in call["actions"]]
    assert actions.count("get_upload_metadata") == 1


def test_settings_of_a_thread_end_with_it(session: Session) -> None:
    found = []

    def work() -> None:
        found.append((session.auto_populate, session.record_operations))
        session.auto_populate = False
        session.record_operations = False

    # Identifiers are used again at once by a thread that starts after another has ended.
    for _ in range(10):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert set(found) == {(True, True)}


def test_logging_goes_on_while_a_hub_reconnects() -> None:
    levels = []

    class Hub(EventHub):
        def connect(self) -> None:
            levels.append(logging.root.manager.disable)
            raise exception.EventHubConnectionError("not now")

    hub = Hub("http://127.0.0.1:1", "somebody", "key")
    with pytest.raises(exception.EventHubConnectionError):
        hub.reconnect(attempts=2, delay=0)
    assert set(levels) == {logging.NOTSET}
    assert logging.root.manager.disable == logging.NOTSET


def test_a_failed_sequence_tells_what_it_left_behind(session: Session, tmp_path: Path) -> None:
    # More frames than are copied at once: some have arrived when the last one vanishes.
    for index in range(1, 101):
        (tmp_path / f"plate.{index:04}.exr").write_bytes(b"frame")
    component = session.create_component(str(tmp_path / "plate.%04d.exr [1-100]"), location=None)
    session.commit()
    location = session.create("Location", {"name": str(tmp_path)})
    location.accessor = DiskAccessor(prefix=str(tmp_path / "disk"))
    location.structure = EntityIdStructure()
    (tmp_path / "disk").mkdir()
    last = tmp_path / f"plate.{component['members'][-1]['name']}.exr"

    def remove_last(progress: Progress) -> None:
        if progress.finished_files:
            last.unlink(missing_ok=True)

    origin = session.get("Location", ORIGIN_LOCATION_ID)
    # A second for all frames.
    slow = Transfer(on_progress=remove_last, bandwidth=500)
    with slow, pytest.raises(exception.LocationError) as caught:
        location.add_component(component, origin)
    session.rollback()
    left = caught.value.details["transferred"]
    on_disk = {path.name for path in (tmp_path / "disk").rglob("*") if path.is_file()}
    assert {os.path.basename(identifier) for _, identifier in left} == on_disk
    assert {member["id"] for member, _ in left} < {member["id"] for member in component["members"]}
    assert left
    # The text names a few, the details all.
    for _, resource_identifier in left[:4]:
        assert resource_identifier in str(caught.value)
