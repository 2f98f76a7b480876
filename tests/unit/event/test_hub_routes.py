"""Events take the way of HTTP: by its proxies, and trusting the certificates that it trusts."""

from __future__ import annotations

import contextlib
import os
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ftrack_rs.sandbox import Sandbox

CERTIFICATES = Path(__file__).parent / "certificates"
# Issued for 127.0.0.1 by an authority that no system trusts; both are for these tests only.
AUTHORITY, SERVER = CERTIFICATES / "authority.pem", CERTIFICATES / "server.pem"

# Proxies and certificates are settled when a process connects for the first time.
PROGRAM = """
import sys
from ftrack_rs.event.base import Event
from ftrack_rs.event.hub import EventHub

hub, heard = EventHub(*sys.argv[1:]), []
hub.subscribe("topic=test", heard.append)
hub.connect()
hub.publish(Event("test"))
while not heard:
    hub.wait(duration=0)
hub.disconnect()
"""


class Relay(socketserver.ThreadingTCPServer):
    """Hands bytes on in both directions."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, handler: type[socketserver.BaseRequestHandler], target: str = "") -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.address = "{}:{}".format(*self.server_address)
        #: Where to, unless who connects says so.
        self.target = target
        #: Where to they have asked for.
        self.asked: list[str] = []


class _Handler(socketserver.BaseRequestHandler):
    server: Relay

    def relay(self, near: socket.socket, target: str, head: bytes = b"") -> None:
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))) as far:
            far.sendall(head)
            back = threading.Thread(target=_pump, args=(far, near), daemon=True)
            back.start()
            _pump(near, far)
            back.join()


class TlsFront(_Handler):
    """Speaks TLS with who connects, and none with the target."""

    def handle(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(SERVER)
        # A client that trusts nobody leaves.
        with (
            contextlib.suppress(OSError),
            context.wrap_socket(self.request, server_side=True) as near,
        ):
            self.relay(near, self.server.target)


class Proxy(_Handler):
    """A proxy for HTTP, which opens tunnels too."""

    def handle(self) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.request.recv(65536)
        method, uri, _ = head.split(b" ", 2)
        target = (uri if method == b"CONNECT" else urlsplit(uri).netloc).decode()
        self.server.asked.append(target)
        if method == b"CONNECT":
            self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            head = b""
        self.relay(self.request, target, head)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def running(relay: Relay) -> Iterator[Relay]:
    with relay:
        serving = threading.Thread(target=relay.serve_forever, args=(0.05,))
        serving.start()
        try:
            yield relay
        finally:
            relay.shutdown()
            serving.join()


@pytest.fixture
def secured(sandbox: Sandbox) -> Iterator[str]:
    """Address of the server behind TLS."""
    with running(Relay(TlsFront, urlsplit(sandbox.url).netloc)) as front:
        yield front.address


@pytest.fixture
def proxy() -> Iterator[Relay]:
    with running(Relay(Proxy)) as proxy:
        yield proxy


def exchange(url: str, sandbox: Sandbox, **variables: object) -> subprocess.CompletedProcess[str]:
    """Have a process of its own receive an event of its own by way of *url*."""
    ignored = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE"}
    environment = {key: value for key, value in os.environ.items() if key.upper() not in ignored}
    environment.pop("SSL_CERT_FILE", None)
    environment.update({key: str(value) for key, value in variables.items()})
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, url, sandbox.api_user, sandbox.api_key],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_certificates_of_the_studio_are_trusted(
    sandbox: Sandbox, secured: str, variable: str
) -> None:
    finished = exchange(f"https://{secured}", sandbox, **{variable: AUTHORITY})
    assert finished.returncode == 0, finished.stderr


def test_a_folder_of_them_is_as_good(sandbox: Sandbox, secured: str, tmp_path: Path) -> None:
    # The name is what `openssl rehash` gives to it.
    (tmp_path / "0f1e2d3c.0").write_bytes(AUTHORITY.read_bytes())
    finished = exchange(f"https://{secured}", sandbox, REQUESTS_CA_BUNDLE=tmp_path)
    assert finished.returncode == 0, finished.stderr


def test_others_are_not(sandbox: Sandbox, secured: str) -> None:
    finished = exchange(f"https://{secured}", sandbox)
    assert finished.returncode == 1
    assert "EventHubConnectionError" in finished.stderr
    assert "REQUESTS_CA_BUNDLE" in finished.stderr
    assert sandbox.api_key not in finished.stderr


def test_a_proxy_carries_secured_connections(sandbox: Sandbox, secured: str, proxy: Relay) -> None:
    variables = {"HTTPS_PROXY": f"http://{proxy.address}", "REQUESTS_CA_BUNDLE": AUTHORITY}
    finished = exchange(f"https://{secured}", sandbox, **variables)
    assert finished.returncode == 0, finished.stderr
    assert set(proxy.asked) == {secured}


def test_a_proxy_carries_plain_connections(sandbox: Sandbox, proxy: Relay) -> None:
    finished = exchange(sandbox.url, sandbox, HTTP_PROXY=f"http://{proxy.address}")
    assert finished.returncode == 0, finished.stderr
    assert set(proxy.asked) == {urlsplit(sandbox.url).netloc}


def test_hosts_may_be_excepted_from_the_proxy(sandbox: Sandbox, proxy: Relay) -> None:
    finished = exchange(
        sandbox.url, sandbox, HTTP_PROXY=f"http://{proxy.address}", NO_PROXY="127.0.0.1"
    )
    assert finished.returncode == 0, finished.stderr
    assert proxy.asked == []
