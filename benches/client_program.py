"""What is measured, written once for both clients: `client_program.py MODULE CASE ARGUMENTS`.

Runs in a process of its own with the client named by MODULE (`ftrack_api` or `ftrack_rs`) and
prints one JSON object: seconds of each round, and what proves that the work was done.
"""

from __future__ import annotations

import importlib
import json
import sys
import time

QUERY = (
    "select name, description, bid, status.name, type.name, priority.name from Task "
    'where project_id is "{project}"'
)


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


def main():
    """Run the case and print the outcome."""
    module, case, *arguments = sys.argv[1:]
    outcome = {"query": query, "upload": upload}[case](importlib.import_module(module), *arguments)
    print(json.dumps(outcome))


if __name__ == "__main__":
    main()
