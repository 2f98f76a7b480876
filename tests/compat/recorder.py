"""A server that passes everything on to another one and keeps the API calls.

It stands between a client and the embedded server, so that what is compared is what went over the
wire, whichever client it came from.
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

#: Actions that change nothing on the server.
READS = {"query", "query_server_information", "query_schemas"}


class Recorder:
    """Passes calls on to the server at *url* and keeps their operations.

    Attributes:
        url: Where clients connect.
    """

    def __init__(self, url):
        self._operations = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, urlsplit(url).netloc))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def keep(self, path, body):
        """Keep the operations of a call of the API."""
        if path != "/api":
            return
        operations = json.loads(body)
        if not isinstance(operations, list):
            operations = [operations]
        with self._lock:
            # What is no operation at all is kept as a write that has to be the same.
            self._operations.extend(
                item if isinstance(item, dict) else {"action": item} for item in operations
            )

    def forget(self):
        """Forget all operations so far."""
        with self._lock:
            self._operations.clear()

    def writes(self):
        """Return the operations that change something, oldest first."""
        with self._lock:
            return [item for item in self._operations if item.get("action") not in READS]

    def reads(self):
        """Return the operations that change nothing, oldest first."""
        with self._lock:
            return [item for item in self._operations if item.get("action") in READS]


def _handler(recorder, netloc):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self):
            super().setup()
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._upstream = http.client.HTTPConnection(netloc, timeout=60)

        def finish(self):
            self._upstream.close()
            super().finish()

        def _forward(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.command == "POST":
                recorder.keep(self.path, body)
            headers = {name: value for name, value in self.headers.items() if name != "Host"}
            headers["Host"] = netloc
            self._upstream.request(self.command, self.path, body=body or None, headers=headers)
            answer = self._upstream.getresponse()
            content = answer.read()
            self.send_response_only(answer.status, answer.reason)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _forward

        def log_message(self, *arguments):
            """Say nothing."""

    return Handler
