"""What sessions take from their surroundings: the environment, folders, and the server's version."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os

from registry import cases, family, program

PLUGIN = """
def register(session, **kw):
    session.plugins = [*getattr(session, "plugins", []), "{name}"]
"""


@contextlib.contextmanager
def environment(**values):
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@program
def plugin_folders_of_the_environment(t):
    folders = [os.path.join(t.folder, name) for name in ("studio", "show")]
    for folder in folders:
        os.mkdir(folder)
        with open(os.path.join(folder, "plugin.py"), "w") as file:
            file.write(PLUGIN.format(name=os.path.basename(folder)))
    with environment(FTRACK_EVENT_PLUGIN_PATH=os.pathsep.join(["", *folders, "/nowhere"])):
        t.say("found", t.open(plugin_paths=None).plugins)
        t.say("given", t.open(plugin_paths=folders[:1]).plugins)
        t.say("none", hasattr(t.open(plugin_paths=[]), "plugins"))


@cases("environment", "argument", "damaged", "missing folder", "no file")
def schemas_kept_on_disk(t, where):
    """Where the schemas of the server are kept, and when they are asked for."""
    folder = os.path.join(t.folder, "schemas")
    path = os.path.join(folder, "ftrack_api_schema_cache.json")
    if where != "missing folder":
        os.mkdir(folder)
    options = {"schema_cache_path": folder}
    if where == "environment":
        options = {"schema_cache_path": None}
    elif where == "no file":
        options = {"schema_cache_path": False}
    elif where == "damaged":
        with open(path, "w") as file:
            file.write("[{")
    with environment(FTRACK_API_SCHEMA_CACHE_PATH=folder):
        for label in ("first", "second"):
            asked = actions_while_opening(t, options)
            t.say(label, "query_schemas" in asked)
    if where in ("environment", "argument", "damaged"):
        with open(path, encoding="utf-8") as file:
            schemas = json.load(file)
        text = json.dumps(schemas, sort_keys=True).encode()
        digest = hashlib.md5(text).hexdigest()
        t.say("hash", digest == t.session.server_information["schema_hash"])


def actions_while_opening(t, options):
    """Return what a session asks for while it is opened."""
    asked = []

    class Session(t.api.Session):
        def call(self, data):
            asked.extend(item["action"] for item in data)
            return super().call(data)

    Session(t.url, plugin_paths=[], **options).close()
    return asked


@family(
    "check('3.3.10')",
    "check('2.9.99')",
    "check('3.3.11')",
    "check('3.10.0')",
    "check('4.13.12.2c9bd2e')",
    "check('24.1.0')",
    "check('3.3')",
    "check('dev')",
    "check('')",
    "check(None)",
)
def versions_of_servers(t):
    session = t.session

    def check(version):
        session._server_information = {"version": version}
        return session.check_server_compatibility()

    return {"check": check}


@family(
    "session.get_widget_url('info')",
    "session.encode_media(component)",
    "session.get_upload_metadata('c', 'a.mov', 10)",
    "session.send_user_invite(user)",
    "session.send_user_invites([user])",
    "session.send_review_session_invite({'id': 'x'})",
    "session.send_review_session_invites([{'id': 'x'}])",
    "user.send_invite()",
)
def actions_that_old_servers_lack(t):
    session = t.session
    component = session.create("FileComponent", {"name": "c"})
    user = session.query("User order by username").first()

    def call(data):
        raise t.api.exception.ServerError(
            f"Server reported error: ValidationError(Invalid action u'{data[0]['action']}'.)"
        )

    session.call = call
    return {"session": session, "component": component, "user": user}


@family(
    "server.accessor.get_url('some-id')",
    "server.accessor.get_thumbnail_url('some-id')",
    "server.accessor.get_thumbnail_url('some-id', 300)",
    "server.accessor.get_thumbnail_url('some-id', size=0)",
    "setattr(session, '_api_user', 'two words'), server.accessor.get_url('some-id')",
    "server.accessor.get_container('some-id')",
    "server.accessor.make_container('some-id')",
    "server.accessor.exists('some-id')",
    "server.accessor.is_file('some-id')",
    "server.accessor.is_container('some-id')",
    "server.accessor.is_sequence('some-id')",
    "server.accessor.list('some-id')",
    "server.accessor.get_filesystem_path('some-id')",
    "server.accessor.remove_container",
)
def access_to_the_server(t):
    server = t.session.get("Location", t.api.symbol.SERVER_LOCATION_ID)
    return {"session": t.session, "server": server}
