from __future__ import annotations

import gc
import inspect
import os
import re
import subprocess
import sys
import threading
import time
import weakref
from types import SimpleNamespace
from typing import Any

import pytest

import ftrack_rs
from ftrack_rs import Session, cache, exception, operation
from ftrack_rs.event.hub import EventHub
from ftrack_rs.sandbox import Sandbox
from ftrack_rs.session import SessionAuthentication

VARIABLES = ("FTRACK_SERVER", "FTRACK_API_KEY", "FTRACK_APIKEY", "FTRACK_API_USER")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_arguments_stand_in_the_order_that_scripts_use() -> None:
    assert inspect.getfullargspec(Session.__init__).args[1:] == [
        "server_url",
        "api_key",
        "api_user",
        "auto_populate",
        "plugin_paths",
        "cache",
        "cache_key_maker",
        "auto_connect_event_hub",
        "schema_cache_path",
        "plugin_arguments",
        "timeout",
        "cookies",
        "headers",
        "strict_api",
    ]


def test_environment_is_used(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in sandbox.env().items():
        monkeypatch.setenv(name, value)
    with Session(schema_cache_path=False, plugin_paths=[]) as session:
        assert session.server_url == sandbox.url
        assert session.api_user == sandbox.api_user
        assert session.api_key == sandbox.api_key
        assert session.server_information["version"]


def test_each_call_goes_the_way_that_the_environment_names_by_then(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask() -> None:
        assert len(session.query("Task limit 1").all()) == 1

    ask()
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with pytest.raises(exception.ServerError, match="ould not reach"):
        ask()
    monkeypatch.setenv("no_proxy", "*")
    ask()


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        ((), "server_url"),
        (("http://localhost",), "api_key"),
    ],
)
def test_missing_arguments_are_named(arguments: Any, missing: str) -> None:
    with pytest.raises(TypeError, match=f'Required "{missing}" not specified'):
        Session(*arguments)


def test_a_missing_user_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "")
    with pytest.raises(TypeError, match='Required "api_user" not specified'):
        Session("http://localhost", "key")


@pytest.mark.parametrize("name", ["cookies", "headers"])
def test_cookies_and_headers_are_mappings(sandbox: Sandbox, name: str) -> None:
    with pytest.raises(TypeError, match=f"The {name} argument is required to be a mapping"):
        sandbox.session(**{name: ["x"]})


def test_strict_api_is_a_boolean(sandbox: Sandbox) -> None:
    with pytest.raises(TypeError, match="strict_api argument is required to be a boolean"):
        sandbox.session(strict_api="yes")


@pytest.mark.parametrize("strict", [True, False])
def test_a_wrong_key_is_refused_without_showing_it(sandbox: Sandbox, strict: bool) -> None:
    with pytest.raises(exception.ServerError) as caught:
        Session(sandbox.url, "wrong-key", sandbox.api_user, strict_api=strict)
    assert str(caught.value).startswith("Server reported error: InvalidCredentialsError(")
    assert "wrong-key" not in str(caught.value)


def test_an_unreachable_server_is_named() -> None:
    with pytest.raises(exception.ServerError, match=r"127\.0\.0\.1:9"):
        Session("http://127.0.0.1:9", "secret-key", "user", timeout=5)


@pytest.mark.parametrize("timeout", [(3.05, 27), (3.05, None), (None, 27), None])
def test_a_timeout_may_be_a_pair(sandbox: Sandbox, timeout: Any) -> None:
    with sandbox.session(timeout=timeout) as session:
        assert session.request_timeout == timeout
        session.request_timeout = (5, 60)
        assert session.query("select id from User limit 1").all()


def test_the_second_of_a_pair_is_how_long_a_server_may_be_silent() -> None:
    with Sandbox() as sandbox, sandbox.session() as session:
        session.request_timeout = (60, 0.2)
        sandbox.fault("api", "black_hole")
        started = time.monotonic()
        with pytest.raises(exception.ServerError):
            session.call([{"action": "query_server_information"}])
        assert time.monotonic() - started < 30
        sandbox.clear_faults()


def test_a_timeout_of_three_values_is_refused(session: Session) -> None:
    session.request_timeout = (1, 2, 3)  # type: ignore[assignment]
    with pytest.raises(ValueError, match=r"a pair \(connect, read\): \(1, 2, 3\)"):
        session.query("select id from User limit 1").all()


def test_an_old_server_is_refused(session: Session) -> None:
    session._server_information = {"version": "3.3.10"}
    with pytest.raises(exception.ServerCompatibilityError, match=r"3\.3\.10 incompatible"):
        session.check_server_compatibility()


def test_a_closed_session_makes_no_calls(sandbox: Sandbox) -> None:
    with sandbox.session() as session:
        assert not session.closed
    assert session.closed
    session.close()
    with pytest.raises(exception.ConnectionClosedError):
        session.query("select id from User").all()


def test_a_subclass_may_skip_the_initialiser(sandbox: Sandbox) -> None:
    class OwnSession(Session):
        def __init__(self, server_url: str, key: str, user: str, hub: Any) -> None:
            super(Session, self).__init__()
            import collections
            import logging

            self.logger = logging.getLogger("ftrack_api.test")
            self._closed = False
            self._server_url, self._api_key, self._api_user = server_url, key, user
            self.recorded_operations = operation.Operations()
            self._record_operations = collections.defaultdict(lambda: True)
            self._auto_populate = collections.defaultdict(lambda: True)
            self.cache_key_maker = cache.StringKeyMaker()
            self.cache = cache.LayeredCache([cache.MemoryCache()])
            self._thread_lock = threading.RLock()
            self._managed_request = None
            self._request = SimpleNamespace(
                headers={}, cookies={}, auth=SessionAuthentication(key, user), close=lambda: None
            )
            self.request_timeout = 60
            self._server_information = self._fetch_server_information()
            self.check_server_compatibility()
            self._event_hub = hub
            self._auto_connect_event_hub_thread = None
            self._plugin_paths = []
            self._discover_plugins(plugin_arguments=None)
            self.schemas = self._load_schemas(False)
            self.types = self._build_entity_type_classes(self.schemas)
            self._configure_locations()

    hub = EventHub(sandbox.url, sandbox.api_user, sandbox.api_key)
    session = OwnSession(sandbox.url, sandbox.api_key, sandbox.api_user, hub)
    user = session.query("User").first()
    user["first_name"] = user["first_name"]
    session.commit()
    assert session.get("User", user["id"]) is user
    weakref.WeakMethod(session.close)
    session.close()


def test_settings_belong_to_the_thread(session: Session) -> None:
    seen: list[bool] = []
    with session.auto_populating(False), session.operation_recording(False):
        thread = threading.Thread(
            target=lambda: seen.extend([session.auto_populate, session.record_operations])
        )
        thread.start()
        thread.join()
        assert not session.auto_populate
        assert not session.record_operations
    assert seen == [True, True]
    assert session.auto_populate
    assert session.record_operations


def test_events_tell_plugins_of_the_session(sandbox: Sandbox, tmp_path: Any) -> None:
    (tmp_path / "plugin.py").write_text(
        "def register(session):\n"
        "    session.seen = []\n"
        "    for topic in ('configure-location', 'ready', 'reset'):\n"
        "        session.event_hub.subscribe(\n"
        "            'topic=ftrack.api.session.' + topic,\n"
        "            lambda event: session.seen.append(\n"
        "                (event['topic'], event['data']['session'])))\n"
    )
    with sandbox.session(plugin_paths=[str(tmp_path)]) as session:
        session.reset()
        prefix = "ftrack.api.session."
        topics = ["configure-location", "ready", "configure-location", "reset"]
        assert session.seen == [(prefix + topic, session) for topic in topics]


def test_schemas_are_kept_in_a_file(sandbox: Sandbox, tmp_path: Any) -> None:
    def load() -> list[list[str]]:
        before = len(sandbox.calls())
        sandbox.session(schema_cache_path=str(tmp_path / "cache")).close()
        return [call["actions"] for call in sandbox.calls()[before:]]

    information = ["query_server_information"]
    assert load() == [information, ["query_schemas"]]
    assert load() == [information]
    (tmp_path / "cache" / "ftrack_api_schema_cache.json").write_text("damaged")
    assert load() == [information, ["query_schemas"]]


def test_a_session_with_all_its_entities_is_garbage(sandbox: Sandbox) -> None:
    session = sandbox.session()
    user = weakref.ref(session.query("User").first())
    assert user() is not None
    reference = weakref.ref(session)
    session.close()
    del session
    gc.collect()
    assert reference() is None
    assert user() is None


def test_importing_is_quick_and_brings_nothing_heavy() -> None:
    program = (
        "import sys, ftrack_rs\n"
        "assert 'arrow' not in sys.modules and 'ftrack_rs.session' not in sys.modules\n"
        "ftrack_rs.event.base.Event, ftrack_rs.structure.standard, ftrack_rs.accessor.disk\n"
        "ftrack_rs.entity.location, ftrack_rs.exception, ftrack_rs.symbol, ftrack_rs.Session\n"
        "assert 'arrow' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_package_has_no_other_attributes() -> None:
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        _ = ftrack_rs.nothing_of_this_name
    assert {"Session", "entity", "sandbox", "__version__"} <= set(dir(ftrack_rs))
    assert not {"Any", "TYPE_CHECKING", "os", "submodules", "warnings"} & set(dir(ftrack_rs))


@pytest.mark.parametrize("address", ["studio.ftrackapp.com", "http:"])
def test_what_is_no_address_is_told_beside_one_that_is(address: str) -> None:
    said = f'"{address}" is no address of a server, such as https://studio.ftrackapp.com.'
    with pytest.raises(ValueError, match=re.escape(said)):
        Session(address, "key", "user")


_DAEMONS = """
import threading, time
from ftrack_rs import Session
from ftrack_rs.event.base import Event

session = Session(plugin_paths=[], auto_connect_event_hub=True)

def use():
    while True:
        session.query("Task limit 1").all()
        session.event_hub.publish(Event("test"))

def fail():
    raise ValueError("of a daemon itself")

for target in (use, use, fail):
    threading.Thread(target=target, daemon=True).start()
time.sleep(0.3)
"""


def test_daemon_threads_end_quietly_with_the_interpreter(sandbox: Sandbox) -> None:
    finished = subprocess.run(
        [sys.executable, "-c", _DAEMONS],
        env={**os.environ, **sandbox.env()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stderr.count("Traceback") == 1, finished.stderr
    assert "ValueError: of a daemon itself" in finished.stderr
