"""Ctrl-C ends a send that waits for a server which reads nothing."""

from __future__ import annotations

import base64
import hashlib
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from ftrack_rs import _core

_WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@pytest.fixture
def deaf_server() -> Iterator[str]:
    """An event server that opens a websocket and reads nothing from it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kept: list[socket.socket] = []
        thread = threading.Thread(target=_open_websocket, args=(listener, kept))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()
        for connection in kept:
            connection.close()


def _open_websocket(listener: socket.socket, kept: list[socket.socket]) -> None:
    while True:
        connection, _ = listener.accept()
        kept.append(connection)
        request = b""
        while b"\r\n\r\n" not in request:
            request += connection.recv(4096)
        headers = dict(line.split(b": ", 1) for line in request.split(b"\r\n")[1:] if line)
        key = headers.get(b"sec-websocket-key")
        if key is None:
            ticket = b"1:60:60:websocket"
            head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
            connection.sendall(head % len(ticket) + ticket)
            continue
        accept = base64.b64encode(hashlib.sha1(key + _WEBSOCKET).digest())
        head = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        connection.sendall(head + b"Sec-WebSocket-Accept: %s\r\n\r\n" % accept)
        return


def test_ctrl_c_ends_it(deaf_server: str) -> None:
    connection = _core.EventConnection(deaf_server, "jane", "key", [], [], True)
    connection.connect()
    packet = "5:::" + "x" * (30 << 20)
    for _ in range(3):
        connection.send(packet)
    interrupt = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    interrupt.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        connection.send(packet)
    assert time.monotonic() - began < 5
