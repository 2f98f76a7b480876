"""Accessors as plugins bring them: data in a store that knows no files."""

from __future__ import annotations

import copy
import os
from unittest import mock

from registry import program

from programs.places import disk_location, sequence

PLUGIN = '''
import functools
import sys
import tempfile

import ftrack_api

STORE = {}


class StoredFile(ftrack_api.data.FileWrapper):
    """Fetched when it is first read, and put back as a whole when it is flushed."""

    def __init__(self, key, mode):
        self.key = key
        self.mode = mode
        self.flushed = 0
        super().__init__(tempfile.TemporaryFile())
        if "r" in mode:
            if key not in STORE:
                raise ftrack_api.exception.AccessorResourceNotFoundError(resource_identifier=key)
            self.wrapped_file.write(STORE[key])
            self.seek(0)

    def flush(self):
        super().flush()
        if "w" in self.mode:
            self.flushed += 1
            position = self.tell()
            self.seek(0)
            STORE[self.key] = self.read()
            self.seek(position)


class StoreAccessor(ftrack_api.accessor.base.Accessor):
    def __init__(self, bucket, **kw):
        self.bucket = bucket
        self.opened = []
        super().__init__(**kw)

    def __deepcopy__(self, memo):
        return self

    def key(self, resource_identifier):
        return f"{self.bucket}/{resource_identifier}"

    def list(self, resource_identifier):
        return sorted(key for key in STORE if key.startswith(self.key(resource_identifier)))

    def exists(self, resource_identifier):
        return self.key(resource_identifier) in STORE

    def is_file(self, resource_identifier):
        return self.exists(resource_identifier)

    def is_container(self, resource_identifier):
        return bool(self.list(resource_identifier)) and not self.exists(resource_identifier)

    def is_sequence(self, resource_identifier):
        raise ftrack_api.exception.AccessorUnsupportedOperationError("is_sequence")

    def open(self, resource_identifier, mode="rb"):
        data = StoredFile(self.key(resource_identifier), mode)
        self.opened.append(data)
        return data

    def remove(self, resource_identifier):
        try:
            del STORE[self.key(resource_identifier)]
        except KeyError:
            raise ftrack_api.exception.AccessorResourceNotFoundError(
                resource_identifier=resource_identifier
            )

    def make_container(self, resource_identifier, recursive=True):
        pass

    def get_container(self, resource_identifier):
        return resource_identifier.rpartition("/")[0]

    def get_url(self, resource_identifier):
        return "store://" + self.key(resource_identifier)


def configure(name, event):
    location = event["data"]["session"].ensure("Location", {"name": name})
    location.accessor = StoreAccessor("shows")
    location.structure = ftrack_api.structure.standard.StandardStructure()
    location.priority = 1 - sys.maxsize


def register(session, name=None):
    if not isinstance(session, ftrack_api.session.Session):
        return
    session.store = STORE
    session.event_hub.subscribe(
        "topic=ftrack.api.session.configure-location", functools.partial(configure, name)
    )
'''


@program
def a_store_for_a_location(t):
    folder = os.path.join(t.folder, "plugins")
    os.mkdir(folder)
    with open(os.path.join(folder, "store.py"), "w") as file:
        file.write(PLUGIN)
    session = t.open(plugin_paths=[folder], plugin_arguments={"name": t.name("store")})
    store = session.pick_location()
    t.say("picked", [store["name"], store.priority, copy.deepcopy(store.accessor).bucket])
    ids = t.tree()
    version = session.get("AssetVersion", ids.version)
    large = bytes(range(256)) * (12 * 1024) + b"the last chunk"
    movie = version.create_component(t.path("a.mov", large), {"name": "movie"}, location="auto")
    t.say("same", session.store[next(iter(session.store))] == large)
    t.say("flushed", [data.flushed for data in store.accessor.opened])
    frames = version.create_component(sequence(t), {"name": "frames"}, location=store)
    identifiers = store.get_resource_identifiers([movie, frames, *frames["members"]])
    t.say("keys", [key.partition("/")[2].partition("/")[2] for key in sorted(session.store)])
    t.say("identifiers", sorted(item.partition("/")[2] for item in identifiers))
    t.say("url", store.get_url(movie).startswith("store://shows/"))
    t.note("path", store.get_filesystem_path, movie)
    t.say("available", store.get_component_availabilities([movie, frames]))
    t.note("again", lambda: store.add_component(movie, session.pick_location(movie)))

    data = store.accessor.open(store.get_resource_identifier(movie))
    chunks = list(iter(lambda: data.read(t.api.symbol.CHUNK_SIZE), b""))
    t.say("chunks", [len(chunk) for chunk in chunks])
    t.say("content", b"".join(chunks) == large)
    server = session.get("Location", t.api.symbol.SERVER_LOCATION_ID)
    server.add_component(movie, store)
    t.say("on the server", server.accessor.open(movie["id"]).read() == large)
    store.remove_component(movie)
    store.remove_component(frames)
    t.say("left", session.store)
    t.note("gone", store.accessor.open, "nothing")


@program
def an_accessor_that_calls_no_initialiser(t):
    class Depot(t.api.accessor.disk.DiskAccessor):
        def __init__(self, root):
            self.prefix = root

    location = disk_location(t, structure=t.api.structure.entity_id.EntityIdStructure())
    root = location.accessor.prefix
    location.accessor = Depot(root)
    component = t.session.create_component(t.path("a.txt", b"text"), location=location)
    path = location.get_filesystem_path(component)
    t.say("path", os.path.relpath(path, root) == component["id"])
    with open(path, "rb") as file:
        t.say("content", file.read())


@program
def steps_that_are_patched_on_their_class(t):
    location = disk_location(t, structure=t.api.structure.entity_id.EntityIdStructure())
    disk, place = t.api.accessor.disk.DiskAccessor, t.api.entity.location.Location
    hub = t.api.event.hub.EventHub

    def failing(*arguments, **keywords):
        raise OSError("patched")

    for kind, step in ((disk, "open"), (place, "_add_data"), (place, "_get_context")):
        with mock.patch.object(kind, step, failing):
            path = t.path(f"{step}.txt", b"text")
            t.note(step, lambda path=path: t.session.create_component(path, location=location))
        t.session.rollback()
    with mock.patch.object(hub, "publish") as publish:
        component = t.session.create_component(t.path("b.txt", b"text"), location=location)
        location.remove_component(component)
    topics = [call[0][0]["topic"] for call in publish.call_args_list if call[0]]
    topics += [call[1]["event"]["topic"] for call in publish.call_args_list if "event" in call[1]]
    t.say("topics", sorted(topic for topic in topics if "location" in topic))
