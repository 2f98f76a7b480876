"""What is measured, written once for both clients: `client_program.py MODULE CASE ARGUMENTS`.

Runs in a process of its own with the client named by MODULE (`ftrack_api` or `ftrack_rs`) and
prints one JSON object: seconds of each round, and what proves that the work was done.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
import uuid

QUERY = (
    "select name, description, bid, status.name, type.name, priority.name from Task "
    'where project_id is "{project}"'
)
# Eight projections, three of them through references.
WIDE_QUERY = (
    "select name, description, bid, parent_id, project_id, status.name, type.name, priority.name "
    'from Task where project_id is "{project}"'
)
SCALARS = ("name", "description", "bid", "parent_id", "project_id")
CREATED = 1_000


class Stopwatch:
    """Seconds, and seconds of the processor, of the rounds of a case."""

    def __init__(self):
        self.seconds, self.processor = [], []

    def __enter__(self):
        # What the round before left behind is not this one's to pay for.
        gc.collect()
        self._started = time.perf_counter(), time.process_time()

    def __exit__(self, *_):
        self.seconds.append(time.perf_counter() - self._started[0])
        self.processor.append(time.process_time() - self._started[1])

    def outcome(self, rows, **more):
        """Return what `main` prints."""
        return {"seconds": self.seconds, "processor": self.processor, "rows": rows, **more}


def query(client, project, rounds):
    """Read every task of a project with three references, each round in a new session."""
    seconds, rows = [], 0
    for _ in range(int(rounds)):
        session = client.Session()
        started = time.perf_counter()
        tasks = session.query(QUERY.format(project=project)).all()
        seconds.append(time.perf_counter() - started)
        rows = len(tasks)
        assert tasks[-1]["status"]["name"]
        session.close()
    return {"seconds": seconds, "rows": rows}


def upload(client, pattern, rounds):
    """Publish a sequence to ftrack.server."""
    symbol = importlib.import_module(f"{client.__name__}.symbol")
    session = client.Session()
    server = session.get("Location", symbol.SERVER_LOCATION_ID)
    seconds, members = [], 0
    for _ in range(int(rounds)):
        started = time.perf_counter()
        component = session.create_component(pattern, location=server)
        seconds.append(time.perf_counter() - started)
        members = len(component["members"])
        assert server.get_component_availability(component) == 100.0
    return {"seconds": seconds, "rows": members}


def new_query(client, project, rounds):
    """Read every task of a project with eight projections, each round in a new session."""
    watch, rows = Stopwatch(), 0
    for _ in range(int(rounds)):
        session = new_session(client)
        with watch:
            tasks = session.query(WIDE_QUERY.format(project=project)).all()
        rows = len(tasks)
        assert tasks[-1]["status"]["name"]
        session.close()
    return watch.outcome(rows)


def same_query(client, project, rounds):
    """Read the tasks again in a session that has them all."""
    session, watch = new_session(client), Stopwatch()
    tasks = session.query(WIDE_QUERY.format(project=project)).all()
    for _ in range(int(rounds)):
        with watch:
            again = session.query(WIDE_QUERY.format(project=project)).all()
        assert again[-1] is tasks[-1]
    return watch.outcome(len(tasks))


def first_read(client, project, rounds):
    """Read five values of each task for the first time, three of them of references."""
    watch, read = Stopwatch(), 0
    for _ in range(int(rounds)):
        session = new_session(client)
        tasks = session.query(WIDE_QUERY.format(project=project)).all()
        with watch:
            read = sum(len(values_of(task)) for task in tasks)
        session.close()
    return watch.outcome(read)


def values_of(task):
    """Return two values of a task and three of what it refers to."""
    references = task["status"]["name"], task["type"]["name"], task["priority"]["name"]
    return task["name"], task["bid"], *references


def next_read(client, project, rounds):
    """Read five scalars of each task again and again."""
    session, watch, read = new_session(client), Stopwatch(), 0
    tasks = session.query(WIDE_QUERY.format(project=project)).all()
    for _ in range(int(rounds)):
        read = 0
        with watch:
            for task in tasks:
                for name in SCALARS:
                    task[name]
                    read += 1
    return watch.outcome(read)


def write(client, project, rounds):
    """Create tasks and commit them in a session that has 11,000 entities then.

    The ids are the same in each round and in both clients, so that the batch is too.
    """
    watch = Stopwatch()
    for _ in range(int(rounds)):
        session = new_session(client)
        tasks = session.query(WIDE_QUERY.format(project=project)).all()
        parent_id = tasks[0]["parent_id"]
        identifiers = [str(uuid.uuid5(uuid.UUID(project), str(n))) for n in range(CREATED)]
        with watch:
            for number, identifier in enumerate(identifiers):
                data = {"id": identifier, "name": f"new{number:04}", "parent_id": parent_id}
                session.create("Task", data)
            session.commit()
        assert session.get("Task", identifiers[-1])["parent_id"] == parent_id
        assert not session.recorded_operations
        session.close()
    return watch.outcome(CREATED)


def memory(client, project, rounds):
    """Keep the tasks, and tell by how many bytes the process has grown for each."""
    # What the first calls ask for once is no row's: pools, buffers, the modules of the answer.
    session = new_session(client)
    session.query(WIDE_QUERY.format(project=project) + " limit 500").all()
    session.close()
    session, watch = new_session(client), Stopwatch()
    before = resident_bytes()
    with watch:
        tasks = session.query(WIDE_QUERY.format(project=project)).all()
    gc.collect()
    return watch.outcome(len(tasks), bytes_a_row=(resident_bytes() - before) / len(tasks))


def new_session(client):
    """Return a session that neither loads plugins nor keeps schemas on disk."""
    return client.Session(plugin_paths=[], schema_cache_path=False)


def resident_bytes():
    """Return how much memory the process holds."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


CASES = (query, upload, new_query, same_query, first_read, next_read, write, memory)


def main():
    """Run the case and print the outcome."""
    module, case, *arguments = sys.argv[1:]
    measure = {function.__name__: function for function in CASES}[case]
    outcome = measure(importlib.import_module(module), *arguments)
    print(json.dumps(outcome))


if __name__ == "__main__":
    main()
