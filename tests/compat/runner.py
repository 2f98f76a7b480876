"""Runs programs with one client and writes what each gave as a JSON line.

`python runner.py ftrack_api` runs them with the official client, in whose virtual environment
there is nothing else; `python runner.py ftrack_rs` with this package in its place. Further
arguments are names of programs; all are run by default. The server is the one that FTRACK_*
variables name.
"""

from __future__ import annotations

import importlib
import itertools
import json
import logging
import os
import pkgutil
import shutil
import signal
import sys
import tempfile
import traceback
import uuid

import programs
from context import Context
from recorder import Recorder
from registry import PROGRAMS
from rendering import normalise, render, render_exception

#: Seconds that a program may take.
LIMIT = 20


def load_programs():
    """Import all modules with programs, and return these by name."""
    for module in pkgutil.iter_modules(programs.__path__):
        importlib.import_module(f"programs.{module.name}")
    return PROGRAMS


def main(client, names):
    """Run the programs called *names* with *client*."""
    if client == "ftrack_rs":
        import ftrack_rs

        ftrack_rs.install_as_ftrack_api()
    api = importlib.import_module("ftrack_api")
    uuid.uuid4 = rising_ids(uuid.UUID)
    logging.getLogger().addHandler(logging.NullHandler())
    logging.getLogger("ftrack_api").setLevel(logging.CRITICAL)
    signal.signal(signal.SIGALRM, _stop)
    loaded = load_programs()
    recorder = Recorder(os.environ["FTRACK_SERVER"])
    folder = tempfile.mkdtemp()
    for name in names or loaded:
        outcome = run(api, name, loaded[name], recorder, os.path.join(folder, "program"))
        print(json.dumps({"name": name, **outcome}), flush=True)
    shutil.rmtree(folder)


def run(api, name, program, recorder, folder):
    """Return the outcome of *program*, comparable with that of another client."""
    os.mkdir(folder)
    direct_url = os.environ["FTRACK_SERVER"]
    context = Context(api, name, recorder, direct_url, folder)
    recorder.forget()
    signal.alarm(LIMIT)
    failure = None
    try:
        result = render(program(context))
    except Exception as error:
        result = render_exception(error)
        failure = traceback.format_exc()
    finally:
        signal.alarm(0)
    outcome = {"result": result, "notes": context.notes, "writes": recorder.writes()}
    reads = recorder.reads()
    context.close()
    shutil.rmtree(folder)
    replaced = {
        recorder.url.rpartition("/")[2]: "<host>",
        direct_url.rpartition("/")[2]: "<host>",
        folder: "<folder>",
        os.environ["FTRACK_API_KEY"]: "<key>",
    }
    return {**normalise(outcome, replaced), "reads": reads, "failure": failure}


def rising_ids(make):
    """Return a function in place of `uuid.uuid4` whose results sort in the order they are made.

    Servers give what is related in the order of identifiers, so that would differ at random.
    """
    numbers = itertools.count(1)
    return lambda: make(int=next(numbers) << 80, version=4)


def _stop(*_):
    raise TimeoutError(f"a program took longer than {LIMIT} s")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
