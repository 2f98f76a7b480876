"""Transfers, for both clients: `transfer_program.py MODULE CASE ROUNDS ARGUMENT...`.

Runs in a process of its own with the client named by MODULE (`ftrack_api` or `ftrack_rs`) and
prints one JSON object: the seconds of each round, by how many bytes the memory of the process grew
at most, and how many bytes it wrote to disk.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import uuid


class Meter:
    """Times rounds, and watches the process meanwhile."""

    def __init__(self):
        self.seconds, self.growth, self.written = [], 0, 0

    def __enter__(self):
        # Makes the peak begin anew.
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        self._before = read("status", "VmRSS") * 1024, read("io", "write_bytes")
        self._started = time.perf_counter()

    def __exit__(self, *_):
        self.seconds.append(time.perf_counter() - self._started)
        resident, written = self._before
        self.growth = max(self.growth, read("status", "VmHWM") * 1024 - resident)
        self.written = max(self.written, read("io", "write_bytes") - written)

    def outcome(self):
        """Return what `main` prints."""
        return {"seconds": self.seconds, "growth": self.growth, "written": self.written}


def read(file, name):
    """Return a number that the kernel tells of this process."""
    with open(f"/proc/self/{file}") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def publish(client, rounds, path):
    """Publish a file or a sequence to ftrack.server."""
    session, symbol, meter = new_session(client), modules(client, "symbol"), Meter()
    server = session.get("Location", symbol.SERVER_LOCATION_ID)
    for _ in range(rounds):
        with meter:
            component = session.create_component(path, location=server)
        assert server.get_component_availability(component) == 100.0
    return meter.outcome()


def publish_to_disk(client, rounds, path, folder):
    """Publish a sequence to a location on disk."""
    session, symbol, meter = new_session(client), modules(client, "symbol"), Meter()
    disk = session.ensure("Location", {"name": f"disk-{uuid.uuid4()}"})
    disk.structure = modules(client, "structure.id").IdStructure()
    origin = session.get("Location", symbol.ORIGIN_LOCATION_ID)
    for number in range(rounds):
        prefix = os.path.join(folder, f"{client.__name__}-{number}")
        disk.accessor = modules(client, "accessor.disk").DiskAccessor(prefix=prefix)
        component = session.create_component(path, location=None)
        session.commit()
        with meter:
            disk.add_component(component, origin)
        assert disk.get_component_availability(component) == 100.0
    return meter.outcome()


def new_session(client):
    """Return a session that neither loads plugins nor keeps schemas on disk."""
    return client.Session(plugin_paths=[], schema_cache_path=False)


def modules(client, name):
    """Return a module of the client."""
    return importlib.import_module(f"{client.__name__}.{name}")


CASES = (publish, publish_to_disk)


def main():
    """Run the case and print the outcome."""
    module, case, rounds, *arguments = sys.argv[1:]
    measure = {function.__name__: function for function in CASES}[case]
    print(json.dumps(measure(importlib.import_module(module), int(rounds), *arguments)))


if __name__ == "__main__":
    main()
