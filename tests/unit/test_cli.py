from __future__ import annotations

import os
import subprocess
import sys

import pytest

import ftrack_rs
from ftrack_rs import cli
from ftrack_rs.sandbox import Sandbox


def test_what_is_wrong_is_reported_without_a_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["sandbox", "--port", "0", "--seed", "feature:many"]) == 1
    error = capsys.readouterr().err
    assert error.startswith('ftrack-rs: no seed is called "feature:many"')
    assert "feature:7" in error


def test_faults_are_checked_before_the_server_is_announced(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["sandbox", "--port", "0", "--seed", "empty", "--fault", "api:explode"]
    assert cli.main(arguments) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert "explode" in output.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sandbox", "--port", "99999"], "A port is a number from 0 to 65535, not 99999."),
        (["sandbox", "--port", "0", "--fault", "bad"], "'bad' is no fault: it has no kind"),
        (["publish", "a.exr", "--task", "t", "--asset", "a"], "set FTRACK_SERVER, FTRACK_API_KEY"),
        (["events"], "set FTRACK_SERVER"),
        (["transfers", "resume"], "set FTRACK_SERVER"),
    ],
)
def test_mistakes_are_one_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    for name in ("FTRACK_SERVER", "FTRACK_API_USER", "FTRACK_API_KEY", "FTRACK_APIKEY"):
        monkeypatch.delenv(name, raising=False)
    assert cli.main(arguments) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(f"ftrack-rs: {said}")
    assert output.err.count("\n") == 1


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"ftrack-rs {ftrack_rs.__version__}\n"


def test_a_wrong_option_shows_how_the_command_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["transfers", "list", "--nonsense"])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("usage: ftrack-rs transfers ")
    assert "unrecognized arguments: --nonsense" in error


@pytest.mark.parametrize(
    ("url", "key", "said"),
    [
        ("http://127.0.0.1:9", "key", "Could not reach 127.0.0.1:9"),
        (None, "wrong", "Server reported error: InvalidCredentialsError("),
    ],
)
def test_an_error_is_told_once(sandbox: Sandbox, url: str | None, key: str, said: str) -> None:
    settings = {**sandbox.env(), "FTRACK_API_KEY": key}
    if url:
        settings["FTRACK_SERVER"] = url
    arguments = ["publish", "a.exr", "--task", "t", "--asset", "a"]
    finished = subprocess.run(
        [sys.executable, "-m", "ftrack_rs", *arguments],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 1
    assert finished.stderr.startswith(f"ftrack-rs: {said}")
    assert finished.stderr.count(said) == 1


def test_the_old_name_of_the_key_is_as_good_as_for_sessions(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in sandbox.env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("FTRACK_API_KEY")
    monkeypatch.setenv("FTRACK_APIKEY", sandbox.api_key)
    assert cli.main(["publish", "no.exr", "--task", "film/no", "--asset", "a"]) == 1
    assert "film" in capsys.readouterr().err
