"""Transfers, for both clients: `transfer_program.py MODULE CASE ARGUMENT...`.

Runs in a process of its own with the client named by MODULE (`ftrack_api` or `ftrack_rs`). For each
line of its input it runs one round, so that contenders can take turns, and prints one JSON object:
the seconds that took, by how many bytes the memory of the process grew, and how many bytes it wrote
to disk.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import sys
import time
import uuid


class Meter:
    """Times one round, and watches the process meanwhile."""

    def __enter__(self):
        # Makes the peak begin anew.
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        self._before = read("status", "VmRSS") * 1024, read("io", "write_bytes")
        self._started = time.perf_counter()
        return self

    def __exit__(self, *_):
        seconds = time.perf_counter() - self._started
        resident, written = self._before
        growth = read("status", "VmHWM") * 1024 - resident
        written = read("io", "write_bytes") - written
        self.outcome = {"seconds": seconds, "growth": growth, "written": written}


def read(file, name):
    """Return a number that the kernel tells of this process."""
    with open(f"/proc/self/{file}") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def publish(client, path):
    """Publish a file or a sequence to ftrack.server, once for each time that more is asked for."""
    session, symbol = new_session(client), modules(client, "symbol")
    server = session.get("Location", symbol.SERVER_LOCATION_ID)
    while True:
        with Meter() as meter:
            component = session.create_component(path, location=server)
        assert server.get_component_availability(component) == 100.0
        yield meter.outcome


def publish_to_disk(client, path, folder):
    """Publish a sequence to a location on disk, each time into a folder of its own."""
    session, symbol = new_session(client), modules(client, "symbol")
    disk = session.ensure("Location", {"name": f"disk-{uuid.uuid4()}"})
    # All files side by side, as sequences usually are, and as cp copies them.
    disk.structure = modules(client, "structure.entity_id").EntityIdStructure()
    origin = session.get("Location", symbol.ORIGIN_LOCATION_ID)
    for number in itertools.count():
        prefix = os.path.join(folder, f"{client.__name__}-{number}")
        disk.accessor = modules(client, "accessor.disk").DiskAccessor(prefix=prefix)
        component = session.create_component(path, location=None)
        session.commit()
        with Meter() as meter:
            disk.add_component(component, origin)
        assert disk.get_component_availability(component) == 100.0
        yield meter.outcome


def new_session(client):
    """Return a session that neither loads plugins nor keeps schemas on disk."""
    return client.Session(plugin_paths=[], schema_cache_path=False)


def modules(client, name):
    """Return a module of the client."""
    return importlib.import_module(f"{client.__name__}.{name}")


CASES = (publish, publish_to_disk)


def main():
    """Run the rounds that are asked for and print what each gave."""
    module, case, *arguments = sys.argv[1:]
    measure = {function.__name__: function for function in CASES}[case]
    rounds = measure(importlib.import_module(module), *arguments)
    for _ in sys.stdin:
        print(json.dumps(next(rounds)), flush=True)


if __name__ == "__main__":
    main()
