"""A server that answers from memory, so that a benchmark times clients and nothing else.

The first time it sees a batch it asks the server given on the command line; every later time it
sends the same bytes again, to whichever client asks. `canned_server.py UPSTREAM` prints its own
address and runs until it is ended.
"""

from __future__ import annotations

import http.client
import json
import socketserver
import sys
from typing import Any
from urllib.parse import urlsplit


class Answers:
    """Answers of the server behind, as they go over the wire."""

    def __init__(self, upstream: str) -> None:
        """Initialise without answers to anything."""
        self._upstream = urlsplit(upstream).netloc
        self._by_body: dict[bytes, bytes] = {}
        self._by_meaning: dict[str, bytes] = {}

    def get(self, body: bytes, headers: dict[str, str]) -> bytes:
        """Return the whole response to a batch."""
        if body not in self._by_body:
            # Clients space and order their JSON differently, but mean the same batch.
            meaning = json.dumps(json.loads(body), sort_keys=True)
            if meaning not in self._by_meaning:
                self._by_meaning[meaning] = self._ask(body, headers)
            self._by_body[body] = self._by_meaning[meaning]
        return self._by_body[body]

    def _ask(self, body: bytes, headers: dict[str, str]) -> bytes:
        forwarded = {"content-type": "application/json"}
        forwarded.update((name, headers[name]) for name in headers if name.startswith("ftrack-"))
        connection = http.client.HTTPConnection(self._upstream, timeout=600)
        connection.request("POST", "/api", body, forwarded)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        head = (
            f"HTTP/1.1 {response.status} {response.reason}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content


class Connection(socketserver.StreamRequestHandler):
    """Answers the requests of one connection; knows only as much of HTTP as the clients use."""

    disable_nagle_algorithm = True
    server: Server

    def handle(self) -> None:
        """Answer until the client closes the connection."""
        while self.rfile.readline():
            headers = self._read_headers()
            body = self.rfile.read(int(headers.get("content-length", 0)))
            self.wfile.write(self.server.answers.get(body, headers))

    def _read_headers(self) -> dict[str, str]:
        headers = {}
        while (line := self.rfile.readline().strip()) != b"":
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        return headers


class Server(socketserver.ThreadingTCPServer):
    """Listens on any free port of this machine."""

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        """Bind, with the answers of *upstream*."""
        super().__init__(("127.0.0.1", 0), Connection)
        self.answers = Answers(upstream)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing when a client goes away, as each does at its end."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main() -> None:
    """Serve."""
    with Server(sys.argv[1]) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
