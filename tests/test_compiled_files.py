"""Compiled circuits as files: saving, loading, pickling, and files that are none."""

from __future__ import annotations

import errno
import os
import pickle
import subprocess
from pathlib import Path

import numpy as np
import pytest
from circuits import classifier, samples

import gatewright as gw
from gatewright.backends.build import TARGETS, build
from gatewright.backends.c.backend import C
from gatewright.runtime.compiled import load
from gatewright.runtime.errors import FileError
from gatewright.runtime.library import ABI_VERSION


def test_a_library_overwritten_or_deleted_after_loading(build_cache, tmp_path):
    circuits = [classifier(seed=seed) for seed in (1, 2)]
    x = samples(circuits[0], 300, "uint8")
    loaded = []
    for circuit in circuits:
        build(circuit, "c", "net").save(tmp_path / "net.so")
        loaded.append(load(tmp_path / "net.so"))
    (tmp_path / "net.so").unlink()
    for circuit, library in zip(circuits, loaded, strict=True):
        for copy in (library, pickle.loads(pickle.dumps(library))):
            assert copy.manifest["digest"] == C().prepare(circuit).digest()
            assert np.array_equal(copy.scores(x), circuit.scores(x))


def test_names_that_are_no_text(build_cache, tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.so")
    circuit = classifier()
    try:
        build(circuit, "c", "net").save(path)
    except FileError:
        pytest.skip("this file system takes text only")
    x = samples(circuit, 10, "uint8")
    assert np.array_equal(load(path).predict(x), circuit.predict(x))


def test_saving_through_links_and_to_devices(tmp_path):
    compiled = build(classifier(), "numpy", "net")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    compiled.save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert load(tmp_path / "file").manifest == compiled.manifest
    (tmp_path / "null").symlink_to(os.devnull)
    compiled.save(tmp_path / "null")
    assert (tmp_path / "null").is_symlink()
    assert not Path(os.devnull).is_file()
    compiled.save(tmp_path / ("x" * 255))


@pytest.mark.parametrize(("target", "suffix"), [("c", ".so"), ("numpy", ".npz")])
def test_save_load_and_pickle(build_cache, tmp_path, target, suffix):
    circuit = classifier()
    x = samples(circuit, 100, "float32")
    compiled = build(circuit, target, "net")
    path = tmp_path / f"a.c folder{suffix}"
    compiled.save(path)
    for copy in (load(path), pickle.loads(pickle.dumps(compiled))):
        assert np.array_equal(copy.scores(x), circuit.scores(x))
        assert copy.manifest["digest"] == TARGETS[target]().prepare(circuit).digest()
        assert "net" in repr(copy)
        assert "levels" in repr(copy)


def test_saving_where_one_cannot(tmp_path):
    compiled = build(classifier(), "numpy", "net")
    with pytest.raises(FileError, match=r"no/such: cannot write .* bytes: No such file"):
        compiled.save(tmp_path / "no" / "such")


def test_a_full_disk_keeps_the_old_file(tmp_path, monkeypatch):
    compiled = build(classifier(), "numpy", "net")
    path = tmp_path / "net.npz"
    path.write_bytes(b"old")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("gatewright.runtime.archive.os.replace", full)
    with pytest.raises(FileError, match="No space left on device; what was there before is unch"):
        compiled.save(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a shared library"),
        (b"\x7fELF" + bytes(100), "a damaged or truncated shared library"),
        (b"PK\x03\x04 nothing", "not a Gatewright file, or damaged"),
    ],
)
def test_loading_what_is_no_library(tmp_path, content, message):
    path = tmp_path / "net.so"
    path.write_bytes(content)
    with pytest.raises(FileError, match=message):
        load(path)


@pytest.mark.parametrize("keep", [0.02, 0.3, 0.9, 0.99])
def test_loading_a_truncated_library(build_cache, tmp_path, keep):
    data = build(classifier(), "c", "net").engine.data()
    path = tmp_path / "net.so"
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(FileError, match=r"net\.so: a damaged or truncated shared library"):
        load(path)


def test_loading_a_library_with_one_bit_flipped(build_cache, tmp_path):
    data = bytearray(build(classifier(), "c", "net").engine.data())
    data[len(data) // 2] ^= 1
    path = tmp_path / "net.so"
    path.write_bytes(data)
    with pytest.raises(FileError, match="damaged"):
        load(path)


def test_a_library_built_by_hand(tmp_path):
    circuit = classifier()
    C().emit(C().prepare(circuit), "net").write(tmp_path)
    command = ["cc", "-shared", "-fPIC", "-o", "net.so", "net.c"]
    subprocess.run(command, cwd=tmp_path, check=True)
    x = samples(circuit, 10, "uint8")
    assert np.array_equal(load(tmp_path / "net.so").predict(x), circuit.predict(x))
    data = (tmp_path / "net.so").read_bytes()
    (tmp_path / "cut.so").write_bytes(data[: len(data) // 2])
    with pytest.raises(FileError, match="damaged or truncated"):
        load(tmp_path / "cut.so")


def library(tmp_path: Path, text: str) -> Path:
    """A shared library with this source."""
    (tmp_path / "lib.c").write_text(text)
    command = ["cc", "-shared", "-fPIC", "-o", "lib.so", "lib.c"]
    subprocess.run(command, cwd=tmp_path, check=True)
    return tmp_path / "lib.so"


def test_loading_somebody_elses_library(tmp_path):
    path = library(tmp_path, "int f(void) { return 1; }")
    with pytest.raises(FileError, match="a shared library, but not from gatewright"):
        load(path)


def test_loading_another_interface_version(tmp_path):
    path = library(tmp_path, "static int api[64] = {7}; void *gatewright_api(void) { return api; }")
    with pytest.raises(FileError, match=f"interface version 7; allowed is {ABI_VERSION}"):
        load(path)


def test_loading_what_is_not_compiled(tmp_path):
    gw.write(classifier(), tmp_path / "net.npz")
    with pytest.raises(FileError, match="holds a circuit, which is not compiled; compile it first"):
        load(tmp_path / "net.npz")


def test_loading_a_missing_file(tmp_path):
    with pytest.raises(FileError, match=r"net\.so: no such file"):
        load(tmp_path / "net.so")
