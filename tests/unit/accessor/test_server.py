"""Data on the server is fetched as it is read, and sent once."""

from __future__ import annotations

import _thread
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ftrack_rs import Session, exception
from ftrack_rs.accessor.server import ServerFile
from ftrack_rs.sandbox import Sandbox

CONTENT = bytes(range(256)) * 4096


@pytest.fixture(autouse=True)
def no_faults(sandbox: Sandbox) -> Iterator[None]:
    yield
    sandbox.clear_faults()


@pytest.fixture
def stored(session: Session, server_location: Any) -> Any:
    component = session.create("FileComponent", {"name": "stored", "file_type": ".bin"})
    session.commit()
    write(server_location, component, CONTENT)
    return component


def write(location: Any, component: Any, content: bytes) -> None:
    data = location.accessor.open(component["id"], "wb")
    data.write(content)
    data.close()


def downloads(sandbox: Sandbox) -> list[dict[str, Any]]:
    return sandbox.calls(endpoint="download")


def test_reading_fetches_what_is_read(
    sandbox: Sandbox, server_location: Any, stored: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_file(*args: Any, **kw: Any) -> Any:
        raise AssertionError("reading needs no file")

    monkeypatch.setattr(tempfile, "TemporaryFile", no_file)
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", no_file)
    before = len(downloads(sandbox))
    data = server_location.accessor.open(stored["id"])
    assert isinstance(data, ServerFile)
    assert len(downloads(sandbox)) == before
    assert data.read(1000) == CONTENT[:1000]
    assert data.tell() == 1000
    assert data.read() == CONTENT[1000:]
    assert data.read() == b""
    assert len(downloads(sandbox)) == before + 1


def test_reading_begins_anywhere(server_location: Any, stored: Any) -> None:
    data = server_location.accessor.open(stored["id"])
    data.seek(-5, os.SEEK_END)
    assert data.read() == CONTENT[-5:]
    data.seek(300)
    data.seek(20, os.SEEK_CUR)
    assert (data.tell(), data.read(3)) == (320, CONTENT[320:323])
    data.seek(0)
    assert data.read() == CONTENT
    with pytest.raises(ValueError, match="before the start"):
        data.seek(-1)


@pytest.mark.parametrize("fault", ["truncate", "reset"])
def test_reading_goes_on_where_a_connection_broke(
    sandbox: Sandbox, server_location: Any, stored: Any, fault: str
) -> None:
    options: dict[str, Any] = {"reset": "middle"} if fault == "reset" else {}
    sandbox.fault("download", *([] if options else [fault]), count=1, **options)
    assert server_location.accessor.open(stored["id"]).read() == CONTENT
    status = [call["status"] for call in downloads(sandbox)][-1]
    assert status == 206


def test_what_is_not_there_is_an_error_without_the_key(
    session: Session, server_location: Any, stored: Any
) -> None:
    server_location.accessor.remove(stored["id"])
    with pytest.raises(exception.AccessorOperationFailedError, match=stored["id"]) as caught:
        server_location.accessor.open(stored["id"]).read()
    assert session.api_key not in str(caught.value)


def test_closed_data_cannot_be_read(server_location: Any, stored: Any) -> None:
    data = server_location.accessor.open(stored["id"])
    data.close()
    data.close()
    with pytest.raises(ValueError, match="closed"):
        data.read()


@pytest.mark.parametrize("use", [ServerFile.tell, ServerFile.close])
def test_waiting_for_another_reader_can_be_interrupted(
    sandbox: Sandbox, server_location: Any, stored: Any, use: Callable[[ServerFile], object]
) -> None:
    sandbox.fault("download", bandwidth=len(CONTENT) // 6)
    data = server_location.accessor.open(stored["id"])
    reading = threading.Thread(target=data.read)
    reading.start()
    while not sandbox.faults()[0]["fired"]:
        time.sleep(0.01)
    threading.Timer(0.2, _thread.interrupt_main).start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        use(data)
    assert time.monotonic() - begin < 2
    sandbox.clear_faults()
    reading.join()


def test_data_is_sent_once(sandbox: Sandbox, server_location: Any, stored: Any) -> None:
    before = len(sandbox.calls(endpoint="upload"))
    data = server_location.accessor.open(stored["id"], "wb")
    data.write(b"new")
    data.flush()
    data.close()
    assert len(sandbox.calls(endpoint="upload")) == before + 1
    assert server_location.accessor.open(stored["id"]).read() == b"new"


def test_an_empty_file_is_sent_and_read(server_location: Any, stored: Any) -> None:
    write(server_location, stored, b"")
    assert server_location.accessor.open(stored["id"]).read() == b""


def test_discarded_data_is_not_sent(
    sandbox: Sandbox, server_location: Any, stored: Any, tmp_path: Path
) -> None:
    before = len(sandbox.calls(endpoint="upload"))
    data = server_location.accessor.open(stored["id"], "wb")
    data.write(b"half")
    path = Path(data.wrapped_file.name)
    data.discard()
    assert not path.exists()
    assert len(sandbox.calls(endpoint="upload")) == before
