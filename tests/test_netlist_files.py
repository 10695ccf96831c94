"""What all netlist formats share: round trips, names, depth, tools, damage."""

import gzip
import subprocess
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from format_checks import assert_round_trip, boolean, fuzz, refused
from hypothesis import HealthCheck, given, settings
from pass_checks import assert_same_function, chain, dense
from strategies import netlists

import gatewright as gw
from gatewright.cli.main import main
from gatewright.compiler import Builder, Circuit, Decoder, Encoder
from gatewright.compiler.names import Names
from gatewright.runtime.errors import FileError

SUFFIXES = [".aag", ".aig", ".blif", ".bench"]
NAMED = [".aag", ".aig", ".blif", ".bench"]
SETTINGS = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
WORDS = [
    *(b"9" * 30, b"\n", b" ", b"\\\n", b"#", b"c\n", b"\xff", b"-1", b"\xb2", b"i0 a\n", b"2\n"),
    *(b".names a b\n", b".subckt m a=b\n", b".model m\n", b"1- 1\n", b".end\n", b".inputs a\n"),
    *(b"INPUT(a)\n", b"a = AND(a, b)\n", b"LUT 0x8", b"(", b")", b"vdd", b"DFF", b",", b"="),
]


@pytest.mark.parametrize("suffix", SUFFIXES)
@SETTINGS
@given(netlist=netlists())
def test_round_trip(tmp_path, suffix, netlist):
    assert_round_trip(netlist, tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", NAMED)
def test_names_stay(tmp_path, suffix):
    netlist = dense(2, 3, 2)
    names = Names(("a[0]", "n4"), ("s", "carry_out", "$t\\2" if suffix == ".bench" else "t"))
    gw.write(boolean(netlist, names), tmp_path / f"a{suffix}")
    found = gw.read(tmp_path / f"a{suffix}")
    assert found.names == names
    assert_same_function(netlist, found.netlist)


@pytest.mark.parametrize("suffix", [".blif", ".bench"])
@pytest.mark.parametrize(
    "names",
    [
        Names(("a b", "c"), ("p", "q", "r")),
        Names(("a", "a"), ("p", "q", "r")),
        Names(("a", "b"), ("p", "q", "q")),
        Names(("a", "b"), ("a", "q", "r")),
        Names(("a", "b"), ("p(", "q#", "=")),
    ],
)
def test_names_that_do_not_fit_give_way_to_numbers(tmp_path, suffix, names):
    netlist = dense(2, 3, 1)
    gw.write(boolean(netlist, names), tmp_path / f"a{suffix}")
    found = gw.read(tmp_path / f"a{suffix}")
    assert found.names == Names(("x0", "x1"), ("y0", "y1", "y2"))
    assert_same_function(netlist, found.netlist)


@pytest.mark.parametrize("suffix", [".blif", ".bench"])
def test_an_output_may_be_called_like_the_input_that_it_is(tmp_path, suffix):
    names = Names(("a", "b"), ("b", "c", "d"))
    gw.write(boolean(Builder(2).build([3, 2, 3]), names), tmp_path / f"a{suffix}")
    found = gw.read(tmp_path / f"a{suffix}")
    assert found.names == names
    assert found.netlist.outputs.tolist() == [3, 2, 3]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_deep_and_wide(tmp_path, suffix):
    for netlist in (chain(0x6, 500), dense(40, 500, 5)):
        gw.write(boolean(netlist), tmp_path / f"a{suffix}")
        found = gw.read(tmp_path / f"a{suffix}")
        x = np.random.default_rng(0).integers(0, 2, (100, netlist.n_inputs)).astype(np.bool_)
        np.testing.assert_array_equal(found.bits(x), boolean(netlist).bits(x))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damaged_files_raise_nothing_else(tmp_path, suffix):
    contents = []
    for netlist in (dense(5, 12, 3), chain(0x8, 20)):
        gw.write(boolean(netlist), tmp_path / f"b{suffix}")
        contents.append((tmp_path / f"b{suffix}").read_bytes())
    fuzz(tmp_path / f"a{suffix}", contents, 250, WORDS)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_encoder_and_decoder_are_not_in_the_file(tmp_path, suffix):
    builder = Builder(4)
    netlist = builder.build(builder.popcount([[2, 3], [4, 5]]))
    encoder = Encoder((2,), np.array([0, 0, 1, 1]), np.array([0.2, 0.6, 0.2, 0.6], np.float32))
    gw.write(Circuit(encoder, netlist, Decoder(2)), tmp_path / f"a{suffix}")
    found = gw.read(tmp_path / f"a{suffix}")
    assert found.decoder is None
    assert found.encoder.shape == (4,)
    assert_same_function(netlist, found.netlist)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_netlist_is_written_as_it_is(tmp_path, suffix):
    gw.write(dense(3, 4, 2), tmp_path / f"a{suffix}")
    assert_same_function(dense(3, 4, 2), gw.read(tmp_path / f"a{suffix}").netlist)


def test_nothing_is_lost_when_a_file_cannot_be_written(tmp_path):
    with pytest.raises(FileError, match="cannot write"):
        gw.write(dense(3, 4, 2), tmp_path / "no such folder" / "a.blif")


@pytest.fixture(scope="module")
def abc():
    """Runs commands in the ABC inside pyosys; skips the test without it."""
    found = find_spec("pyosys")
    if found is None or not found.submodule_search_locations:
        pytest.skip("pyosys, which brings ABC, is not installed")
    program = Path(found.submodule_search_locations[0]) / "yosys-abc"

    def run(commands):
        done = subprocess.run([program, "-c", commands], capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr

    return run


@pytest.mark.parametrize("suffix", [".aig", ".blif", ".bench"])
def test_abc_reads_what_we_write(abc, tmp_path, suffix):
    """And proves it equal; the reference is ABC's own copy of another format."""
    for netlist in (dense(8, 30, 3), all_tables(3)):
        gw.write(netlist, tmp_path / "a.blif")
        gw.write(netlist, tmp_path / f"b{suffix}")
        answer = abc(f"cec {tmp_path / 'a.blif'} {tmp_path / f'b{suffix}'}")
        assert "Networks are equivalent" in answer, answer


@pytest.mark.parametrize(
    "commands",
    [
        "strash; write_blif {}.blif",
        "if -K 6; write_blif {}.blif",
        "strash; write_bench -l {}.bench",
        "if -K 6; write_bench {}.bench",
        "strash; &get; &w {}.aig",
    ],
)
def test_we_read_what_abc_writes(abc, tmp_path, commands):
    netlist = dense(8, 30, 3)
    gw.write(netlist, tmp_path / "a.aig")
    abc(f"read_aiger {tmp_path / 'a.aig'}; {commands.format(tmp_path / 'b')}")
    (written,) = tmp_path.glob("b.*")
    assert_same_function(netlist, gw.read(written).netlist)


def all_tables(k):
    """Every table of k inputs, and a few of six."""
    builder = Builder(6)
    random = np.random.default_rng(0)
    some = random.choice(1 << (1 << k), 200, replace=False)
    wide = random.integers(0, 2**63, 20, dtype=np.uint64) * np.uint64(2)
    nets = [builder.luts(np.tile(np.arange(2, 2 + k), (len(some), 1)), some)]
    nets.append(builder.luts(np.tile(np.arange(2, 8), (len(wide), 1)), wide))
    return builder.build(np.concatenate(nets))


VERILOG = "// a remark\nmodule m(input a, b, output y);\nassign y = a ^ b;\nendmodule\n"


@pytest.fixture
def files(tmp_path):
    """The same netlist in each format, by the kind that the command line gives it."""
    netlist = dense(6, 10, 2)
    kinds = {"AIGER": [".aig", ".aag"], "BLIF": [".blif"], "BENCH": [".bench"]}
    for suffix in SUFFIXES:
        gw.write(netlist, tmp_path / f"a{suffix}")
    (tmp_path / "a.v").write_text(VERILOG)
    return {
        tmp_path / f"a{suffix}": kind
        for kind, suffixes in {**kinds, "Verilog": [".v"]}.items()
        for suffix in suffixes
    }


def test_the_command_line_tells_files_apart_by_content(files, tmp_path, capsys):
    for path, kind in files.items():
        other = tmp_path / "other.txt"
        other.write_bytes(path.read_bytes())
        assert main(["inspect", str(other)]) == 0
        assert f"{kind} circuit" in capsys.readouterr().out


def test_the_command_line_takes_netlists(files, tmp_path, capsys):
    for path in files:
        assert main(["compile", str(path), "-o", str(tmp_path / "p.npz"), "--target", "numpy"]) == 0
        assert main(["emit", str(path), "--target", "verilog", "-o", str(tmp_path / "rtl")]) == 0
    assert main(["verify", str(tmp_path / "a.v"), "--samples", "100", "--no-rtl"]) == 0
    assert "all equal" in capsys.readouterr().out


def test_import_converts_any_to_any(files, tmp_path, capsys):
    for path in files:
        for suffix in (*SUFFIXES, ".npz", ".dot", ".graphml"):
            target = tmp_path / f"b{suffix}"
            assert main(["import", str(path), "-o", str(target)]) == 0
            if suffix not in (".dot", ".graphml"):
                assert_same_function(gw.read(path).netlist, gw.read(target).netlist)
                assert gw.read(target).names == gw.read(path).names
    capsys.readouterr()
    assert main(["import", str(path), "-o", str(tmp_path / "b.txt")]) == 2
    assert "allowed are .npz, .aig" in capsys.readouterr().err


def test_a_file_that_says_nothing_is_read_by_its_suffix(tmp_path, capsys):
    (tmp_path / "a.blif").write_text("hello\n")
    assert main(["inspect", str(tmp_path / "a.blif")]) == 2
    assert "a.blif:1" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".v"])
def test_byte_order_marks_are_skipped(files, tmp_path, capsys, suffix):
    content = (tmp_path / f"a{suffix}").read_bytes()
    other = tmp_path / f"b{suffix}"
    other.write_bytes(b"\xef\xbb\xbf" + content)
    assert gw.read(other).netlist == gw.read(tmp_path / f"a{suffix}").netlist
    other.rename(tmp_path / "b.txt")
    assert main(["inspect", str(tmp_path / "b.txt")]) == 0


@pytest.mark.parametrize("suffix", [".blif", ".bench", ".v"])
@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_ends_of_lines_of_any_kind(files, tmp_path, suffix, end):
    content = (tmp_path / f"a{suffix}").read_bytes()
    (tmp_path / f"b{suffix}").write_bytes(content.replace(b"\n", end))
    found, want = (gw.read(tmp_path / f"{name}{suffix}") for name in "ba")
    assert (found.netlist, found.names) == (want.netlist, want.names)


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".v"])
def test_compressed_files_are_told(files, tmp_path, suffix):
    content = gzip.compress((tmp_path / f"a{suffix}").read_bytes())
    refused(tmp_path / f"b{suffix}", content, "compressed by gzip", "decompress it first")


@pytest.mark.parametrize(
    ("target", "message"), [("b.v", "emit(circuit, 'verilog'"), ("none/b.aig", "no folder")]
)
@pytest.mark.parametrize("command", ["optimize", "import", "observe"])
def test_targets_are_checked_before_the_work(tmp_path, capsys, command, target, message):
    data = ["none.npy"] if command == "observe" else []
    assert main([command, "none.aig", *data, "-o", str(tmp_path / target)]) == 2
    assert message in capsys.readouterr().err


def test_random_samples_for_bits_are_bits(tmp_path, capsys):
    """A circuit that is wrong where an input is false is found without data."""
    from gatewright.cli.sources import random_samples

    assert 0.4 < random_samples((4,), 1000, most=1).mean() < 0.6
    assert random_samples((4,), 1000).mean() > 100
