"""Toolchains, the build cache, loading, saving, pickling: what can go wrong outside our code."""

from __future__ import annotations

import errno
import os
import pickle
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from circuits import classifier, samples

import gatewright as gw
from gatewright.backends.build import TARGETS, build
from gatewright.backends.c.backend import C
from gatewright.runtime import cache
from gatewright.runtime.compiled import load
from gatewright.runtime.errors import BuildError, FileError, InputError, ToolMissing
from gatewright.runtime.library import ABI_VERSION
from gatewright.runtime.processes import run_process
from gatewright.runtime.toolchain import Toolchain, find_compiler


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty build cache."""
    path = tmp_path / "cache of builds"
    monkeypatch.setenv("GATEWRIGHT_CACHE", str(path))
    return path


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_a_second_build_comes_from_the_cache(folder, monkeypatch):
    first = build(classifier(), "c", "net")
    monkeypatch.setattr(
        "gatewright.runtime.toolchain.Toolchain._run", lambda *_: pytest.fail("compiled again")
    )
    second = build(classifier(), "c", "net")
    assert first.engine.path == second.engine.path
    assert folder in first.engine.path.parents


def test_only_libraries_and_shared_objects_stay(folder):
    path = build(classifier(), "c", "net").engine.path
    files = [p for p in folder.rglob("*") if p.is_file()]
    others = [p for p in files if p.suffix != ".o" and "lutmap" not in p.name]
    assert others == [path]  # besides objects that circuits share, and native code of passes
    assert {p for p in folder.rglob("*") if p.is_dir()} == {p.parent for p in files}


def test_what_killed_builds_left_is_removed_after_a_day(folder):
    old, new = folder / "0" / "making-old", folder / "0" / "making-new"
    for left in (old, new):
        left.mkdir(parents=True)
        (left / "net.c").touch()
    os.utime(old, (0, 0))
    build(classifier(), "c", "net")
    assert not old.exists()
    assert new.exists()


def test_other_circuits_flags_and_names_do_not_collide(folder):
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


def test_processes_share_the_cache(folder):
    text = _BUILD.format(tests=str(Path(__file__).parent))
    running = [subprocess.Popen([sys.executable, "-c", text]) for _ in range(4)]
    assert [process.wait() for process in running] == [0] * 4
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len([path for path in files if path.name == "net.so"]) == 1
    assert len({path.name for path in files}) == len(files)


def test_no_compiler(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(ToolMissing, match=r"no C compiler: looked for cc, gcc, clang.*apt-get"):
        build(classifier(), "c", "net")


def test_a_named_compiler_that_is_not_there(folder, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler -m64")
    with pytest.raises(ToolMissing, match=r"'no-such-compiler -m64' does not start.*CC names it"):
        build(classifier(), "c", "net")


def test_a_named_compiler_is_used(folder, monkeypatch, tmp_path):
    log = tmp_path / "log"
    name = script(tmp_path / "my cc", f'echo "$@" >> {log}\nexec cc "$@"')
    monkeypatch.setenv("CC", f"'{name}' -DMINE")
    circuit = classifier()
    x = samples(circuit, 10, "uint8")
    assert np.array_equal(build(circuit, "c", "net").predict(x), circuit.predict(x))
    assert "-DMINE -O3" in log.read_text()


def test_a_compiler_that_fails(folder, monkeypatch, tmp_path):
    lines = "; ".join(f"echo {'wrong ' * 100}line {i} >&2" for i in range(50))
    name = script(tmp_path / "cc", f'[ "$1" = --version ] && echo 1 && exit\n{lines}; exit 3')
    monkeypatch.setenv("CC", name)
    with pytest.raises(
        BuildError, match=r"failed with status 3 \(50 lines, the first 20\)"
    ) as info:
        build(classifier(), "c", "net")
    assert len(str(info.value)) < 5000
    assert not [p for p in folder.rglob("*") if p.is_file()]


def test_a_full_disk(folder, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(cache.os, "replace", full)
    with pytest.raises(BuildError, match=r"No space left on device.*GATEWRIGHT_CACHE"):
        build(classifier(), "c", "net")
    monkeypatch.undo()
    assert not [p for p in folder.rglob("*") if p.is_file()]


def test_a_cache_that_cannot_be_made(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GATEWRIGHT_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(BuildError, match=r"build cache .*Not a directory.*GATEWRIGHT_CACHE"):
        build(classifier(), "c", "net")


def test_where_the_cache_is(monkeypatch):
    monkeypatch.delenv("GATEWRIGHT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert cache.cache_folder() == Path("/x/gatewright")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.cache_folder() == Path.home() / ".cache" / "gatewright"


def test_a_relative_cache(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEWRIGHT_CACHE", "cache")
    assert tmp_path / "cache" in build(classifier(), "c", "net").engine.path.parents


def test_no_place_for_a_cache(monkeypatch):
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("GATEWRIGHT_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(cache.Path, "home", nowhere)
    with pytest.raises(BuildError, match=r"home directory.*GATEWRIGHT_CACHE"):
        build(classifier(), "c", "net")


def test_a_library_damaged_in_the_cache_is_built_again(folder):
    circuit = classifier()
    path = build(circuit, "c", "net").engine.path
    path.unlink()  # a new file, since the old one is still loaded
    path.write_bytes(b"")
    x = samples(circuit, 100, "uint8")
    assert np.array_equal(build(circuit, "c", "net").predict(x), circuit.predict(x))


@pytest.mark.parametrize("damaged", [lambda data: data[:-5], lambda data: b"\0" + data[1:]])
def test_objects_damaged_in_the_cache_are_built_again(folder, damaged):
    build(classifier(), "c", "net")
    objects = list(folder.rglob("*.o"))
    assert objects
    whole = [path.read_bytes() for path in objects]
    for path, data in zip(objects, whole, strict=True):
        path.write_bytes(damaged(data))
    circuit = classifier(seed=2)
    x = samples(circuit, 100, "uint8")
    assert np.array_equal(build(circuit, "c", "net").predict(x), circuit.predict(x))
    used = [path.read_bytes() == data for path, data in zip(objects, whole, strict=True)]
    assert any(used)  # those that circuits of other sizes share


def test_a_cache_that_damages_what_it_holds(folder, monkeypatch):
    def truncated(source, target):
        target.write_bytes(source.read_bytes()[:-1])

    monkeypatch.setattr(cache.os, "replace", truncated)
    with pytest.raises(BuildError, match=r"damaged as soon as it was made.*GATEWRIGHT_CACHE"):
        build(classifier(), "c", "net")


def test_an_object_that_goes_while_it_is_read(folder, monkeypatch):
    """Another process may clean the cache."""
    read, gone = Path.read_bytes, []

    def vanishing(path):
        if path.name == "run_portable.c.o" and path.parent.parent == folder and not gone:
            gone.append(path)
            path.unlink()
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", vanishing)
    circuit = classifier()
    x = samples(circuit, 100, "uint8")
    assert np.array_equal(build(circuit, "c", "net").predict(x), circuit.predict(x))
    assert gone


def test_circuits_share_objects(folder, monkeypatch):
    build(classifier(), "c", "net")
    run, compiled = Toolchain._run, []

    def logged(self, command, where):
        compiled.append(command[-1])
        run(self, command, where)

    monkeypatch.setattr(Toolchain, "_run", logged)
    build(classifier(seed=2), "c", "net")
    assert "net.c" in compiled
    assert not [source for source in compiled if source.startswith("run_")]


def test_a_library_overwritten_or_deleted_after_loading(folder, tmp_path):
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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_threads_in_a_forked_child(folder, tmp_path):
    text = _BUILD.format(tests=str(Path(__file__).parent)) + _FORK
    subprocess.run([sys.executable, "-c", text], check=True, timeout=60)


_FORK = """
import os
compiled = build(circuit, "numpy", "net")
x = samples(circuit, 5000, "uint8")
compiled.predict(x, threads=2)
child = os.fork()
if not child:
    os._exit(int((compiled.predict(x, threads=2) != circuit.predict(x)).any()))
assert os.waitpid(child, 0)[1] == 0
"""


def test_names_that_are_no_text(folder, tmp_path):
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
def test_save_load_and_pickle(folder, tmp_path, target, suffix):
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
def test_loading_a_truncated_library(folder, tmp_path, keep):
    data = build(classifier(), "c", "net").engine.data()
    path = tmp_path / "net.so"
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(FileError, match=r"net\.so: a damaged or truncated shared library"):
        load(path)


def test_loading_a_library_with_one_bit_flipped(folder, tmp_path):
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


@pytest.mark.parametrize("target", ["c", "numpy"])
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((3, 19), np.uint8), r"shape \[3, 19\]; allowed is \[n, 20\]"),
        (np.zeros(20, np.uint8), r"shape \[20\].*x\[None\]"),
        (np.zeros((3, 4, 5), np.uint8), r"shape \[3, 4, 5\]"),
        (np.float32(1), r"float32; allowed is a numpy array"),
        (np.array(1.0), r"shape \[\]"),
        (np.ma.masked_less(np.eye(20), 1), "masked values.*filled"),
        (np.zeros((3, 20), np.int64), "dtype int64; allowed are bool, uint8, float32, float64"),
        (np.zeros((3, 20), np.float16), "dtype float16"),
        (np.zeros((3, 20), np.complex64), "dtype complex64"),
        (np.full((3, 20), None), "dtype object"),
        (np.full((3, 20), "a"), "dtype <U1"),
        ([[1] * 20], "input: list; allowed is a numpy array or a torch tensor"),
        (None, "input: NoneType"),
    ],
)
def test_bad_input(target, x, message):
    compiled = build(classifier(), target, "net")
    for call in (compiled.bits, compiled.counts, compiled.scores, compiled.predict):
        with pytest.raises(InputError, match=message):
            call(x)


def test_bad_threads():
    with pytest.raises(InputError, match="threads 0; allowed is 1 or more"):
        build(classifier(), "numpy", "net").predict(np.zeros((3, 20), np.uint8), threads=0)


@pytest.mark.parametrize("target", ["c", "numpy"])
def test_counts_of_a_circuit_without_a_decoder(target):
    circuit = classifier()
    bare = type(circuit)(circuit.encoder, circuit.netlist)
    compiled = build(bare, target, "net")
    x = samples(circuit, 10, "uint8")
    assert np.array_equal(compiled.bits(x), circuit.bits(x))
    for call in (compiled.counts, compiled.scores, compiled.predict):
        with pytest.raises(InputError, match=r"no decoder.*use bits\(x\)"):
            call(x)


def test_torch_tensors():
    torch = pytest.importorskip("torch")
    circuit = classifier()
    compiled = build(circuit, "c", "net")
    x = torch.from_numpy(samples(circuit, 100, "float32"))
    assert np.array_equal(compiled.scores(x), circuit.scores(x.numpy()))
    assert np.array_equal(compiled.scores(x.t().contiguous().t()), circuit.scores(x.numpy()))
    with pytest.raises(InputError, match="dtype int32"):
        compiled.scores(x.int())
    for strange in (x.bfloat16(), x.to_sparse(), x.to("meta")):
        with pytest.raises(InputError, match=r"a tensor that numpy cannot hold: .*x.float\(\)"):
            compiled.scores(strange)


@pytest.mark.skipif(os.name != "posix", reason="groups of processes are POSIX's")
def test_a_program_out_of_time_ends_with_all_that_it_started(tmp_path):
    fcntl = pytest.importorskip("fcntl")
    child = (
        "import fcntl, pathlib, time\nlock = open('lock', 'w')\nfcntl.flock(lock, fcntl.LOCK_EX)\n"
        "pathlib.Path('ready').touch()\ntime.sleep(60)"
    )
    (tmp_path / "child.py").write_text(child)
    program = script(
        tmp_path / "parent",
        f"'{sys.executable}' child.py &\nwhile [ ! -e ready ]; do sleep 0.05; done\nsleep 60",
    )
    with pytest.raises(subprocess.TimeoutExpired):
        run_process([program], tmp_path, 3)
    assert (tmp_path / "ready").exists()
    with open(tmp_path / "lock", "w") as lock:
        for _ in range(100):  # the child holds it as long as it runs
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(0.05)
    raise AssertionError("the child still runs")
