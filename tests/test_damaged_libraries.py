"""Damaged libraries, and files that are none: an error each, and no process ends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from circuits import classifier, samples

from gatewright.backends.build import build
from gatewright.backends.c.backend import C
from gatewright.cli.main import main
from gatewright.runtime.compiled import load
from gatewright.runtime.errors import FileError
from gatewright.runtime.seal import check_seal, sealed

TESTS = str(Path(__file__).parent)
SEAL = 50  # bytes


@pytest.fixture(scope="module")
def data() -> bytes:
    """A library of `classifier()`."""
    return build(classifier(), "c", "net").engine.data()


_LOAD_DAMAGED = """
import random, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from circuits import classifier, samples
from gatewright.runtime.compiled import load
from gatewright.runtime.errors import FileError
circuit = classifier()
x = samples(circuit, 20, "uint8")
want = circuit.scores(x)
path, random = Path(sys.argv[1]), random.Random(0)
whole = path.read_bytes()
size, refused = len(whole), 0
for turn in range(200):
    found, at, to = bytearray(whole), random.randrange(size), random.randrange(size)
    if turn % 5 == 0:
        del found[at:]
    elif turn % 5 == 1:
        found[at] ^= 1 << random.randrange(8)
    elif turn % 5 == 2:
        found[at:] = bytes(size - at)  # a block that was never written
    elif turn % 5 == 3:
        found[at : at + 512] = found[to : to + 512]
    else:
        found[-random.randrange(1, 60)] ^= 1 << random.randrange(8)
        del found[size - random.randrange(60) :]
    path.write_bytes(found)
    try:
        assert (load(path).scores(x) == want).all()
    except FileError:
        refused += 1
print(refused)
"""


def run(text: str, *arguments: object) -> str:
    """What a process prints that ends well."""
    command = [sys.executable, "-W", "error", "-c", text.format(tests=TESTS), *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


@pytest.mark.skipif(sys.platform != "linux", reason="other formats have no checksum")
def test_damaged_libraries_are_refused(data, tmp_path):
    (tmp_path / "net.so").write_bytes(data)
    assert int(run(_LOAD_DAMAGED, tmp_path / "net.so")) > 150


_SHRINK = """
import pickle, sys
sys.path.insert(0, {tests!r})
from circuits import classifier, samples
from gatewright.runtime.compiled import load
circuit = classifier()
x = samples(circuit, 2000, "uint8")
loaded = load(sys.argv[1])
open(sys.argv[1], "wb").close()
for compiled in loaded, pickle.loads(pickle.dumps(loaded)):
    assert (compiled.predict(x) == circuit.predict(x)).all()
    assert (compiled.scores(x.astype("float64")) == circuit.scores(x)).all()
"""


def test_a_file_that_shrinks_after_it_was_loaded(data, tmp_path):
    (tmp_path / "net.so").write_bytes(data)
    run(_SHRINK, tmp_path / "net.so")


@pytest.mark.skipif(sys.platform != "linux", reason="other formats have no checksum")
def test_what_is_left_of_a_seal(data):
    assert sealed(data) == data
    body = data[:-SEAL]
    for cut in range(SEAL + 1):  # the library itself is whole
        if cut in (0, SEAL):
            check_seal(data[: len(data) - cut], "net.so")
        else:
            with pytest.raises(FileError, match=r"net\.so: a damaged or truncated"):
                check_seal(data[: len(data) - cut], "net.so")
    with pytest.raises(FileError, match="damaged"):
        check_seal(body + bytes(SEAL), "net.so")
    check_seal(body + bytes(1000), "net.so")  # somebody appended something
    with pytest.raises(FileError, match="damaged"):
        check_seal(body[:-1] + bytes([body[-1] ^ 1]) + data[-SEAL:], "net.so")


def test_a_library_built_by_hand_is_sealed_when_it_is_saved(tmp_path):
    circuit = classifier()
    C().emit(C().prepare(circuit), "net").write(tmp_path)
    command = ["cc", "-shared", "-fPIC", "-o", "net.so", "net.c"]
    subprocess.run(command, cwd=tmp_path, check=True)
    hand = (tmp_path / "net.so").read_bytes()
    load(tmp_path / "net.so").save(tmp_path / "saved.so")
    assert (tmp_path / "saved.so").read_bytes() == sealed(hand) != hand
    x = samples(circuit, 10, "uint8")
    assert np.array_equal(load(tmp_path / "saved.so").predict(x), circuit.predict(x))


@pytest.mark.parametrize("memory", [True, False])
def test_loading_from_memory_and_from_a_file(data, tmp_path, monkeypatch, memory):
    if not memory:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "net.so").write_bytes(data)
    circuit = classifier()
    x = samples(circuit, 10, "uint8")
    for _ in range(2):
        assert np.array_equal(load(tmp_path / "net.so").predict(x), circuit.predict(x))
    (tmp_path / "none.so").write_bytes(b"gatewright_api")
    with pytest.raises(FileError) as info:
        load(tmp_path / "none.so")
    assert "gatewright-" not in str(info.value)  # the name of a copy
    assert not list(tmp_path.glob("gatewright-*"))


@pytest.mark.skipif(sys.platform != "linux", reason="says what is wrong there")
@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"MZ", "it is for Windows, this is Linux on"),
        (b"\xcf\xfa\xed\xfe", "it is for macOS"),
        (b"\0asm", "it is for WebAssembly"),
        (b"\x7fELF\2\2\1" + bytes(11) + b"\0\x16", "it is for Linux on s390x"),
        (b"\x7fELF\2\1\1" + bytes(11) + b"\xff\xff", "it is for Linux on ELF machine 65535"),
    ],
)
def test_libraries_for_other_machines(tmp_path, monkeypatch, head, what):
    monkeypatch.setattr("gatewright.runtime.library.check_seal", lambda *_: None)
    (tmp_path / "net.so").write_bytes(head + b"gatewright_api")
    with pytest.raises(FileError, match=f"machine can load: {what}.*; compile it again here"):
        load(tmp_path / "net.so")


def no_files(folder: Path) -> dict[str, str]:
    """Paths that are no files, with what an error says of them."""
    os.mkfifo(folder / "pipe.so")
    (folder / "loop.so").symlink_to(folder / "loop.so")
    (folder / "dangling.so").symlink_to(folder / "nothing")
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(os.path.relpath(folder / "bound.so"))
    bound.close()
    return {
        str(folder): "a folder; allowed is a file",
        str(folder / "pipe.so"): "a pipe; allowed",
        str(folder / "bound.so"): "a socket; allowed",
        "/dev/zero": "a device; allowed",
        str(folder / "loop.so"): "cannot read: Too many levels of symbolic links",
        str(folder / "dangling.so"): "no such file",
        "a\0b": "cannot read: embedded null byte",
        "x" * 5000: "cannot read: File name too long",
    }


@pytest.mark.skipif(os.name != "posix", reason="POSIX's kinds of files")
def test_what_is_no_file(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path, message in no_files(tmp_path).items():
        with pytest.raises(FileError, match=message):
            load(path)
        if "\0" not in path:
            for command in (["predict", "--data", "x.npy"], ["bench"], ["inspect"]):
                assert main([command[0], path, *command[1:]]) == 2
                assert message in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="POSIX's kinds of files")
def test_samples_in_what_is_no_file(data, tmp_path, capsys):
    (tmp_path / "net.so").write_bytes(data)
    os.mkfifo(tmp_path / "x.npy")
    assert main(["predict", str(tmp_path / "net.so"), "--data", str(tmp_path / "x.npy")]) == 2
    assert "x.npy: a pipe; allowed is a file" in capsys.readouterr().err


def test_a_library_whose_manifest_is_none(tmp_path):
    text = """
    static const struct { unsigned version, size; const char *manifest; } api = {2, 0, "{}"};
    const void *gatewright_api(void) { return &api; }
    """
    (tmp_path / "lib.c").write_text(text)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "lib.so", "lib.c"], cwd=tmp_path, check=True)
    with pytest.raises(FileError, match=r"lib\.so: no manifest of a circuit; compile it"):
        load(tmp_path / "lib.so")
