"""`import ftrack_api` gives this package, if told so, and nothing else ever does."""

from __future__ import annotations

import multiprocessing
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ftrack_rs
from ftrack_rs.cli import main

PACKAGE = str(Path(ftrack_rs.__file__).parents[1])


def run(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run *program* in a Python of its own, as what is imported cannot be undone."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "FTRACK_RS_ALLOW_DEBUG": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def run_script(
    script: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    program = "from ftrack_rs.cli import main; raise SystemExit(main())"
    return run(program, "run", str(script), *arguments, **environment)


def check(program: str, **environment: str) -> None:
    finished = run(program, **environment)
    assert finished.returncode == 0, finished.stderr


def official_package(folder: Path, content: str = "") -> Path:
    """Make what could be the official client."""
    package = folder / "ftrack_api"
    package.mkdir()
    (package / "__init__.py").write_text(content)
    return package


def test_modules_and_classes_are_the_same_under_both_names() -> None:
    check("""
import ftrack_rs
ftrack_rs.install_as_ftrack_api()
import ftrack_api
import ftrack_api.accessor.disk as disk
import ftrack_api.resource_identifier_transformer.base
import ftrack_rs.accessor.disk
from ftrack_api.exception import ServerError
from ftrack_api import symbol
assert ftrack_api is ftrack_rs
assert disk is ftrack_rs.accessor.disk
assert disk.__name__ == disk.__spec__.name == "ftrack_rs.accessor.disk"
assert ftrack_api.session.Session is ftrack_rs.Session
assert issubclass(ServerError, ftrack_rs.exception.Error)
""")


def test_every_module_can_be_imported_under_the_official_name() -> None:
    check("""
import importlib, pkgutil, ftrack_rs
ftrack_rs.install_as_ftrack_api()
for module in pkgutil.walk_packages(ftrack_rs.__path__, "ftrack_rs."):
    if not module.name.endswith(("__main__", "_core")):
        other = importlib.import_module(module.name.replace("ftrack_rs", "ftrack_api", 1))
        assert other is importlib.import_module(module.name), module.name
""")


def test_a_star_gives_the_official_names() -> None:
    check("""
import ftrack_rs
ftrack_rs.install_as_ftrack_api()
from ftrack_api import *
assert Session is session.Session
assert issubclass(exception.ServerError, exception.Error)
assert event.base.Event and structure.standard.StandardStructure
""")


def test_a_removed_module_is_imported_again() -> None:
    check("""
import sys, ftrack_rs
ftrack_rs.install_as_ftrack_api()
import ftrack_api.event.base
before = ftrack_api.event.base.Event
del sys.modules["ftrack_api"]
import ftrack_api
import ftrack_api.event.base
assert ftrack_api is ftrack_rs
assert ftrack_api.event.base.Event is before
""")


def test_installing_twice_changes_nothing() -> None:
    check("""
import sys, ftrack_rs
ftrack_rs.install_as_ftrack_api()
import ftrack_api.session
before = list(sys.meta_path)
ftrack_rs.install_as_ftrack_api()
assert sys.meta_path == before
""")


def test_scripts_see_the_version_that_is_replaced() -> None:
    check("""
import ftrack_rs
own = ftrack_rs.__version__
ftrack_rs.install_as_ftrack_api()
import ftrack_api
assert own != "3.1.0"
assert ftrack_api.__version__ == "3.1.0"
""")


def test_what_does_not_exist_cannot_be_imported() -> None:
    check("""
import ftrack_rs
ftrack_rs.install_as_ftrack_api()
try:
    import ftrack_api.nonsense
except ModuleNotFoundError as error:
    assert error.name == "ftrack_api.nonsense"
else:
    raise AssertionError
""")


def test_it_refuses_when_the_official_client_is_imported_already(tmp_path: Path) -> None:
    package = official_package(tmp_path)
    finished = run(
        """
import sys
sys.path.insert(0, sys.argv[1])
import ftrack_api, ftrack_rs
before = list(sys.meta_path)
try:
    ftrack_rs.install_as_ftrack_api()
except ImportError as error:
    print(error)
assert sys.meta_path == before
""",
        str(tmp_path),
    )
    assert finished.returncode == 0, finished.stderr
    assert "ftrack_api has been imported already" in finished.stdout
    assert str(package) in finished.stdout


def test_an_official_client_that_is_not_imported_yet_is_passed_over(tmp_path: Path) -> None:
    official_package(tmp_path, "raise AssertionError")
    check(
        "import ftrack_rs; ftrack_rs.install_as_ftrack_api(); import ftrack_api.session",
        PYTHONPATH=os.pathsep.join([str(tmp_path), PACKAGE]),
    )


def test_the_environment_variable_installs_on_import() -> None:
    check(
        "import ftrack_rs, ftrack_api; assert ftrack_api is ftrack_rs", FTRACK_RS_AS_FTRACK_API="1"
    )


def test_the_environment_variable_can_be_off() -> None:
    check(
        "import sys, ftrack_rs; assert 'ftrack_api' not in sys.modules", FTRACK_RS_AS_FTRACK_API="0"
    )


def test_a_script_runs_with_the_client_in_place(tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_text("name = 'neighbour'")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, ftrack_api, neighbour\n"
        "assert __name__ == '__main__'\n"
        "print(ftrack_api.Session.__module__.partition('.')[0], sys.argv[1:], neighbour.name)\n"
    )
    finished = run_script(script, "--flag", "word")
    assert finished.stdout.strip() == "ftrack_rs ['--flag', 'word'] neighbour", finished.stderr
    assert finished.returncode == 0


@pytest.mark.parametrize("method", sorted(multiprocessing.get_all_start_methods()))
def test_children_of_a_script_have_its_client(tmp_path: Path, method: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"""
import multiprocessing
import sys
import ftrack_api

def client(_):
    import ftrack_api.session
    return ftrack_api.session.__name__

if __name__ == "__main__":
    # As scripts do that bring a client along.
    sys.path.insert(0, {str(official_package(tmp_path).parent)!r})
    with multiprocessing.get_context({method!r}).Pool(1) as pool:
        print(*pool.map(client, range(1)))
""")
    finished = run_script(script)
    assert finished.stdout.strip() == "ftrack_rs.session", finished.stderr


def test_processes_of_a_script_have_its_client_and_their_own_customisation(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.custom = 'custom'")
    script = tmp_path / "script.py"
    script.write_text("""
import subprocess, sys
program = "import sys, ftrack_api; print(ftrack_api.__name__, sys.custom, sys.path)"
subprocess.run([sys.executable, "-c", program], check=True)
""")
    finished = run_script(script, PYTHONPATH=os.pathsep.join([str(tmp_path), PACKAGE]))
    name, custom, path = finished.stdout.split(maxsplit=2)
    assert (name, custom) == ("ftrack_rs", "custom"), finished.stderr
    assert "children" not in path


def test_a_process_of_another_installation_keeps_its_client(tmp_path: Path) -> None:
    official_package(tmp_path, "name = 'official'")
    script = tmp_path / "script.py"
    script.write_text(f"""
import os, subprocess, sys
os.environ["PYTHONPATH"] += os.pathsep + {str(tmp_path)!r}
program = '''
import sys
sys.modules["ftrack_rs"] = None
try:
    import sitecustomize
except ImportError as error:
    assert error.name == "sitecustomize"
import ftrack_api
print(ftrack_api.name)
'''
subprocess.run([sys.executable, "-S", "-c", program], check=True)
""")
    assert run_script(script).stdout.strip() == "official"


def test_a_script_that_fails_shows_its_traceback(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import ftrack_api\nraise ValueError('what went wrong')\n")
    finished = run_script(script)
    assert finished.returncode == 1
    header, place, *_, last = finished.stderr.splitlines()
    assert header == "Traceback (most recent call last):"
    assert place == f'  File "{script}", line 2, in <module>'
    assert last == "ValueError: what went wrong"


def test_a_script_ends_with_the_code_it_names(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("raise SystemExit(3)\n")
    finished = run_script(script)
    assert finished.returncode == 3


def test_a_script_that_does_not_exist_is_named(tmp_path: Path, capsys: object) -> None:
    assert main(["run", str(tmp_path / "missing.py")]) == 1


@pytest.mark.parametrize(("variable", "client"), [("1", "ftrack_rs"), ("", "None")])
def test_a_pth_file_is_enough_for_a_whole_installation(
    tmp_path: Path, variable: str, client: str
) -> None:
    text = (Path(__file__).parents[2] / "docs" / "migrating.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^\$ echo '(import os; .*)' ", text, re.MULTILINE)
    (tmp_path / "drop_in.pth").write_text(f"{line}\n")
    program = """
import site, sys
site.addsitedir(sys.argv[1])
print(sys.modules.get("ftrack_rs") and __import__("ftrack_api").__name__)
"""
    finished = run(program, str(tmp_path), FTRACK_RS_AS_FTRACK_API=variable)
    assert finished.stdout.strip() == client, finished.stderr
