"""The build cache: what it shares, where it is, and what damages it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from circuits import classifier, samples

from gatewright.backends.build import build
from gatewright.backends.c.backend import C
from gatewright.runtime import cache, folders
from gatewright.runtime.errors import BuildError
from gatewright.runtime.toolchain import Toolchain, find_compiler

pytestmark = pytest.mark.usefixtures("mapper")


def test_a_second_build_comes_from_the_cache(build_cache, monkeypatch):
    first = build(classifier(), "c", "net")
    monkeypatch.setattr(
        "gatewright.runtime.toolchain.Toolchain._run", lambda *_: pytest.fail("compiled again")
    )
    second = build(classifier(), "c", "net")
    assert first.engine.path == second.engine.path
    assert build_cache in first.engine.path.parents


def test_only_libraries_and_shared_objects_stay(build_cache):
    path = build(classifier(), "c", "net").engine.path
    files = [p for p in build_cache.rglob("*") if p.is_file()]
    assert [p for p in files if p.suffix != ".o"] == [path]  # besides objects that circuits share
    assert {p for p in build_cache.rglob("*") if p.is_dir()} == {p.parent for p in files}


def test_what_killed_builds_left_is_removed_after_a_day(build_cache):
    old, new = build_cache / "0" / "making-old", build_cache / "0" / "making-new"
    for left in (old, new):
        left.mkdir(parents=True)
        (left / "net.c").touch()
    os.utime(old, (0, 0))
    build(classifier(), "c", "net")
    assert not old.exists()
    assert new.exists()


def test_other_circuits_flags_and_names_do_not_collide(build_cache):
    artifact = C().emit(C().prepare(classifier()), "net")
    paths = {
        find_compiler().build(artifact.files, "net"),
        find_compiler().build(artifact.files, "net", ("-O0",)),
        build(classifier(seed=1), "c", "net").engine.path,
        build(classifier(), "c", "other").engine.path,
    }
    assert len(paths) == 4


_BUILD = """
import numpy, sys
sys.path.insert(0, {tests!r})
from circuits import classifier, samples
import gatewright as gw
from gatewright.backends.build import build
circuit = classifier()
x = samples(circuit, 100, "uint8")
assert numpy.array_equal(build(circuit, "c", "net").predict(x), circuit.predict(x))
"""


def test_processes_share_the_cache(build_cache):
    text = _BUILD.format(tests=str(Path(__file__).parent))
    running = [subprocess.Popen([sys.executable, "-c", text]) for _ in range(4)]
    assert [process.wait() for process in running] == [0] * 4
    files = [path for path in build_cache.rglob("*") if path.is_file()]
    assert len([path for path in files if path.name == "net.so"]) == 1
    assert len({path.name for path in files}) == len(files)


def test_where_the_cache_is(monkeypatch):
    monkeypatch.delenv("GATEWRIGHT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert folders.cache_folder() == Path("/x/gatewright")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert folders.cache_folder() == Path.home() / ".cache" / "gatewright"


def test_a_relative_cache(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEWRIGHT_CACHE", "cache")
    assert tmp_path / "cache" in build(classifier(), "c", "net").engine.path.parents


def test_a_library_damaged_in_the_cache_is_built_again(build_cache):
    circuit = classifier()
    path = build(circuit, "c", "net").engine.path
    path.unlink()  # a new file, since the old one is still loaded
    path.write_bytes(b"")
    x = samples(circuit, 100, "uint8")
    assert np.array_equal(build(circuit, "c", "net").predict(x), circuit.predict(x))


@pytest.mark.parametrize("damaged", [lambda data: data[:-5], lambda data: b"\0" + data[1:]])
def test_objects_damaged_in_the_cache_are_built_again(build_cache, damaged):
    build(classifier(), "c", "net")
    objects = list(build_cache.rglob("*.o"))
    assert objects
    whole = [path.read_bytes() for path in objects]
    for path, data in zip(objects, whole, strict=True):
        path.write_bytes(damaged(data))
    circuit = classifier(seed=2)
    x = samples(circuit, 100, "uint8")
    assert np.array_equal(build(circuit, "c", "net").predict(x), circuit.predict(x))
    used = [path.read_bytes() == data for path, data in zip(objects, whole, strict=True)]
    assert any(used)  # those that circuits of other sizes share


def test_a_cache_that_damages_what_it_holds(build_cache, monkeypatch):
    def truncated(source, target):
        target.write_bytes(source.read_bytes()[:-1])

    monkeypatch.setattr(cache.os, "replace", truncated)
    with pytest.raises(BuildError, match=r"damaged as soon as it was made.*GATEWRIGHT_CACHE"):
        build(classifier(), "c", "net")


def test_an_object_that_goes_while_it_is_read(build_cache, monkeypatch):
    """Another process may clean the cache."""
    read, gone = Path.read_bytes, []

    def vanishing(path):
        if path.name == "run_portable.c.o" and path.parent.parent == build_cache and not gone:
            gone.append(path)
            path.unlink()
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", vanishing)
    circuit = classifier()
    x = samples(circuit, 100, "uint8")
    assert np.array_equal(build(circuit, "c", "net").predict(x), circuit.predict(x))
    assert gone


def test_circuits_share_objects(build_cache, monkeypatch):
    build(classifier(), "c", "net")
    run, compiled = Toolchain._run, []

    def logged(self, command, *where):
        compiled.append(command[-1])
        run(self, command, *where)

    monkeypatch.setattr(Toolchain, "_run", logged)
    build(classifier(seed=2), "c", "net")
    assert "net.c" in compiled
    assert not [source for source in compiled if source.startswith("run_")]
