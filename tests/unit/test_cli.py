from __future__ import annotations

import pytest

from ftrack_rs import cli


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
