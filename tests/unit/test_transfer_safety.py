"""Transfers from many threads, and transfers that somebody tries to lead elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ftrack_rs import Session, exception
from ftrack_rs.sandbox import Sandbox

THREADS = 32


def test_32_threads_transfer_at_once(sandbox: Sandbox, tmp_path: Path) -> None:
    barrier = threading.Barrier(THREADS)

    def transfer(number: int) -> bytes:
        path = tmp_path / f"{number}.bin"
        path.write_bytes(bytes([number]) * (1_000 + number))
        with sandbox.session() as session:
            server = session.query('Location where name is "ftrack.server"').one()
            barrier.wait()
            component = session.create_component(str(path), location=server)
            content: bytes = server.accessor.open(component["id"], "rb").read()
            return content

    with ThreadPoolExecutor(THREADS) as pool:
        contents = list(pool.map(transfer, range(THREADS)))
    assert contents == [bytes([number]) * (1_000 + number) for number in range(THREADS)]


class Host:
    """A host that notes down what it is asked, and sends everybody elsewhere."""

    def __init__(self, elsewhere: str = "") -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                asked.append(f"{self.requestline}\n{self.headers}")
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(307 if elsewhere else 200)
                self.send_header("Location", elsewhere + self.path.partition("?")[0])
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_: Any) -> None:
                """Keep silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


@pytest.fixture
def thief() -> Iterator[Host]:
    host = Host()
    yield host
    host.stop()


@pytest.fixture
def liar(thief: Host) -> Iterator[Host]:
    """A server that sends everybody to the thief."""
    host = Host(thief.url)
    yield host
    host.stop()


def test_redirects_take_no_key_to_another_host(session: Session, liar: Host, thief: Host) -> None:
    server = session.query('Location where name is "ftrack.server"').one()
    session._server_url = liar.url
    with pytest.raises(exception.ServerError):
        session.query("Project").all()
    # Files may lie on another host: its answer, an empty file, is taken.
    assert server.accessor.open("0000", "rb").read() == b""
    with pytest.raises(exception.AccessorOperationFailedError):
        server.accessor.remove("0000")
    assert len(liar.asked) == 3
    assert session.api_key in "".join(liar.asked)
    assert session.api_key not in "".join(thief.asked)
    assert session.api_user not in "".join(thief.asked)
