"""A disk accessor reads and writes its folder, and nothing else."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ftrack_rs.accessor.disk import DiskAccessor, error_handler
from ftrack_rs.exception import (
    AccessorContainerNotEmptyError,
    AccessorError,
    AccessorFilesystemPathError,
    AccessorOperationFailedError,
    AccessorParentResourceNotFoundError,
    AccessorPermissionDeniedError,
    AccessorResourceInvalidError,
    AccessorResourceNotFoundError,
    AccessorUnsupportedOperationError,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file and two folders, beside things that are none of its business."""
    folder = tmp_path / "projects"
    (folder / "show" / "empty").mkdir(parents=True)
    (folder / "show" / "plate.exr").write_bytes(b"pixels")
    (tmp_path / "projects_secret").mkdir()
    (tmp_path / "projects_secret" / "salaries.txt").write_text("secret")
    return folder


@pytest.fixture
def accessor(folder: Path) -> DiskAccessor:
    return DiskAccessor(str(folder))


def read(accessor: DiskAccessor, identifier: str) -> Any:
    """Return the content of a file, as the accessor reads it."""
    data = accessor.open(identifier)
    try:
        return data.read()
    finally:
        data.close()


OPERATIONS: dict[str, Callable[[DiskAccessor, str], Any]] = {
    "get_filesystem_path": DiskAccessor.get_filesystem_path,
    "exists": DiskAccessor.exists,
    "is_file": DiskAccessor.is_file,
    "is_container": DiskAccessor.is_container,
    "list": DiskAccessor.list,
    "open": DiskAccessor.open,
    "write": lambda accessor, identifier: accessor.open(identifier, "wb"),
    "remove": DiskAccessor.remove,
    "remove_container": DiskAccessor.remove_container,
    "make_container": DiskAccessor.make_container,
    "get_container": DiskAccessor.get_container,
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    "identifier",
    [
        "../projects_secret/salaries.txt",
        "..",
        "show/../../projects_secret",
        "{parent}/projects_secret/salaries.txt",
        "{parent}/projects_secret",
        "{parent}",
        "/etc/passwd",
        "link_to_folder/salaries.txt",
        "link_to_file",
        "link_to_nothing",
    ],
)
def test_nothing_outside_the_prefix_is_touched(
    folder: Path, accessor: DiskAccessor, operation: str, identifier: str
) -> None:
    secret = folder.parent / "projects_secret"
    (folder / "link_to_folder").symlink_to(secret)
    (folder / "link_to_file").symlink_to(secret / "salaries.txt")
    (folder / "link_to_nothing").symlink_to(secret / "new.txt")
    with pytest.raises(AccessorFilesystemPathError, match="outside of configured prefix"):
        OPERATIONS[operation](accessor, identifier.format(parent=folder.parent))
    assert [path.name for path in secret.iterdir()] == ["salaries.txt"]
    assert (secret / "salaries.txt").read_text() == "secret"


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("prefix", ["", "/tmp"])
def test_null_characters_are_refused(prefix: str, operation: str) -> None:
    with pytest.raises(AccessorFilesystemPathError):
        OPERATIONS[operation](DiskAccessor(prefix), "show/plate.exr\0.jpg")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["..", ".", "", "show", "a b", "/", "~"]), max_size=6))
def test_every_path_is_below_the_prefix(folder: Path, parts: list[str]) -> None:
    accessor = DiskAccessor(str(folder))
    try:
        path = accessor.get_filesystem_path("/".join(parts))
    except AccessorFilesystemPathError:
        return
    assert Path(path) == folder or folder in Path(path).parents


@pytest.mark.parametrize(
    ("identifier", "path"),
    [
        ("", ""),
        (".", ""),
        ("show/plate.exr", "show/plate.exr"),
        ("show//./plate.exr", "show/plate.exr"),
        ("show/../show/plate.exr", "show/plate.exr"),
        ("{prefix}/show", "show"),
        ("{prefix}", ""),
        ("new/file.exr", "new/file.exr"),
        ("..hidden/file", "..hidden/file"),
    ],
)
def test_filesystem_path(folder: Path, accessor: DiskAccessor, identifier: str, path: str) -> None:
    found = accessor.get_filesystem_path(identifier.format(prefix=folder))
    assert found == str(folder / path)


def test_links_within_the_prefix_are_followed(folder: Path, accessor: DiskAccessor) -> None:
    (folder / "latest").symlink_to("show")
    assert read(accessor, "latest/plate.exr") == b"pixels"


def test_links_out_of_the_prefix_can_be_allowed(folder: Path) -> None:
    (folder / "other_disk").symlink_to(folder.parent / "projects_secret")
    accessor = DiskAccessor(str(folder), follow_symlinks=True)
    assert accessor.is_file("other_disk/salaries.txt")
    with pytest.raises(AccessorFilesystemPathError):
        accessor.exists("../projects_secret/salaries.txt")


def test_the_prefix_itself_may_be_a_link(folder: Path) -> None:
    mount = folder.parent / "mount"
    mount.symlink_to(folder)
    accessor = DiskAccessor(str(mount))
    assert accessor.get_filesystem_path("show/plate.exr") == str(mount / "show/plate.exr")
    assert accessor.exists("show/plate.exr")


def test_prefix_is_expanded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE", str(folder.parent))
    monkeypatch.setenv("HOME", str(folder))
    assert DiskAccessor("$STORAGE/projects/").prefix == str(folder)
    assert DiskAccessor("~/show").prefix == str(folder / "show")


def test_prefix_may_be_changed(folder: Path, accessor: DiskAccessor) -> None:
    accessor.prefix = str(folder / "show") + os.sep
    assert accessor.exists("plate.exr")
    assert accessor.get_container("plate.exr") == ""
    with pytest.raises(AccessorFilesystemPathError):
        accessor.exists("../show_2")


@pytest.mark.parametrize("prefix", ["", None])
def test_without_a_prefix_paths_are_taken_as_they_are(folder: Path, prefix: str | None) -> None:
    accessor = DiskAccessor(prefix)
    path = str(folder / "show" / "plate.exr")
    assert accessor.get_filesystem_path(path) == path
    assert accessor.get_container(path) == str(folder / "show")
    assert read(accessor, path) == b"pixels"
    assert accessor.get_filesystem_path("") == ""


def test_list(folder: Path, accessor: DiskAccessor) -> None:
    assert sorted(accessor.list("show")) == ["show/empty", "show/plate.exr"]
    assert accessor.list("") == ["show"]


@pytest.mark.parametrize(
    ("identifier", "exists", "is_file", "is_container"),
    [
        ("show/plate.exr", True, True, False),
        ("show/empty", True, False, True),
        ("show/missing", False, False, False),
    ],
)
def test_kinds(
    accessor: DiskAccessor, identifier: str, exists: bool, is_file: bool, is_container: bool
) -> None:
    assert accessor.exists(identifier) is exists
    assert accessor.is_file(identifier) is is_file
    assert accessor.is_container(identifier) is is_container


@pytest.mark.parametrize(
    ("operation", "identifier", "error"),
    [
        ("list", "show/missing", AccessorResourceNotFoundError),
        ("list", "show/plate.exr", AccessorResourceInvalidError),
        ("open", "show/missing", AccessorResourceNotFoundError),
        ("open", "show/empty", AccessorResourceInvalidError),
        ("open", "show/plate.exr/child", AccessorResourceInvalidError),
        ("write", "show/empty", AccessorResourceInvalidError),
        ("write", "missing/file", AccessorResourceNotFoundError),
        ("remove", "show/missing", AccessorResourceNotFoundError),
        ("remove", "show", AccessorContainerNotEmptyError),
        ("make_container", "show/plate.exr", AccessorResourceInvalidError),
        ("make_container", "show/plate.exr/child", AccessorResourceInvalidError),
        ("get_container", "", AccessorParentResourceNotFoundError),
    ],
)
def test_errors(
    accessor: DiskAccessor, operation: str, identifier: str, error: type[AccessorError]
) -> None:
    with pytest.raises(error) as caught:
        OPERATIONS[operation](accessor, identifier)
    assert caught.value.details["resource_identifier"] == identifier


def test_sequences_are_unknown_to_a_disk(accessor: DiskAccessor) -> None:
    with pytest.raises(AccessorUnsupportedOperationError, match="is_sequence"):
        accessor.is_sequence("show")


def test_remove(folder: Path, accessor: DiskAccessor) -> None:
    accessor.remove("show/plate.exr")
    accessor.remove_container("show/empty")
    assert list((folder / "show").iterdir()) == []


def test_remove_takes_the_link_and_not_what_it_leads_to(
    folder: Path, accessor: DiskAccessor
) -> None:
    (folder / "link").symlink_to("show/empty")
    accessor.remove("link")
    assert (folder / "show" / "empty").is_dir()
    assert not (folder / "link").is_symlink()


def test_make_container(folder: Path, accessor: DiskAccessor) -> None:
    accessor.make_container("a/b/c")
    accessor.make_container("a/b/c")
    accessor.make_container("a/d", recursive=False)
    accessor.make_container("a/d", recursive=False)
    assert sorted(path.name for path in (folder / "a").iterdir()) == ["b", "d"]
    with pytest.raises(AccessorParentResourceNotFoundError):
        accessor.make_container("x/y", recursive=False)


@pytest.mark.parametrize(
    ("identifier", "container"),
    [("show/plate.exr", "show"), ("show", ""), ("{prefix}/a/b/c", "a/b"), ("a/b/", "a")],
)
def test_get_container(
    folder: Path, accessor: DiskAccessor, identifier: str, container: str
) -> None:
    assert accessor.get_container(identifier.format(prefix=folder)) == container


class TestWriting:
    def test_a_file_appears_when_it_is_closed(self, folder: Path, accessor: DiskAccessor) -> None:
        data = accessor.open("show/new.exr", "wb")
        data.write(b"half")
        data.flush()
        assert not accessor.exists("show/new.exr")
        assert sorted(accessor.list("show")) == ["show/empty", "show/plate.exr"]
        data.write(b"whole")
        data.close()
        data.close()
        assert (folder / "show" / "new.exr").read_bytes() == b"halfwhole"
        assert len(os.listdir(folder / "show")) == 3

    def test_the_old_content_stays_until_then(self, accessor: DiskAccessor) -> None:
        data = accessor.open("show/plate.exr", "wb")
        data.write(b"new")
        data.flush()
        assert read(accessor, "show/plate.exr") == b"pixels"
        data.close()
        assert read(accessor, "show/plate.exr") == b"new"

    def test_what_is_never_closed_leaves_nothing(
        self, folder: Path, accessor: DiskAccessor
    ) -> None:
        data = accessor.open("show/plate.exr", "wb")
        data.write(b"new")
        del data
        assert sorted(os.listdir(folder / "show")) == ["empty", "plate.exr"]
        assert read(accessor, "show/plate.exr") == b"pixels"

    def test_failing_to_close_leaves_nothing(self, folder: Path, accessor: DiskAccessor) -> None:
        data = accessor.open("show/new", "wb")
        (folder / "show" / "new").mkdir()
        with pytest.raises(AccessorResourceInvalidError):
            data.close()
        assert sorted(os.listdir(folder / "show")) == ["empty", "new", "plate.exr"]

    def test_the_mode_of_the_file_is_kept(self, folder: Path, accessor: DiskAccessor) -> None:
        path = folder / "show" / "plate.exr"
        path.chmod(0o640)
        accessor.open("show/plate.exr", "wb").close()
        assert path.stat().st_mode & 0o777 == 0o640

    def test_a_new_file_has_the_usual_mode(self, folder: Path, accessor: DiskAccessor) -> None:
        accessor.open("new", "wb").close()
        (folder / "other").write_bytes(b"")
        assert (folder / "new").stat().st_mode == (folder / "other").stat().st_mode

    def test_a_link_stays_a_link(self, folder: Path, accessor: DiskAccessor) -> None:
        (folder / "latest.exr").symlink_to("show/plate.exr")
        data = accessor.open("latest.exr", "wb")
        data.write(b"new")
        data.close()
        assert (folder / "latest.exr").is_symlink()
        assert (folder / "show" / "plate.exr").read_bytes() == b"new"

    @pytest.mark.parametrize(
        ("mode", "content", "expected"),
        [
            ("ab", b"+", b"pixels+"),
            ("r+b", b"P", b"Pixels"),
            ("w+b", b"new", b"new"),
            ("w", "text", b"text"),
        ],
    )
    def test_modes(
        self, folder: Path, accessor: DiskAccessor, mode: str, content: Any, expected: bytes
    ) -> None:
        data = accessor.open("show/plate.exr", mode)
        data.write(content)
        data.close()
        assert (folder / "show" / "plate.exr").read_bytes() == expected

    def test_a_long_name_can_be_written(self, folder: Path, accessor: DiskAccessor) -> None:
        name = "n" * 255
        accessor.open(name, "wb").close()
        assert (folder / name).is_file()


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.ENOENT, AccessorResourceNotFoundError),
        (errno.EPERM, AccessorPermissionDeniedError),
        (errno.EACCES, AccessorPermissionDeniedError),
        (errno.ENOTEMPTY, AccessorContainerNotEmptyError),
        (errno.ENOTDIR, AccessorResourceInvalidError),
        (errno.EISDIR, AccessorResourceInvalidError),
        (errno.EINVAL, AccessorResourceInvalidError),
        (errno.ENOSPC, AccessorOperationFailedError),
        (None, AccessorOperationFailedError),
    ],
)
def test_error_handler(number: int | None, error: type[AccessorError]) -> None:
    cause = OSError("reason") if number is None else OSError(number, "reason")
    with (
        pytest.raises(error) as caught,
        error_handler(operation="test", resource_identifier="a.exr"),
    ):
        raise cause
    assert type(caught.value) is error
    assert caught.value.__cause__ is cause
    assert caught.value.details["error"] is cause


def test_error_handler_lets_other_errors_through() -> None:
    with pytest.raises(ZeroDivisionError), error_handler(operation="test"):
        raise ZeroDivisionError
