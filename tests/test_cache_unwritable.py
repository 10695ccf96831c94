"""Building where the build cache cannot be written: elsewhere, and with one warning."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from circuits import classifier, samples

from gatewright.backends.build import build
from gatewright.compiler import native
from gatewright.runtime import cache, folders, tools
from gatewright.runtime.errors import BuildError
from gatewright.runtime.toolchain import find_compiler

CURE = r"name a folder .* GATEWRIGHT_CACHE"
SOURCE = {"f.c": b"int f(void) { return 1; }"}


@pytest.fixture(autouse=True)
def fresh(mapper, monkeypatch, tmp_path):
    """What was found out about caches is forgotten; temporary folders are below `tmp_path`."""
    monkeypatch.setattr(folders, "_refused", {})
    monkeypatch.setattr(cache, "_discarded", set())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folders._spare.cache_clear()
    yield
    folders._spare.cache_clear()


@pytest.fixture
def no_folder(mapper, monkeypatch, tmp_path):
    """The cache lies below a file."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GATEWRIGHT_CACHE", str(tmp_path / "file" / "cache"))


def made(text: bytes = b"") -> Path:
    """Build a small library; where it lies."""
    return find_compiler().build({"f.c": SOURCE["f.c"] + text}, "f")


@pytest.mark.usefixtures("no_folder")
def test_one_warning_and_a_folder_of_this_process(tmp_path, monkeypatch):
    circuit = classifier()
    with pytest.warns(UserWarning, match=rf"build cache .*Not a directory.*{CURE}") as warned:
        compiled = build(circuit, "c", "net")
    assert len(warned) == 1
    path = made()
    x = samples(circuit, 100, "uint8")
    assert np.array_equal(compiled.predict(x), circuit.predict(x))
    assert path.parents[1] == compiled.engine.path.parents[1] == folders.spare_folder()
    assert folders.spare_folder().parent == tmp_path
    monkeypatch.setattr("gatewright.runtime.toolchain.Toolchain._run", None)
    assert made() == path  # from where it was built before


def test_no_home_folder(monkeypatch):
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("GATEWRIGHT_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(folders.Path, "home", nowhere)
    with pytest.warns(UserWarning, match=f"build cache: no home folder; .*{CURE}"):
        assert folders.spare_folder() in made().parents


def test_what_a_cache_holds_is_used_though_it_cannot_be_written(build_cache, monkeypatch):
    held = made()

    def read_only(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(cache.Path, "mkdir", read_only)
    assert made() == held
    monkeypatch.undo()


def test_a_full_disk(build_cache, monkeypatch, tmp_path):
    replace = os.replace

    def full(source, target):
        if build_cache in Path(target).parents:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(cache.os, "replace", full)
    with pytest.warns(UserWarning, match=rf"No space left on device.*{CURE}"):
        assert folders.spare_folder() in made().parents
    assert not [p for p in build_cache.rglob("*") if p.is_file()]


def test_a_compiler_without_room(build_cache, monkeypatch, tmp_path):
    """It says so in its own words, if at all."""
    text = 'case "$PWD" in *cache*) echo "ld: $SAYS" >&2; exit 1;; esac\nexec cc "$@"'
    (tmp_path / "cc").write_text(f"#!/bin/sh\n{text}\n")
    (tmp_path / "cc").chmod(0o755)
    monkeypatch.setenv("CC", str(tmp_path / "cc"))
    monkeypatch.setenv("SAYS", "final close failed: No space left on device")
    with pytest.warns(UserWarning, match="No space left on device"):
        assert folders.spare_folder() in made().parents
    monkeypatch.setenv("SAYS", "terminated with signal 7")
    monkeypatch.setenv("GATEWRIGHT_CACHE", str(build_cache / "another"))
    with pytest.raises(BuildError, match="signal 7"):
        made()
    little = shutil._ntuple_diskusage(1 << 30, 1 << 30, 1 << 20)
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda _: little)
    with pytest.warns(UserWarning, match="No space left on device"):
        assert folders.spare_folder() in made().parents


@pytest.mark.usefixtures("no_folder")
def test_nothing_can_be_written(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with (
        pytest.warns(UserWarning, match="Not a directory"),
        pytest.raises(BuildError, match=rf"temporary folder: No such file.*TMPDIR; or {CURE}"),
    ):
        build(classifier(), "c", "net")


def test_temporary_folders_without_the_systems(build_cache, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with tools.copied({"a": b"b"}) as folder:
        assert folder.parent == build_cache
        assert (folder / "a").read_bytes() == b"b"
    assert not folder.exists()
    (tmp_path / "file").touch()
    monkeypatch.setenv("GATEWRIGHT_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(BuildError, match=r"temporary folder: .*TMPDIR"), tools.copied({}):
        pass


@pytest.mark.usefixtures("no_folder")
def test_folders_of_tools():
    with pytest.warns(UserWarning, match="Not a directory"):
        assert folders.tool_folder("zig").parent == folders.spare_folder()
    assert folders.tool_folder("zig").parent == folders.spare_folder()


def test_a_damaged_object_that_cannot_be_removed(build_cache, monkeypatch):
    def kept() -> bytes:
        return find_compiler().compile_object(SOURCE, "f", ())

    data = kept()
    (path,) = build_cache.rglob("*.o")
    path.write_bytes(b"\0")

    def busy(*_, **__):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(cache.Path, "unlink", busy)
    assert kept() == data


@pytest.mark.parametrize("damaged", [b"", b"\x7fELF"])
def test_the_optimisers_own_libraries_damaged_in_the_cache(build_cache, damaged):
    native.library.cache_clear()
    assert native.library("lutmap")
    (path,) = build_cache.rglob("gatewright_lutmap*")
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(damaged)
    native.library.cache_clear()
    assert native.library("lutmap")
    assert path.read_bytes() == data


_PROCESS = """
import multiprocessing, os, sys, warnings
from gatewright.runtime import folders
from gatewright.runtime.toolchain import find_compiler
warnings.simplefilter("ignore")
path = find_compiler().build({"f.c": b"int f(void) { return 1; }"}, "f")
print(path)
if hasattr(os, "fork") and not os.fork():
    sys.exit()
os.wait()
assert path.exists()
context = multiprocessing.get_context("fork")
with context.Pool(1) as pool:
    other = pool.apply(folders.spare_folder)
    assert other != folders.spare_folder()
    pool.close()
    pool.join()
assert not other.exists()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.usefixtures("no_folder")
def test_the_folder_goes_with_its_process_and_not_with_a_fork(tmp_path):
    command = [sys.executable, "-c", _PROCESS]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    said = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    path = Path(said.stdout.splitlines()[0])
    assert tmp_path in path.parents
    assert not list(tmp_path.glob("gatewright-*"))


def test_compilers_put_their_files_into_the_folder_of_the_build(build_cache, monkeypatch, tmp_path):
    text = 'case "$*" in *f.c*) [ "$TMPDIR" = "$PWD" ] || exit 1;; esac\nexec cc "$@"'
    (tmp_path / "cc").write_text(f"#!/bin/sh\n{text}\n")
    (tmp_path / "cc").chmod(0o755)
    monkeypatch.setenv("CC", str(tmp_path / "cc"))
    assert made().exists()


def test_a_cache_in_which_nothing_may_be_executed(build_cache, monkeypatch):
    from gatewright.runtime import native as building

    def refused(_, path):
        assert build_cache in Path(path).parents
        raise OSError("failed to map segment from shared object")

    native.library.cache_clear()
    monkeypatch.setattr(building, "open_library", refused)
    assert native.library("lutmap")
    native.library.cache_clear()
