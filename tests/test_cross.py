"""Libraries for other machines: what is built, what it answers in an emulator, what is refused."""

from __future__ import annotations

import pickle
import struct

import numpy as np
import pytest
from circuits import DTYPES, classifier, samples
from emulators import Emulated, needs_ziglang

import gatewright as gw
from gatewright.backends.c.backend import C
from gatewright.cli.main import main
from gatewright.compiler import Builder, Circuit, Decoder, Encoder
from gatewright.runtime.arrays import binarize, pack
from gatewright.runtime.batch import Batch
from gatewright.runtime.cross import this_machine
from gatewright.runtime.errors import BuildError, EmitError, ExtraMissing, InputError
from gatewright.runtime.foreign import CrossCompiled

_METHODS = {"bits": "bits", "counts": "counts", "scores": "scores", "classes": "predict"}


def weighted() -> Circuit:
    """Two thresholds a feature, tiles, gates, and sums with weights that decide on a class."""
    random = np.random.default_rng(1)
    features, classes = 70, 5
    builder = Builder(2 * features)
    body = Builder(4)
    pair = body.luts([[2, 3], [4, 5]], [6, 8])
    body_netlist = body.build(body.luts([[pair[0], pair[1]]], [14]))
    placed = builder.tile(body_netlist, random.integers(2, 2 + 2 * features, (60, 4))).ravel()
    nets = np.concatenate([np.arange(2, 2 + 2 * features), placed])
    for width in (300, 300, classes * 60):
        nets = builder.luts(
            nets[random.integers(0, len(nets), (width, 2))], random.integers(1, 15, width)
        )
    counts = builder.popcount(nets.reshape(classes, -1), np.sort(random.integers(0, 3, 60)))
    encoder = Encoder(
        (features,),
        np.repeat(np.arange(features), 2),
        random.integers(1, 250, 2 * features).astype(np.float32),
    )
    return Circuit(encoder, builder.build(counts), Decoder(classes, tau=3.0, beta=-1.5))


@pytest.mark.parametrize(
    "triple",
    ["aarch64-linux-gnu", "riscv64-linux-gnu", "x86-linux-gnu", "s390x-linux-gnu"],
)
@pytest.mark.parametrize("straight_line", [0, 256])
def test_answers_on_another_processor(triple, straight_line):
    circuit = weighted()
    there = Emulated(circuit, triple, C(straight_line=straight_line))
    batches = [(x := samples(circuit, 300, dtype), Batch(x, len(x))) for dtype in DTYPES]
    encoder, (x, _) = circuit.encoder, batches[1]
    bits = binarize(x, encoder.feature, encoder.threshold)
    rows = np.packbits(bits, axis=1, bitorder="little")
    batches += [(x, Batch(rows, len(x), "rows")), (x, Batch(pack(bits), len(x), "planes"))]
    asked = [(pair, what, isa) for pair in batches for what in _METHODS for isa in there.isas]
    asked += [(batches[1], what, None) for what in _METHODS]
    answers = there.ask([(batch, what, isa) for (_, batch), what, isa in asked])
    for ((x, batch), what, isa), found in zip(asked, answers, strict=True):
        want = getattr(circuit, _METHODS[what])(x)
        assert np.array_equal(found, want), (isa, batch.dtype, what)


def test_neon_is_always_there():
    assert Emulated(weighted(), "aarch64-linux-gnu").runs() == ["neon", "portable"]


@pytest.mark.parametrize(
    ("cpu", "isas"),
    [
        ("max", ["avx2", "portable"]),
        ("max,-avx2", ["portable"]),
        ("max,-xsave", ["portable"]),  # AVX2 without an operating system that keeps its registers
        ("Nehalem", ["portable"]),
    ],
)
def test_only_what_processor_and_system_have_is_used(cpu, isas):
    circuit = classifier()
    there = Emulated(circuit, "x86_64-linux-gnu")
    assert there.runs(cpu) == isas
    x = samples(circuit, 300, "uint8")
    (found,) = there.ask([(Batch(x, len(x)), "classes", None)], cpu)
    assert np.array_equal(found, circuit.predict(x))


def machine_of(library: bytes) -> tuple[str, int]:
    """The format of a library, and the processor's number in it."""
    if library[:4] == b"\x7fELF":
        order = "<" if library[5] == 1 else ">"
        return "elf", struct.unpack_from(f"{order}H", library, 18)[0]
    if library[:4] == b"\xcf\xfa\xed\xfe":
        return "mach-o", struct.unpack_from("<I", library, 4)[0]
    if library[:2] == b"MZ":
        (at,) = struct.unpack_from("<I", library, 60)
        assert library[at : at + 4] == b"PE\0\0"
        return "pe", struct.unpack_from("<H", library, at + 4)[0]
    assert library[:4] == b"\0asm"
    return "wasm", struct.unpack_from("<I", library, 4)[0]


@pytest.mark.parametrize(
    ("triple", "suffix", "machine"),
    [
        ("aarch64-linux-gnu", ".so", ("elf", 183)),
        ("aarch64-macos", ".dylib", ("mach-o", 0x0100000C)),
        ("x86_64-windows-gnu", ".dll", ("pe", 0x8664)),
        ("wasm32-freestanding", ".wasm", ("wasm", 1)),
    ],
)
def test_a_library_for_another_machine(tmp_path, triple, suffix, machine):
    needs_ziglang()
    if triple == this_machine():
        pytest.skip("this machine")
    compiled = gw.compile(classifier(), triple=triple, name="net")
    assert isinstance(compiled, CrossCompiled)
    assert machine_of(compiled.library) == machine
    path = compiled.save(tmp_path / "made", header=True)
    assert path == tmp_path / f"made{suffix}"
    assert path.read_bytes() == compiled.library
    assert "NET_FEATURES 20" in (tmp_path / "net.h").read_text()
    assert compiled.manifest["name"] == "net"
    assert triple in repr(compiled)
    assert pickle.loads(pickle.dumps(compiled)).library == compiled.library


def test_it_cannot_answer_here(tmp_path):
    needs_ziglang()
    triple = "riscv64-linux-gnu" if "riscv64" not in this_machine() else "aarch64-linux-gnu"
    circuit = classifier()
    compiled = gw.compile(circuit, triple=triple)
    for method in _METHODS.values():
        with pytest.raises(InputError, match=f"built for {triple}, so it cannot answer here; save"):
            getattr(compiled, method)(samples(circuit, 3, "uint8"))
    with pytest.raises(InputError, match=rf"suffix \.dll; a library for {triple} has \.so"):
        compiled.save(tmp_path / "net.dll")


def test_this_machine_and_another_c_library():
    circuit = classifier()
    x = samples(circuit, 100, "uint8")
    native = gw.compile(circuit, triple=this_machine())
    assert native.engine.data() == gw.compile(circuit).engine.data()
    assert np.array_equal(native.predict(x), circuit.predict(x))
    if not this_machine().endswith("-gnu") or "linux" not in this_machine():
        pytest.skip("a Linux with glibc is needed for the rest")
    needs_ziglang()
    other = gw.compile(circuit, triple=this_machine().replace("-gnu", "-musl"))
    assert np.array_equal(other.predict(x), circuit.predict(x))


@pytest.mark.parametrize(
    ("triple", "error", "message"),
    [
        ("foo", EmitError, "triple 'foo'; allowed are processor-system-library"),
        ("a-b; rm", EmitError, "triple 'a-b; rm'; allowed"),
        ("armv7-linux-gnu", BuildError, "zig says: unknown architecture: 'armv7'; allowed are"),
        ("aarch64-plan8", BuildError, "zig says: .*UnknownOperatingSystem; allowed are"),
        ("aarch64-freestanding", BuildError, "dynamic linking unavailable"),
    ],
)
def test_machines_that_there_are_not(triple, error, message):
    needs_ziglang()
    with pytest.raises(error, match=message):
        gw.compile(classifier(), triple=triple)


def test_without_ziglang(monkeypatch):
    from importlib.metadata import PackageNotFoundError

    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("gatewright.runtime.cross.version", missing)
    with pytest.raises(ExtraMissing, match=r"needs ziglang, .*'gatewright\[cross\]'"):
        gw.compile(classifier(), triple="s390x-linux-gnu")


def test_a_header_that_is_not_there(tmp_path):
    compiled = gw.compile(classifier(), "numpy")
    with pytest.raises(InputError, match="header: only a C library that was compiled just now"):
        compiled.save(tmp_path / "net.npz", header=True)
    assert not list(tmp_path.iterdir())


def test_the_command(tmp_path, capsys):
    needs_ziglang()
    gw.write(classifier(), tmp_path / "net.npz")
    command = ["compile", str(tmp_path / "net.npz"), "-o", str(tmp_path / "out" / "net")]
    (tmp_path / "out").mkdir()
    assert main([*command, "--triple", "aarch64-linux-gnu", "--header"]) == 0
    assert "net.so: 27 gates, 3 levels, for aarch64-linux-gnu" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["net.h", "net.so"]
    assert main([*command, "--target", "numpy", "--triple", "aarch64-linux-gnu"]) == 2
    assert "option triple; allowed for target 'numpy' are none" in capsys.readouterr().err
