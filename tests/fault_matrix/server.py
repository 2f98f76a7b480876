"""The embedded server of one client, and what really is on it.

Questions are asked over plain HTTP: no client has a say in what is true.
"""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from ftrack_rs.sandbox import Sandbox

#: Seconds until a request that a client makes has come.
_COMING = 20


class Server:
    """A server, its faults and its truth."""

    def __init__(self) -> None:
        self.sandbox = Sandbox(seed="empty")

    def stop(self) -> None:
        """Stop it."""
        self.sandbox.stop()

    def registered(self, *names: str) -> list[tuple[str, str]]:
        """Return the component and location ids of all places where components are said to be."""
        expression = (
            "select component_locations.location_id from FileComponent where "
            + " or ".join(f'name is "{name}"' for name in names)
        )
        body = json.dumps([{"action": "query", "expression": expression}]).encode()
        headers = {
            "Content-Type": "application/json",
            "ftrack-user": self.sandbox.api_user,
            "ftrack-api-key": self.sandbox.api_key,
        }
        request = urllib.request.Request(f"{self.sandbox.url}/api", body, headers)
        with urllib.request.urlopen(request) as answer:
            components = json.load(answer)[0]["data"]
        return [
            (component["id"], place["location_id"])
            for component in components
            for place in component["component_locations"]
        ]

    def content(self, component_id: str) -> bytes | None:
        """Return the bytes of a component in ftrack.server, or None if there are none."""
        url = (
            f"{self.sandbox.url}/component/get?id={component_id}"
            f"&username={self.sandbox.api_user}&apiKey={self.sandbox.api_key}"
        )
        try:
            with urllib.request.urlopen(url) as answer:
                content: bytes = answer.read()
                return content
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def file(self, name: str) -> Path:
        """Return the file on the server's disk that holds a component."""
        component_id, _ = self.registered(name)[0]
        for folder, _, files in os.walk(self.sandbox.data_dir):
            for file in files:
                if component_id in file:
                    return Path(folder, file)
        raise FileNotFoundError(component_id)

    def set(self, endpoint: str, kind: str, *options: str) -> None:
        """Set a fault."""
        self.sandbox.fault(":".join([endpoint, kind, *filter(None, options)]))

    def has_met(self) -> bool:
        """Whether a request has met the fault that was set."""
        return any(fault["fired"] for fault in self.sandbox.faults())

    def wait_for_request(self) -> bool:
        """Wait until a request has met the fault; return whether one has."""
        end = time.monotonic() + _COMING
        while not self.has_met() and time.monotonic() < end:
            time.sleep(0.002)
        return self.has_met()

    def has_received_parts(self) -> bool:
        """Whether a part of a file has been uploaded, rather than a whole one."""
        return any(call["path"].count("/") > 2 for call in self.calls("upload"))

    def calls(self, endpoint: str = "api", action: str | None = None) -> list[dict[str, Any]]:
        """Return the requests since the last cell."""
        return self.sandbox.calls(action, endpoint)

    def forget(self) -> None:
        """Forget faults and requests."""
        self.sandbox.clear_faults()
        self.sandbox.clear_calls()
