"""The embedded profile answers as the circuit does, one sample at a time and 32 at once."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from circuits import THRESHOLDS, classifier, samples, with_encoder
from embedded_library import STRICT, EmbeddedLibrary
from hypothesis import HealthCheck, given, settings
from strategies import netlists

import gatewright as gw
from gatewright.backends.c.embedded.backend import Embedded
from gatewright.backends.text import emit_text
from gatewright.cli.main import main
from gatewright.compiler import Builder, Circuit, Decoder, Encoder, Netlist
from gatewright.runtime.elf import sections
from gatewright.runtime.errors import EmitError, FileError
from gatewright.runtime.toolchain import find_compiler

pytestmark = pytest.mark.isa
EXAMPLE = Path(__file__).parent.parent / "examples" / "embedded"
BOARD = ("arm-none-eabi-gcc", "qemu-system-arm", "make")
MACHINES = {
    "cortex-m0": ("thumb-freestanding-eabi", "cortex_m0", "qemu-arm"),
    "cortex-m3": ("thumb-freestanding-eabi", "cortex_m3", "qemu-arm"),
    "riscv32": ("riscv32-freestanding", "generic_rv32", "qemu-riscv32"),
    "armeb": ("thumbeb-freestanding-eabi", "cortex_a7", "qemu-armeb"),
}


def thresholds(*values: float) -> Circuit:
    """Bits of one feature, each above one of the values."""
    encoder = Encoder((1,), np.zeros(len(values), np.int32), np.float32(values))
    return Circuit(encoder, Netlist(len(values), (), np.arange(2, 2 + len(values))))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((0.25, 0.5, 0.75), "embedded: feature 0 has several thresholds between 0 and 1"),
        ((1.0, 3.2, 3.7), "embedded: feature 0 has several thresholds between 3 and 4"),
        ((-0.5, 3.0), r"embedded: a threshold of -0\.5, so features may be negative"),
        ((3.0, 300.0), "embedded: a threshold of 300; features are bytes, which end at 255"),
        ((3.0, 1e9), "embedded: a threshold of 1000000000.0; features of 16 bits end"),
    ],
)
def test_features_that_are_no_bytes(values, message):
    """Refused, unless the caller says that they are, or thresholds them."""
    circuit = thresholds(*values)
    with pytest.raises(
        EmitError, match=f"{message}.*feature_bits=0, which takes the encoder's bits"
    ):
        emit_text(circuit, "c", "net", None, {"profile": "embedded"})
    named = Embedded(feature_bits=8).emit(circuit, "net")
    assert b"net_evaluate(const" in named.files["net.c"]
    packed = Embedded(feature_bits=0)
    for text in packed.emit(circuit, "net").files.values():
        assert b"net_evaluate(" not in text
        assert b"net_evaluate_32(" not in text
        assert b"FEATURES bytes" not in text
    x = np.float32([[-1.0], [0.3], [0.6], [4.0], [301.0], [2e9]])
    bits = np.packbits(circuit.encoder(x), 1, "little")
    library = EmbeddedLibrary(circuit, packed)
    assert np.array_equal(library.answers(bits, packed=True)["bits"], circuit.bits(x))
    assert np.array_equal(library.answers_32(bits, packed=True)["bits"], circuit.bits(x))


def test_the_header_says_what_thresholds_mean():
    header = Embedded().emit(thresholds(1.5, 2.45, 4.0), "net").files["net.h"].decode()
    assert "Features are integers: x > 2.45 is x >= 3." in header
    assert (
        "Features are integers"
        not in Embedded().emit(thresholds(1.5, 4), "net").files["net.h"].decode()
    )


def test_wrong_feature_bits():
    with pytest.raises(EmitError, match=r"feature_bits 4; allowed are 8 \(bytes\), 0"):
        Embedded(feature_bits=4).emit(thresholds(1.5), "net")


def asked(circuit: Circuit) -> tuple[str, ...]:
    return ("bits", "counts", "predict") if circuit.decoder else ("bits",)


def check(circuit: Circuit, n: int = 70, **options) -> EmbeddedLibrary:
    """Bytes and packed bits, one by one and 32 at once, against simulation."""
    library = EmbeddedLibrary(circuit, **options)
    x = samples(circuit, n, "uint8")
    rows, bits = x.reshape(n, -1), np.packbits(circuit.encoder(x), 1, "little")
    wide = np.concatenate([bits, np.full((n, 3), 0xFF, np.uint8)], axis=1)  # a stride of its own
    found = {
        "bytes": library.answers(rows),
        "bytes, 32": library.answers_32(rows),
        "packed": library.answers(bits, packed=True),
        "packed, 32": library.answers_32(wide, packed=True),
    }
    for name in asked(circuit):
        want = getattr(circuit, name)(x)
        for way, answers in found.items():
            assert np.array_equal(answers[name], want), (name, way)
    return library


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(netlist=netlists())
def test_random_netlists(netlist):
    check(with_encoder(netlist), 40)


@pytest.mark.parametrize("flags", ["-O1", "-Os", "-O3"])
def test_classifier(flags):
    check(classifier(), flags=(flags,))


def test_optimised_classifier():
    check(gw.optimize(classifier(features=60, widths=(400, 300)), 2))


def test_thresholds_that_bytes_always_or_never_pass():
    n = len(THRESHOLDS)
    encoder = Encoder((3,), np.repeat([2, 0, 1], n), np.tile(THRESHOLDS, 3))
    check(Circuit(encoder, Builder(3 * n).build(np.arange(2, 2 + 3 * n))))


@pytest.mark.parametrize("inputs", [300, 70_000])
def test_more_slots_than_narrow_numbers_hold(inputs):
    builder = Builder(inputs)
    nets = builder.luts(np.arange(2, 2 + inputs).reshape(-1, 2), np.tile([0x6, 0x1], inputs // 4))
    netlist = builder.build(builder.popcount(nets[None]))
    library = check(Circuit(Encoder.boolean(inputs), netlist, Decoder(1)), 33)
    width = 16 if inputs == 300 else 32
    assert f"typedef uint{width}_t number;".encode() in library.artifact.files["net.c"]


def window() -> Circuit:
    """A padded 3 by 3 convolution of a 9 by 9 image, its body in a tile, another tile behind it."""
    random = np.random.default_rng(0)
    body = Builder(9)
    inner = body.luts(random.integers(2, 11, (6, 2)), random.integers(1, 15, 6))
    made = body.luts(random.permutation(inner)[:4].reshape(2, 2), [0x7, 0x6])
    kernel = body.build([*made, inner[0]])
    outer = Builder(81)
    image = np.zeros((11, 11), np.int64)
    image[1:-1, 1:-1] = np.arange(2, 83).reshape(9, 9)
    places = np.lib.stride_tricks.sliding_window_view(image, (3, 3)).reshape(81, 9)
    first = outer.tile(kernel, places).reshape(9, 9, 3)
    again = np.lib.stride_tricks.sliding_window_view(first[:, :, 1], (3, 3)).reshape(49, 9)
    second = outer.tile(kernel, again).reshape(-1)
    netlist = outer.build(outer.popcount(second.reshape(7, -1)))
    return Circuit(Encoder((9, 9), np.arange(81), np.full(81, 127.5)), netlist, Decoder(7))


def test_convolutions_stay_loops():
    library = check(window())
    assert library.artifact.manifest["table_bytes"] < 1500  # 2,000 gates, 130 places


def test_answers_and_tables_are_the_same_every_time():
    circuit = Embedded().prepare(classifier())
    assert Embedded().emit(circuit, "net").files == Embedded().emit(circuit, "net").files


def object_of(circuit: Circuit, *flags: str):
    library = emit_text(circuit, "c", "net", None, {"profile": "embedded"})
    return library, find_compiler().compile_object(library.files, "net", (*STRICT, *flags))


@pytest.mark.skipif(sys.platform != "linux", reason="reads ELF objects")
@pytest.mark.parametrize("circuit", [classifier(), window()], ids=["dense", "tiles"])
@pytest.mark.parametrize("flag", ["-Os", "-O2"])
def test_the_manifest_says_what_the_object_holds(circuit, flag):
    flags = ("-fno-jump-tables", "-fno-asynchronous-unwind-tables", "-fdata-sections", flag)
    artifact, data = object_of(circuit, *flags)
    sizes = {"code": 0, "constants": 0, "variables": 0}
    for section in sections(data):
        sizes[section.kind] += section.size
    assert sizes["variables"] == 0
    most = artifact.manifest["table_bytes"]
    assert most <= sizes["constants"] <= most + 64  # the arrays are aligned
    assert 0 < sizes["code"] < 16_000


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("nm"), reason="needs nm")
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("flag", ["-Os", "-O2", "-O3"])
def test_needs_no_library(compiler, flag, monkeypatch, tmp_path):
    if not shutil.which(compiler):
        pytest.skip(f"needs {compiler}")
    monkeypatch.setenv("CC", compiler)
    for circuit in (classifier(), window()):
        (tmp_path / "net.o").write_bytes(object_of(circuit, flag, "-fno-pic")[1])
        assert subprocess.check_output(["nm", "-u", tmp_path / "net.o"]) == b""


def zig(folder: Path, target: str, processor: str, *arguments: str) -> None:
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target, f"-mcpu={processor}"]
    flags = ("-std=c99", "-ffreestanding", "-fno-sanitize=all", "-Wall", "-Wextra", "-Werror")
    subprocess.run([*command, *flags, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("circuit", [classifier(), window()], ids=["dense", "tiles"])
def test_on_microcontrollers(machine, circuit, tmp_path):
    target, processor, emulator = MACHINES[machine]
    if not importlib.util.find_spec("ziglang"):
        pytest.skip("needs ziglang: pip install ziglang")
    if not shutil.which(emulator):
        pytest.skip(f"needs {emulator}: apt-get install qemu-user")
    emit_text(circuit, "c", "net", None, {"profile": "embedded"}).write(tmp_path)
    x = samples(circuit, 32, "uint8")
    numbers = ",".join(map(str, x.ravel()))
    (tmp_path / "rows.h").write_text(f"static const uint8_t rows[] = {{{numbers}}};\n")
    zig(tmp_path, target, processor, "-Os", "-pedantic", "-c", "net.c", "-o", "net.o")
    main = str(Path(__file__).parent / "embedded_target.c")
    here = f"-I{tmp_path}"  # absolute, because zig caches by what it is told
    zig(tmp_path, target, processor, "-Os", here, "-nostdlib", main, "net.o", "-o", "net")
    found = subprocess.run([emulator, "net"], cwd=tmp_path, check=True, capture_output=True).stdout
    order = ">" if machine == "armeb" else "<"
    want = b"".join(
        [
            circuit.bits(x).astype("u1").tobytes(),
            circuit.counts(x).astype(order + "i4").tobytes(),
            circuit.predict(x).astype(order + "u4").tobytes(),
        ]
    )
    assert found == want + want


@pytest.mark.skipif(
    not all(map(shutil.which, BOARD)),
    reason="needs apt-get install gcc-arm-none-eabi qemu-system-arm make",
)
def test_the_example_runs_on_a_board(tmp_path):
    folder = shutil.copytree(EXAMPLE, tmp_path / "embedded")
    circuit = classifier(features=64)
    gw.write(circuit, tmp_path / "net.npz")
    x = samples(circuit, 100, "uint8")
    labels = circuit.predict(x)
    labels[:7] += 1
    rows = "},{".join(",".join(map(str, row)) for row in x)
    (folder / "images.h").write_text(
        f"#include <stdint.h>\n#define IMAGES {len(x)}\n"
        f"static const uint8_t images[IMAGES][64] = {{{{{rows}}}}};\n"
        f"static const uint8_t labels[IMAGES] = {{{','.join(map(str, labels))}}};\n"
    )
    root = Path(gw.__file__).resolve().parent.parent
    python = f"env PYTHONPATH={root} {sys.executable}"
    command = ["make", "-s", "board", f"CIRCUIT={tmp_path / 'net.npz'}", f"PYTHON={python}"]
    found = subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    assert b"93 of 100 digits right" in found.stdout + found.stderr


def test_a_profile_that_does_not_exist_is_refused():
    with pytest.raises(EmitError, match="profile 'tiny'; allowed for target 'c' are embedded"):
        emit_text(classifier(), "c", "net", None, {"profile": "tiny"})
    with pytest.raises(EmitError, match="allowed for target 'verilog' are none"):
        emit_text(classifier(), "verilog", "net", None, {"profile": "embedded"})


def test_an_option_of_another_backend_is_refused():
    with pytest.raises(EmitError, match="option isas; allowed for profile 'embedded'"):
        emit_text(classifier(), "c", "net", None, {"profile": "embedded", "isas": ("portable",)})


def test_objects_that_are_not_elf_are_refused():
    with pytest.raises(FileError, match="not an ELF object"):
        sections(b"MZ" + bytes(100), "net.o")
    with pytest.raises(FileError, match=r"net\.o: the section table of this ELF file is damaged"):
        sections(b"\x7fELF\x02\x01" + bytes(50) + b"\xff" * 20, "net.o")


@pytest.mark.skipif(sys.platform != "linux", reason="reads ELF objects")
def test_the_command_line_prints_bytes(tmp_path, capsys):
    circuit = tmp_path / "net.npz"
    gw.write(classifier(), circuit)
    command = ["emit", str(circuit), "--profile", "embedded", "-o", str(tmp_path), "--size", "cc"]
    assert main(command) == 0
    printed = capsys.readouterr().out.replace(",", "").splitlines()
    one, many = (line.split() for line in printed[-2:])
    header = (tmp_path / "net.h").read_text()
    assert f"NET_WORKSPACE_BYTES {one[-1]}\n" in header
    assert int(many[-1]) == 4 * int(one[-1])
    assert int(one[-2]) == int(one[-3]) + int(one[-4])


def test_sizes_of_another_target_are_refused(tmp_path, capsys):
    circuit = tmp_path / "net.npz"
    gw.write(classifier(), circuit)
    command = ["emit", str(circuit), "-o", str(tmp_path)]
    assert main([*command, "--target", "c", "--size", "cc"]) == 2
    assert "only --profile embedded has sizes" in capsys.readouterr().err
    assert main(command) == 2
    assert "no target; name one: --target c, --target cuda or" in capsys.readouterr().err
