"""Plugins are found, loaded, and given the arguments they take."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from ftrack_rs.plugin import discover, load_source


def run(folder: Path, source: str, *args: Any, **kwargs: Any) -> list[Any]:
    """Return what the plugin with *source* put into the list that it is given first."""
    (folder / "plugin.py").write_text(source)
    calls: list[Any] = []
    discover([str(folder)], [calls, *args], kwargs)
    return calls


@pytest.mark.parametrize(
    ("signature", "received"),
    [
        ("calls", "()"),
        ("calls, *args", "args"),
        ("calls, *args, **kw", "(args, kw)"),
        ("calls, one", "one"),
        ("calls, one, two=None", "(one, two)"),
        ("calls, one, *, key=None", "(one, key)"),
        ("calls, key=None", "key"),
        ("calls, **kw", "kw"),
    ],
)
def test_arguments_are_cut_to_the_signature(tmp_path: Path, signature: str, received: str) -> None:
    source = f"def register({signature}):\n    calls.append({received})\n"
    values = {
        "()": (),
        "args": ("1",),
        "(args, kw)": (("1",), {"key": "k"}),
        "one": "1",
        "(one, two)": ("1", None),
        "(one, key)": ("1", "k"),
        "key": "1",
        "kw": {"key": "k"},
    }
    assert run(tmp_path, source, "1", key="k") == [values[received]]


def test_required_arguments_are_given_by_name(tmp_path: Path) -> None:
    source = "def register(calls, key):\n    calls.append(key)\n"
    assert run(tmp_path, source, key="k") == ["k"]


def test_leaving_arguments_out_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run(tmp_path, "def register(calls): pass\n", key="k")
    assert [record.name for record in caplog.records] == ["ftrack_api.plugin.discover"]


def test_no_warning_when_everything_is_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(tmp_path, "def register(calls, **kw): pass\n", key="k")
    assert not caplog.records


def test_folders_are_searched_to_the_bottom_in_order(tmp_path: Path) -> None:
    for name in ("b/plugin.py", "a/deep/er/plugin.py", "top.py", "a/notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"def register(calls): calls.append({name!r})\n")
    calls: list[str] = []
    discover([str(tmp_path), "", "  ", str(tmp_path / "missing")], [calls])
    assert calls == ["top.py", "a/deep/er/plugin.py", "b/plugin.py"]


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("def broken(:\n", "Failed to load plugin"),
        ("raise RuntimeError('no licence')\n", "no licence"),
        ("x = 1\n", 'no "register" function'),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, source: str, complaint: str
) -> None:
    (tmp_path / "a.py").write_text(source)
    (tmp_path / "b.py").write_text("def register(calls): calls.append('b')\n")
    calls: list[str] = []
    with caplog.at_level(logging.WARNING):
        discover([str(tmp_path)], [calls])
    assert calls == ["b"]
    assert complaint in caplog.text
    assert str(tmp_path / "a.py") in caplog.text


def test_an_error_in_register_goes_to_the_caller(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        run(tmp_path, "def register(calls): 1 / 0\n")


def test_load_source_runs_the_file_as_a_module(tmp_path: Path) -> None:
    path = tmp_path / "source.py"
    path.write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "@dataclass\n"
        "class Point:\n"
        "    x: int = 1\n"
    )
    module = load_source("a_plugin_of_the_tests", str(path))
    assert module.__name__ == "a_plugin_of_the_tests"
    assert module.__file__ == str(path)
    assert module.Point().x == 1
