"""What a client does in the cells of the matrix: `program.py MODULE TIMEOUT`.

Runs in a process of its own, with the client named by MODULE (`ftrack_api` or `ftrack_rs`) and the
server named by the FTRACK_* variables. Takes tasks as JSON lines and answers one line to each: the
error, if there was one. Written once for both clients, with what both offer; only a copy on disk
is held half way in different manners.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import resource
import sys
import threading
import time

#: Set when a copy that was held half way may go on.
RESUMED = threading.Event()

#: How long a copy may take to begin before it counts as begun, in seconds.
BEGINNING = 2


class Program:
    """A session, and the tasks it is asked to do."""

    def __init__(self, module, timeout):
        self.client = importlib.import_module(module)
        self.symbol = importlib.import_module(f"{module}.symbol")
        self.data = importlib.import_module(f"{module}.data")
        self.disk_accessor = importlib.import_module(f"{module}.accessor.disk").DiskAccessor
        self.structure = importlib.import_module(f"{module}.structure.id").IdStructure
        self.session = self.client.Session(
            plugin_paths=[],
            schema_cache_path=False,
            auto_connect_event_hub=False,
            timeout=timeout,
        )
        self.session.ensure("Location", {"name": "matrix.disk"})
        self.prepared = {}

    def prepare(self, task, path, names, before):
        """Bring everything to the point at which the task can be run for each of the names."""
        if task == "publish":
            # So that the task meets connections and threads that have been used before.
            self.create(before, f"{names[0]}-before", self.server())
            return
        if task == "download":
            for name in names:
                self.prepared[name] = self.create(path, name, self.server())

    def again(self, task, path, name, folder):
        """Do the task as a program does that knows nothing of an earlier attempt."""
        if task == "download":
            found = self.session.query(f'FileComponent where name is "{name}"').one()
            self.prepared[name] = found
        self.run(task, path, name, folder, "")

    def run(self, task, path, name, folder, trouble):
        """Do the task: publish the file, or bring it to the disk location in the folder."""
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        origin = self.session.get("Location", self.symbol.ORIGIN_LOCATION_ID)
        accessor = origin.accessor
        if trouble == "short read":
            origin.accessor = self.short_accessor(prefix="")
        if trouble == "disk full":
            resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(path) // 2, limits[1]))
        try:
            if task == "publish":
                self.create(path, name, self.server())
            elif task == "download":
                self.disk(folder).add_component(self.prepared[name], self.server())
            elif trouble == "held":
                self.copy_with_a_stop(path, name, folder, origin)
            else:
                self.create(path, name, self.disk(folder))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            origin.accessor = accessor

    def forget(self):
        """Forget what a failed task has left in the session."""
        self.session.reset()
        self.prepared.clear()

    def create(self, path, name, location):
        component = self.session.create_component(path, {"name": name}, location=location)
        self.session.commit()
        return component

    def server(self):
        return self.session.get("Location", self.symbol.SERVER_LOCATION_ID)

    def disk(self, folder):
        location = self.session.query('Location where name is "matrix.disk"').one()
        location.accessor = self.disk_accessor(prefix=folder)
        location.structure = self.structure()
        return location

    def short_accessor(self, **options):
        """Return an accessor whose files end half way when they are read."""
        return reading_accessor(self.disk_accessor, self.data.File, ends_half_way, options)

    def copy_with_a_stop(self, path, name, folder, origin):
        """Copy, but tell when it has begun, and then wait for the word to go on."""
        location = self.disk(folder)
        if not hasattr(self.client, "Transfer"):
            origin.accessor = reading_accessor(
                self.disk_accessor, self.data.File, stops_after_the_first, {"prefix": ""}
            )
            self.create(path, name, location)
            return
        # So slow that a copy begins, but does not get far.
        transfer = self.client.Transfer(bandwidth=1)
        threading.Thread(target=tell_when_begun, args=(folder,), daemon=True).start()
        threading.Thread(target=resume, args=(transfer,), daemon=True).start()
        with transfer:
            self.create(path, name, location)


def reading_accessor(disk_accessor, file, read, options):
    """Return a disk accessor whose files are read by *read*, which gets the usual read."""

    class ReadingFile(file):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.reads = 0

        def read(self, limit=None):
            self.reads += 1
            return read(self, super().read, limit)

    class ReadingAccessor(disk_accessor):
        def open(self, resource_identifier, mode="rb"):
            path = self.get_filesystem_path(resource_identifier)
            return ReadingFile(path, mode) if "r" in mode else super().open(path, mode)

    return ReadingAccessor(**options)


def ends_half_way(file, read, limit):
    """Read, but find the end in the middle of the first block."""
    content = read(limit) if file.reads == 1 else b""
    return content[: len(content) // 2]


def stops_after_the_first(file, read, limit):
    """Read, but wait after the first block."""
    if file.reads == 2:
        say({"held": True})
        RESUMED.wait()
    return read(limit)


def tell_when_begun(folder):
    """Tell when there is a file in *folder*, or when none came for a while."""
    end = time.monotonic() + BEGINNING
    while time.monotonic() < end and not any(files for _, _, files in os.walk(folder)):
        time.sleep(0.005)
    say({"held": True})


def resume(transfer):
    """Let *transfer* go on when the word has come."""
    RESUMED.wait()
    transfer.limit_bandwidth(None)


def attempt(program, command):
    """Run a command; return what to say of it."""
    module = program.client.__name__
    try:
        getattr(program, command.pop("do"))(**command)
    except BaseException as error:
        kind = type(error)
        typed = kind.__module__.startswith(f"{module}.") or kind is KeyboardInterrupt
        return {"error": kind.__name__, "typed": typed, "text": str(error)}
    return {"error": None}


def attempt_in_both(program, command):
    """Run a command in this process and, with the other name, in a forked child."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        command["name"] += "-child"
        os.write(write, json.dumps(attempt(program, command)).encode())
        os._exit(0)
    os.close(write)
    here = attempt(program, command)
    with os.fdopen(read) as pipe:
        there = json.loads(pipe.read() or '{"error": "the child died", "typed": false}')
    os.waitpid(child, 0)
    return here if here["error"] else there


def say(answer):
    """Write a line."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def listen(commands):
    """Hand on the commands that come; the word to go on is heard at once."""
    for line in sys.stdin:
        if line.strip() == "resume":
            RESUMED.set()
        else:
            commands.put(json.loads(line))
    commands.put(None)


def main():
    """Do what is asked until nothing more can come."""
    program = Program(sys.argv[1], float(sys.argv[2]))
    commands = queue.Queue()
    threading.Thread(target=listen, args=(commands,), daemon=True).start()
    say({"ready": True})
    while True:
        try:
            command = commands.get()
            if command is None:
                break
            RESUMED.clear()
            in_both = command.get("trouble") == "fork"
            say((attempt_in_both if in_both else attempt)(program, command))
        except KeyboardInterrupt:
            # It came too late for what it was meant to interrupt.
            continue


if __name__ == "__main__":
    main()
