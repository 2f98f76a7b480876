from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from ftrack_rs.sandbox import Sandbox

pytest_plugins = ["pytester"]

DOCUMENT = Path(__file__).parents[2] / "docs" / "testing.md"


def run(pytester: pytest.Pytester, text: str, **ini: str) -> None:
    lines = [f"{name} = {value}" for name, value in ini.items()]
    pytester.makeini("\n".join(["[pytest]", *lines]))
    pytester.makepyfile(text)
    result = pytester.runpytest_inprocess("-p", "ftrack_rs.testing", "-p", "no:cacheprovider")
    outcomes = result.parseoutcomes()
    assert set(outcomes) == {"passed"}, result.stdout.str()


def test_the_documented_examples_pass(pytester: pytest.Pytester) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    first, *others = [part.split("```", 1)[0] for part in text.split("```python\n")[1:]]
    assert len(first.splitlines()) == 10
    run(pytester, "\n".join([first, *others]))


def test_every_fault_is_documented() -> None:
    with Sandbox(seed="empty") as sandbox, pytest.raises(ValueError, match="no fault") as error:
        sandbox.fault("api", "")
    kinds = str(error.value).split("there are ", 1)[1].replace(" and ", ", ").split(", ")
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [kind for kind in kinds if f"| `{kind}" not in text] == []


def test_a_test_sees_nothing_of_the_one_before(pytester: pytest.Pytester) -> None:
    run(
        pytester,
        """
        import pytest

        @pytest.mark.parametrize("attempt", [1, 2])
        def test_it(ftrack_session, ftrack_sandbox, attempt):
            assert ftrack_sandbox.faults() == []
            assert not ftrack_session.query("User where username is guest").first()
            ftrack_session.create("User", {"username": "guest"})
            ftrack_session.commit()
            assert len(ftrack_sandbox.calls(action="create")) == 1
            ftrack_sandbox.fault("page", status=500)
        """,
    )


def test_faults_end_with_the_test(pytester: pytest.Pytester) -> None:
    run(
        pytester,
        """
        def test_one(ftrack_faults, ftrack_sandbox):
            ftrack_faults("any", "refuse")
            assert ftrack_sandbox.faults()[0]["fault"] == "any:refuse"

        def test_other(_ftrack_server):
            assert _ftrack_server.faults() == []
        """,
    )


def test_the_server_holds_what_is_configured(pytester: pytest.Pytester) -> None:
    with Sandbox(seed="empty") as sandbox, sandbox.session() as session:
        session.create("User", {"username": "archived"})
        session.commit()
        sandbox.snapshot(pytester.path / "state")
    run(
        pytester,
        """
        def test_it(ftrack_session):
            assert ftrack_session.query("User where username is archived").one()
            assert ftrack_session.query("Project").all() == []
        """,
        ftrack_sandbox_snapshot="state",
    )


def test_an_unused_plugin_costs_nothing() -> None:
    code = "import ftrack_rs.testing, sys; print({'ftrack_rs.session', 'arrow'} & {*sys.modules})"
    imported = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert imported.stdout.strip() == b"set()"


def test_a_reset_is_quick_enough_for_every_test() -> None:
    with Sandbox() as sandbox:
        times = []
        for _ in range(10):
            started = time.perf_counter()
            sandbox.reset()
            times.append(time.perf_counter() - started)
    # Far above what it takes, for machines that are busy.
    assert sorted(times)[5] < 1
