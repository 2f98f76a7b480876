"""Programs in the style of published clients: what they subclass, skip, override and keep."""

from __future__ import annotations

import atexit
import collections
import logging
import os
import queue
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

from registry import program


def session_class(api):
    """Return a session class that skips the initialiser and brings an event hub of its own.

    Servers of actions do so to take events from elsewhere.
    """

    class ProcessHub(api.event.hub.EventHub):
        def __init__(self, *arguments, **options):
            self.finished = options.pop("finished", [])
            self.dropped = 0
            super().__init__(*arguments, **options)

        def wait(self, duration=None):
            """Take what has been put into the queue, jobs included, until there is no more."""
            started = time.time()
            while True:
                try:
                    item = self._event_queue.get(timeout=0.1)
                except queue.Empty:
                    if duration is not None and time.time() - started > duration:
                        return
                    continue
                event, job = item if isinstance(item, tuple) else (item, None)
                self._handle(event)
                if job is not None:
                    self.finished.append(job)

        def _handle_packet(self, code, packet_identifier, path, data):
            if self._code_name_mapping[code] == "event":
                self.dropped += 1
                return None
            return super()._handle_packet(code, packet_identifier, path, data)

    class ServerSession(api.session.Session):
        def __init__(self, server_url, api_key, api_user, **kwargs):
            self.kwargs = kwargs
            super(api.session.Session, self).__init__()
            self.logger = logging.getLogger("studio.session")
            self._closed = False
            self._server_url = server_url.rstrip("/")
            self._api_key = api_key
            self._api_user = api_user
            self.recorded_operations = api.operation.Operations()
            self._record_operations = collections.defaultdict(lambda: True)
            self._auto_populate = collections.defaultdict(lambda: True)
            self.cache_key_maker = api.cache.StringKeyMaker()
            self.cache = api.cache.LayeredCache([api.cache.MemoryCache()])
            self._thread_lock = threading.RLock()
            self._managed_request = None
            self._request = request_defaults(api)
            self._request.auth = api.session.SessionAuthentication(api_key, api_user)
            self.request_timeout = 60
            self._server_information = self._fetch_server_information()
            self.check_server_compatibility()
            self._event_hub = ProcessHub(self._server_url, api_user, api_key)
            self._auto_connect_event_hub_thread = None
            atexit.register(weakref.WeakMethod(self.close))
            self._plugin_paths = []
            self._discover_plugins(plugin_arguments=None)
            self.schemas = self._load_schemas(False)
            self.types = self._build_entity_type_classes(self.schemas)
            api._centralized_storage_scenario.register(self)
            self._configure_locations()
            self.event_hub.publish(
                api.event.base.Event("ftrack.api.session.ready", data={"session": self}),
                synchronous=True,
            )

    return ServerSession


def request_defaults(api):
    """Return a session of requests where that is installed, else what stands in for one."""
    try:
        import requests
    except ImportError:
        import types

        request = types.SimpleNamespace(headers={}, cookies={}, auth=None, close=lambda: None)
    else:
        request = requests.Session()
    request.headers["ftrack-strict-api"] = "true"
    return request


def credentials():
    return os.environ["FTRACK_API_KEY"], os.environ["FTRACK_API_USER"]


@program
def a_session_that_skips_the_initialiser(t):
    session = session_class(t.api)(t.url, *credentials(), sock=5)
    ids = t.tree()
    task = session.get("Task", ids.task)
    t.say("kwargs", session.kwargs)
    t.say("name", task["name"])
    t.say("parent", task["parent"]["name"])
    task["name"] = "renamed"
    created = session.create("Task", {"name": "new", "parent": task["parent"]})
    session.commit()
    t.say("others", t.open().get("Task", created["id"])["name"])
    with session.auto_populating(False):
        t.say("not loaded", created["created_by"])
    server = session.get("Location", t.api.symbol.SERVER_LOCATION_ID)
    t.say("accessor", type(server.accessor).__name__)
    component = session.create_component(t.path("a.txt"), location=server)
    t.say("available", server.get_component_availability(component))
    t.say("widget", session.get_widget_url("info").startswith(t.url))
    session._local_cache.clear()
    session.rollback()
    session._configure_locations()
    t.say("again", session.get("Task", ids.task)["name"])
    session.reset()
    session.close()
    t.say("closed", session.closed)
    t.note("query", lambda: session.query("Task").first())


@program
def a_hub_with_a_queue_of_its_own(t):
    session = session_class(t.api)(t.url, *credentials())
    hub = session.event_hub
    seen = []
    hub.subscribe("topic=ftrack.update", lambda event: seen.append(event["data"]["number"]))
    for number in range(3):
        event = t.api.event.base.Event("ftrack.update", data={"number": number})
        hub._event_queue.put((event, {"id": number}) if number else event)
    hub.wait(duration=0.2)
    t.say("seen", seen)
    t.say("finished", hub.finished)
    codes = {code: name for code, name in hub._code_name_mapping.items() if code.isdigit()}
    t.say("codes", codes)
    event_code = hub._code_name_mapping["event"]
    t.say("dropped", hub._handle_packet(event_code, "", "", '{"name": "x", "args": []}'))
    t.say("queued", hub._event_queue.qsize())
    session.close()


@program
def a_hub_with_a_queue_of_its_own_is_connected(t):
    """Events come from elsewhere, while the connection is the client's business."""
    session = session_class(t.api)(t.direct_url, *credentials())
    hub = session.event_hub
    seen = []
    hub.subscribe("topic=ftrack.meta.connected or topic=ftrack.test", seen.append)
    hub.init_connection()
    session._auto_connect_event_hub_thread = threading.Thread(target=hub.connect)
    session._auto_connect_event_hub_thread.start()
    session._auto_connect_event_hub_thread.join()
    t.say("connected", hub.connected)
    hub.publish(t.api.event.base.Event("ftrack.test"))
    while not hub.dropped:
        time.sleep(0.01)
    hub.wait(duration=0)
    t.say("seen", [event["topic"] for event in seen])
    session.close()
    t.say("connected", hub.connected)


@program
def a_session_without_any_initialiser(t):
    """As wrappers do that look at their session only when it is asked for."""

    class Lazy(t.api.Session):
        def __init__(self, debug=False):
            self.debug = debug
            if not debug:
                super().__init__(t.url, plugin_paths=[], schema_cache_path=False)

        def close(self):
            self.closings = getattr(self, "closings", 0) + 1
            if not self.debug:
                super().close()

    t.say("debug", Lazy(debug=True).debug)
    with Lazy() as session:
        t.say("project", session.query("Project order by name").first()["name"])
    t.say("closings", session.closings)


@program
def a_wrapper_that_delegates(t):
    """As query languages do that keep their state on sessions."""
    session = t.session

    class Wrapper:
        def __init__(self, wrapped):
            self.delegate = wrapped
            wrapped._terminated_queries = []
            wrapped.reuse_query_results = True

        def __getattr__(self, name):
            return getattr(self.delegate, name)

    wrapper = Wrapper(session)
    ids = t.tree()
    entity = wrapper.get("Task", ids.task)
    t.say("same", entity is session.get("Task", ids.task))
    t.say("attributes", [session.reuse_query_results, session._terminated_queries])
    values = [e for e in wrapper._local_cache.values() if e.entity_type == "Task"]
    t.say("cached", values == [entity])
    before = wrapper.recorded_operations
    wrapper.delegate.recorded_operations = t.api.operation.Operations()
    entity["name"] = "renamed"
    t.say("recorded", [len(before), len(wrapper.recorded_operations)])
    wrapper.commit()
    t.say("types", len(session._build_entity_type_classes(session.schemas)) == len(session.types))
    relations = [
        attribute.name
        for attribute in entity.attributes
        if isinstance(attribute, t.api.attribute.ReferenceAttribute)
    ]
    t.say("references", sorted(relations)[:4])


@program
def a_location_plugin_for_each_project(t):
    session = t.session

    class Structure(t.api.structure.standard.StandardStructure):
        def _get_parts(self, entity):
            parts = super()._get_parts(entity)
            return [parts[0], "publish", *parts[1:]]

    class Location(t.api.entity.location.Location):
        def _add_data(self, component, resource_identifier, source):
            project = component["version"]["link"][0]["name"]
            self.projects = [*getattr(self, "projects", []), project]
            super()._add_data(component, resource_identifier, source)

    def configure(event):
        location = event["data"]["session"].ensure("Location", {"name": t.name("studio")})
        t.api.mixin(location, Location, name="StudioLocation")
        location.accessor = t.api.accessor.disk.DiskAccessor(prefix=t.folder)
        location.structure = Structure()
        location.priority = 1

    session.event_hub.subscribe("topic=ftrack.api.session.configure-location", configure)
    session._configure_locations()
    picked = session.pick_location()
    t.say("picked", [picked["name"], type(picked).__name__, picked.priority])
    tree = t.entities()
    component = tree.version.create_component(t.path("a.txt"), {"name": "main"}, location="auto")
    t.say("identifier", picked.get_resource_identifier(component))
    t.say("projects", len(picked.projects))
    session.rollback()
    session._local_cache.clear()
    t.say("lost", [item["name"] for item in session._get_locations() if item.priority == 1])
    session._configure_locations()
    t.say("found", session.pick_location()["name"] == picked["name"])


@program
def a_cascade_of_statuses(t):
    """When all tasks of a shot are done, so is the shot."""
    tree = t.entities()
    session = t.session
    done = session.query("Status where name is 'Approved'").one()
    other = session.create("Task", {"name": "other", "parent": tree.shot})
    session.commit()

    def cascade(event):
        for change in event["data"]["entities"]:
            if change["entityType"] != "task" or "statusid" not in change["keys"]:
                continue
            task = session.get("Task", change["entityId"])
            siblings = session.query(
                f"select status.name from Task where parent_id is {task['parent_id']}"
            )
            if all(item["status"]["name"] == "Approved" for item in siblings):
                task["parent"]["description"] = "all approved"
                session.commit()

    session.event_hub.subscribe("topic=ftrack.update and source.user.username!=robot", cascade)
    for task in (tree.task, other):
        task["status"] = done
        session.commit()
        session.event_hub.publish(
            t.api.event.base.Event(
                "ftrack.update",
                data={
                    "entities": [
                        {"entityType": "task", "entityId": task["id"], "keys": ["statusid"]}
                    ]
                },
                source={"user": {"username": "artist"}},
            ),
            synchronous=True,
        )
        t.say("shot", tree.shot["description"])


@program
def sixteen_threads_share_a_session(t):
    session = t.session
    project = t.tree().project
    for index in range(16):
        t.make("Folder", f"{index}", name=f"folder{index:02}", parent_id=project)
    keys = [t.id(f"Folder {index}") for index in range(16)]

    def work(index):
        folder = session.get("Folder", keys[index])
        with session.auto_populating(index % 2 == 0):
            folder["description"]
        parent = folder["parent"]
        found = session.query(f"select name from Folder where project_id is '{project}'").all()
        return [folder["name"], parent["id"] == project, len(found), session.auto_populate]

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(work, range(16)))
    t.say("results", results)
    same = {id(session.get("Folder", key)["parent"]) for key in keys}
    t.say("one project", len(same))


@program
def threads_that_commit(t):
    session = t.session
    project = t.tree().project
    lock = threading.Lock()

    def work(index):
        with lock:
            session.create("Folder", {"name": f"made{index}", "parent_id": project})
            session.commit()

    threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = t.open().query(f"select name from Folder where project_id is '{project}'")
    t.say("made", sorted(item["name"] for item in found))
    session.recorded_operations.clear()


@program
def raw_batches(t):
    """As synchronisers do that bypass entities."""
    ids = t.tree()
    session = t.session
    results = session.call(
        [
            {
                "action": "create",
                "entity_type": "Folder",
                "entity_data": {"id": t.id("f"), "name": "raw", "parent_id": ids.project},
            },
            {
                "action": "update",
                "entity_type": "Folder",
                "entity_key": [t.id("f")],
                "entity_data": {"__entity_type__": "Folder", "description": "d"},
            },
            {"action": "query", "expression": f"select name from Folder where id is '{t.id('f')}'"},
        ]
    )
    t.say("actions", [result.get("action") for result in results])
    t.say("created", [type(results[0]["data"]).__name__, results[0]["data"]["name"]])
    row = results[2]["data"][0]
    t.say("row", [type(row).__name__, row["name"], row["id"] == t.id("f")])
    t.say("not in the session", row is session.get("Folder", t.id("f")))
    queue_of = session.recorded_operations
    key = collections.OrderedDict(id=t.id("f"))
    queue_of.push(
        t.api.operation.UpdateEntityOperation(
            "Folder", key, "name", t.api.symbol.NOT_SET, "renamed"
        )
    )
    try:
        session.commit()
    finally:
        session.recorded_operations.clear()
    t.say("name", t.open().get("Folder", t.id("f"))["name"])


@program
def structure_duplicated(t):
    """As templates do that copy a hierarchy by its attributes."""
    tree = t.entities()
    session = t.session

    def copy(source, parent):
        data = {"parent": parent}
        for attribute in source.attributes:
            if attribute.name in ("name", "description", "type", "priority", "bid"):
                value = source[attribute.name]
                if attribute.mutable and value is not t.api.symbol.NOT_SET:
                    data[attribute.name] = value
        made = session.create(source.entity_type, data)
        for child in source["children"]:
            copy(child, made)
        return made

    tree.sequence["name"] = "template"
    session.commit()
    made = copy(tree.sequence, tree.project)
    made["name"] = "copied"
    session.commit()
    other = t.open().get("Sequence", made["id"])
    t.say("copied", [other["name"], [c["name"] for c in other["children"]]])
    t.say("deep", [c["name"] for c in other["children"][0]["children"]])


@program
def a_publish_as_integrations_do(t):
    """Ensure an asset, add a version with components, and fall back when a commit fails."""
    tree = t.entities()
    session = t.session
    asset_type = (
        session.query("AssetType where short is 'geo'").first()
        or session.query("AssetType order by name").first()
    )
    asset = session.query(
        f'Asset where name is "model" and parent.id is "{tree.shot["id"]}"'
    ).first()
    t.say("asset", asset)
    asset = session.create("Asset", {"name": "model", "type": asset_type, "parent": tree.shot})
    try:
        session.commit()
    except Exception:
        session.rollback()
        session._configure_locations()
        raise
    version = session.create(
        "AssetVersion",
        {"asset": asset, "task": tree.task, "comment": "published", "is_published": False},
    )
    session.commit()
    location = session.ensure("Location", {"name": t.name("managed")})
    t.api.mixin(location, t.api.entity.location.UnmanagedLocationMixin, name="Unmanaged")
    location.accessor = t.api.accessor.disk.DiskAccessor(prefix="")
    location.structure = t.api.structure.origin.OriginStructure()
    component = version.create_component(
        t.path("model.abc"), {"name": "alembic", "metadata": {"a": "1"}}, location=None
    )
    session.commit()
    origin = session.get("Location", t.api.symbol.ORIGIN_LOCATION_ID)
    location.add_component(component, origin, recursive=False)
    version["is_published"] = True
    version["metadata"].update({"frames": "1-10"})
    session.commit()
    other = t.open().get("AssetVersion", version["id"])
    t.say("version", [other["version"], other["comment"], other["is_published"]])
    t.say("metadata", dict(other["metadata"]))
    t.say(
        "component", [[c["name"], c["file_type"], dict(c["metadata"])] for c in other["components"]]
    )
    t.say("path", location.get_filesystem_path(component))
    t.say("latest", asset["latest_version"] is version)
