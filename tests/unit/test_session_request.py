"""What goes with every request, and requests that are made by hand."""

from __future__ import annotations

import logging
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from ftrack_rs import Session, exception
from ftrack_rs.sandbox import Sandbox
from ftrack_rs.session import SessionAuthentication
from ftrack_rs.session.request import Cookies, Headers, RequestDefaults, headers_of

INFORMATION = [{"action": "query_server_information"}]


def test_headers_are_known_in_any_case() -> None:
    headers = Headers({"User-Agent": "studio/1"})
    headers["user-agent"] = "studio/2"
    assert headers["USER-AGENT"] == headers.get("User-Agent") == "studio/2"
    assert "User-agent" in headers
    assert list(headers) == ["user-agent"]
    assert headers == {"User-Agent": "studio/2"}
    assert headers != {"User-Agent": "studio/1"}
    copied = headers.copy()
    del headers["User-Agent"]
    assert len(headers) == 0
    assert str(copied) == "{'user-agent': 'studio/2'}"


def test_cookies_are_set_and_removed() -> None:
    cookies = Cookies(studio="1")
    cookies.set("other", "2", domain="example.com")
    cookies.set("studio", None)
    assert cookies.get_dict() == {"other": "2"}


def test_headers_of_the_session_can_be_looked_at(sandbox: Sandbox) -> None:
    given = {"User-Agent": "studio/1", "FTRACK-STRICT-API": "maybe"}
    with sandbox.session(headers=given, cookies={"studio": "1"}) as session:
        assert session._request.headers["user-agent"] == "studio/1"
        assert session._request.headers["Ftrack-Strict-Api"] == "false"
        assert session._request.cookies.get_dict() == {"studio": "1"}
        session._request.headers["Ftrack-Strict-Api"] = "true"
        assert headers_of(session._request)["ftrack-strict-api"] == "true"
        assert session.call(INFORMATION)


def test_headers_cookies_and_credentials_are_looked_at_when_a_call_is_made(
    session: Session,
) -> None:
    session._request.headers["x-studio"] = "1"
    session._request.headers["x-nothing"] = None
    session._request.cookies["studio"] = "1"
    session.call(INFORMATION)
    session._request.auth = SessionAuthentication("other-key", session.api_user)
    with pytest.raises(exception.ServerError, match="InvalidCredentialsError"):
        session.call(INFORMATION)


def test_a_foreign_request_object_is_used(session: Session) -> None:
    session._request = SimpleNamespace(
        headers={"Accept-Encoding": "gzip, deflate", "Connection": "keep-alive"},
        cookies={},
        auth=SessionAuthentication(session.api_key, session.api_user),
        close=lambda: None,
    )
    assert session.query("select id from User limit 1").all()


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("verify", False, "REQUESTS_CA_BUNDLE"),
        ("verify", "/studio/certificates.pem", "REQUESTS_CA_BUNDLE"),
        ("proxies", {"https": "http://proxy:3128"}, "HTTPS_PROXY"),
        ("trust_env", False, "NO_PROXY"),
        ("cert", "client.pem", "cert"),
        ("adapters", {"https://": None}, "mounted adapters"),
    ],
)
def test_what_calls_do_not_heed_is_said_once(
    session: Session, caplog: pytest.LogCaptureFixture, name: str, value: Any, hint: str
) -> None:
    session.call(INFORMATION)
    assert not warnings_in(caplog)
    setattr(session._request, name, value)
    session.call(INFORMATION)
    session.call(INFORMATION)
    (warning,) = warnings_in(caplog)
    assert hint in warning


def test_certificates_that_the_environment_names_are_heeded(
    session: Session, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/studio/certificates.pem")
    session._request.verify = "/studio/certificates.pem"
    session.call(INFORMATION)
    assert not warnings_in(caplog)


def test_a_foreign_request_object_is_warned_of_too(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    authentication = SessionAuthentication(session.api_key, session.api_user)
    session._request = SimpleNamespace(
        headers={}, cookies={}, auth=authentication, close=lambda: None, verify=False
    )
    session.call(INFORMATION)
    assert "verify" in warnings_in(caplog)[0]


def test_requests_by_hand_need_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "requests", None)
    with pytest.raises(ImportError, match=r'pip install "ftrack-rs\[drop-in\]"'):
        RequestDefaults().get("http://localhost")


class RecordingSession:
    """Stands for a session of requests, which need not be installed."""

    def __init__(self) -> None:
        self.cookies: dict[str, str] = {}
        self.mounted: dict[str, Any] = {}
        self.is_closed = False
        self.made: list[Any] = []

    def mount(self, prefix: str, adapter: Any) -> None:
        self.mounted[prefix] = adapter

    def close(self) -> None:
        self.is_closed = True

    def __getattr__(self, method: str) -> Any:
        return lambda *arguments, **keywords: self.made.append((method, arguments, keywords))


def test_requests_by_hand_go_with_what_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: Any = ModuleType("requests")
    requests.Session = RecordingSession
    requests.utils = SimpleNamespace(default_headers=lambda: Headers({"Accept": "*/*"}))
    monkeypatch.setitem(sys.modules, "requests", requests)
    request = RequestDefaults(auth=len)
    request.headers["X-Studio"] = "1"
    request.cookies.set("studio", "1")
    request.verify, request.proxies = False, {"https": "http://proxy:3128"}
    request.mount("https://", "adapter")
    url = "https://studio.ftrackapp.com"
    request.get(url, timeout=5)
    request.post(url, json=[])
    session = request._session
    assert session.made == [
        ("get", (url,), {"timeout": 5}),
        ("post", (url,), {"data": None, "json": []}),
    ]
    assert session.headers["x-studio"] == "1"
    assert session.headers["user-agent"].startswith("ftrack-rs/")
    assert session.cookies == {"studio": "1"}
    assert (session.auth, session.verify, session.trust_env) == (len, False, True)
    assert session.mounted == {"https://": "adapter"}
    request.close()
    assert session.is_closed


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_answers_that_give_access_are_not_logged(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    upload = {
        "action": "get_upload_metadata",
        "component_id": "11111111-1111-4111-8111-111111111111",
        "file_name": "a.exr",
        "file_size": 1,
        "checksum": None,
    }
    with caplog.at_level(logging.DEBUG):
        url = session.call([upload])[0]["url"]
        session.call([{"action": "query", "expression": "select name from Project"}])
    assert "signature=" in url
    assert "signature=" not in caplog.text
    assert "kept secret as get_upload_metadata gives away access" in caplog.text
    assert '"__entity_type__": "Project"' in caplog.text.replace('":"', '": "')
