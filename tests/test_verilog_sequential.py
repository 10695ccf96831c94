"""Tiles in turn: a few copies of a body at the places of a tile, some a clock."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import all_inputs, netlists
from verilog_checks import boolean, check, check_lint, needs_iverilog, needs_verilator

import gatewright as gw
from gatewright.backends.c.pooling import fuse_pools
from gatewright.backends.verilog import sequential
from gatewright.backends.verilog.backend import Verilog
from gatewright.backends.verilog.chains import CONSTANT, HELD, find_chains
from gatewright.backends.verilog.design import ANSWERS
from gatewright.backends.verilog.places import schedule
from gatewright.cli.main import main
from gatewright.compiler import Builder, Circuit, Decoder, Encoder, Netlist, Popcount, Tile, verify
from gatewright.compiler.files import write
from gatewright.compiler.netlist import FIRST_INPUT
from gatewright.runtime.errors import EmitError
from gatewright.runtime.simulators import lint, simulate_testbench

WAYS = (
    {},
    {"reset": True, "enable": True},
    {"registers_every": 1, "reset": True},
    {"registers_every": 2, "style": "behavioural", "enable": True},
    {"target_mhz": 200},
)


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every tile is worth it, so that small circuits show what large ones need."""
    monkeypatch.setattr(sequential, "worth", lambda tile, found: True)


def body(inputs: int, outputs: int, seed: int = 0) -> Netlist:
    """Random gates, two levels of them."""
    random = np.random.default_rng(seed)
    builder = Builder(inputs)
    nets = random.integers(2, 2 + inputs, (3 * outputs, 2))
    first = builder.luts(nets, random.integers(1, 15, 3 * outputs))
    return builder.build(builder.luts(first.reshape(-1, 3), random.integers(1, 255, outputs)))


def conv(nets: np.ndarray, size: int = 3, stride: int = 1, padding: int = 0) -> np.ndarray:
    """What the places of a convolution read of an image [channels, rows, columns]."""
    edge = (padding, padding)
    nets = np.pad(nets, ((0, 0), edge, edge))
    found = np.lib.stride_tricks.sliding_window_view(nets, (size, size), axis=(1, 2))
    found = found[:, ::stride, ::stride].transpose(1, 2, 0, 3, 4)
    return found.reshape(found.shape[0] * found.shape[1], -1)


def image_net(side: int = 6, channels: int = 2, padding: int = 0, pool: bool = True) -> Netlist:
    """A convolution, OR over windows of four places, a second convolution, a level of gates."""
    builder = Builder(side * side)
    nets = np.arange(2, 2 + side * side).reshape(1, side, side)
    for number, outputs in enumerate((channels, 2)):
        rows = conv(nets, 2, 1, padding)
        made = builder.tile(body(rows.shape[1], outputs, number), rows)
        side += 2 * padding - 1
        nets = np.asarray(made).reshape(side, side, outputs).transpose(2, 0, 1)
        if pool and not number:
            any_of = Builder(4)
            any_of = any_of.build(any_of.luts([[2, 3, 4, 5]], [0xFFFE]))
            windows = np.concatenate([conv(one[None], 2, 2) for one in nets])
            side //= 2
            nets = np.asarray(builder.tile(any_of, windows)).reshape(outputs, side, side)
    flat = nets.reshape(-1)
    return builder.build(builder.luts(np.column_stack([flat, np.roll(flat, 1)]), [6] * len(flat)))


def random_bits(circuit: Circuit, n: int = 25) -> np.ndarray:
    shape = (n, *circuit.encoder.shape)
    return np.random.default_rng(1).integers(0, 2, shape).astype(np.bool_)


def _has_tiles(backend: Verilog, netlist: Netlist) -> bool:
    try:
        return bool(backend.emit(boolean(netlist), "dut").manifest["tiles"])
    except EmitError:
        return False


@pytest.mark.simulator
@needs_iverilog
@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=25)
@given(netlists(max_inputs=5, max_k=4), st.integers(1, 5), st.sampled_from(WAYS))
def test_netlists(netlist: Netlist, lanes: int, way: dict) -> None:
    assume(len(netlist.outputs))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sequential, "worth", lambda tile, found: True)
        backend = Verilog(places_per_clock=lanes, **way)
        x = all_inputs(netlist.n_inputs)
        assume(_has_tiles(backend, netlist))
        artifact = backend.emit(boolean(netlist), "dut", x)
    assert artifact.manifest["tiles"]
    check(artifact)


@pytest.mark.simulator
@needs_iverilog
@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("pool", [False, True])
@pytest.mark.parametrize("lanes", [1, 2, 7, 100])
def test_convolutions(always: None, padding: int, pool: bool, lanes: int) -> None:
    circuit = boolean(image_net(padding=padding, pool=pool))
    options = {"reset": True, "enable": True} if lanes == 2 else {}
    artifact = Verilog(places_per_clock=lanes, **options).emit(circuit, "dut", random_bits(circuit))
    check(artifact)
    tiles = artifact.manifest["tiles"]
    assert [tile["stage"] for tile in tiles] == [1, 2]
    for tile in tiles:
        assert tile["lanes"] <= lanes
        assert tile["lanes"] * tile["clocks"] >= tile["places"]
    clocks = [tile["clocks"] + 1 for tile in tiles]
    assert artifact.manifest["interval"] == max(clocks)
    assert artifact.manifest["latency"] == sum(clocks) + 1


@pytest.mark.simulator
@needs_iverilog
@pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join(map(str, way.values())) or "plain")
@pytest.mark.parametrize("answer", ANSWERS)
def test_every_way(always: None, way: dict, answer: str) -> None:
    circuit = classifier()
    x = np.random.default_rng(1).integers(0, 256, (20, *circuit.encoder.shape)).astype(np.uint8)
    check(Verilog(8, answer, places_per_clock=2, **way).emit(circuit, "dut", x))


def classifier() -> Circuit:
    """Pixels of eight bits, a convolution that runs in turn, counts for three classes."""
    netlist = image_net()
    cells = netlist.cells
    nets = FIRST_INPUT + netlist.n_inputs + sum(cell.n_nets for cell in cells)
    counted = np.arange(nets - 6, nets).reshape(3, 2)
    whole = Netlist(netlist.n_inputs, (*cells, Popcount(counted)), np.arange(nets, nets + 6))
    pixels = np.arange(netlist.n_inputs)
    encoder = Encoder((1, 6, 6), pixels, np.float32(100) + pixels.astype(np.float32))
    return Circuit(encoder, whole, Decoder(3, 2.0, 1.0))


@pytest.mark.simulator
@needs_iverilog
@pytest.mark.parametrize("interface", ["stream", "axis"])
@pytest.mark.parametrize("bits", [0, 8])
def test_streams(always: None, interface: str, bits: int) -> None:
    circuit = classifier()
    x = np.random.default_rng(1).integers(0, 256, (15, *circuit.encoder.shape)).astype(np.uint8)
    options = {"reset": True, "enable": True, "interface": interface}
    artifact = Verilog(bits, places_per_clock=3, **options).emit(circuit, "dut", x)
    check(artifact)
    found = simulate_testbench("iverilog", artifact.files, f"dut_{interface}_tb")
    assert found.passed, found.log


@pytest.mark.simulator
@needs_verilator
@pytest.mark.parametrize("interface", ["ports", "stream", "axis"])
def test_lints_clean(always: None, interface: str, tmp_path: Path) -> None:
    for options in ({"registers_every": 1, "answer": "class"}, {}):
        backend = Verilog(
            8, places_per_clock=4, reset=True, enable=True, interface=interface, **options
        )
        file = tmp_path / "dut.v"
        file.write_bytes(backend.emit(classifier(), "dut").files["dut.v"])
        lint(file, "dut" if interface == "ports" else f"dut_{interface}")


@pytest.mark.simulator
@needs_verilator
@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=8)
@given(netlists(max_inputs=5, max_k=4), st.integers(1, 5), st.sampled_from(WAYS))
def test_netlists_lint_clean(
    tmp_path_factory: pytest.TempPathFactory, netlist: Netlist, lanes: int, way: dict
) -> None:
    assume(len(netlist.outputs))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sequential, "worth", lambda tile, found: True)
        backend = Verilog(places_per_clock=lanes, **way)
        assume(_has_tiles(backend, netlist))
        check_lint(backend.emit(boolean(netlist), "dut"), tmp_path_factory.getbasetemp())


@pytest.mark.simulator
@needs_verilator
def test_verilated(always: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWRIGHT_CACHE", str(tmp_path))
    circuit = classifier()
    compiled = gw.compile(circuit, "verilator", places_per_clock=2, reset=True, enable=True)
    x = np.random.default_rng(0).integers(0, 256, (40, *circuit.encoder.shape)).astype(np.uint8)
    assert compiled.manifest["tiles"]
    assert np.array_equal(compiled.counts(x), circuit.counts(x))
    assert np.array_equal(compiled.predict(x), circuit.predict(x))


@pytest.mark.simulator
@needs_iverilog
@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (r"ready1 = !full1 \|\|", "ready1 = 1'b1 ||"),
        (r"ready1 = !full1 \|\| done1 && ready2", "ready1 = !full1 && !full2"),
        (r"(left1 <= \d'd\d+)", r"\1 + 1'b1"),
        (r"(left2 <= \d'd\d+)", r"\1 - 1'b1"),
    ],
)
def test_the_testbench_sees_wrong_stages(always: None, good: str, bad: str) -> None:
    circuit = boolean(image_net(pool=False))
    files = Verilog(places_per_clock=2).emit(circuit, "dut", random_bits(circuit)).files
    text, count = re.subn(good, bad, files["dut.v"].decode())
    assert count == 1
    files = {**files, "dut.v": text.encode()}
    assert not simulate_testbench("iverilog", files, "dut_tb").passed


def test_a_convolution_takes_little_more_registers_than_its_image() -> None:
    for stride, padding in ((1, 0), (1, 1), (2, 0), (2, 1)):
        nets = np.arange(2, 2 + 144).reshape(1, 12, 12)
        tile = Tile(body(9, 2), conv(nets, 3, stride, padding))
        for lanes in (1, 3, 5):
            found = schedule(tile, lanes)
            assert found.chains.bits < 1.8 * 144
            assert found.clocks < 1.5 * -(-tile.places // lanes)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.sampled_from([1, 2, 3]))
def test_any_places_of_a_convolution_have_positions(seed: int, lanes: int, stride: int) -> None:
    random = np.random.default_rng(seed)
    rows = conv(np.arange(2, 2 + 144).reshape(1, 12, 12), 3, stride)
    some = np.flatnonzero(random.random(len(rows)) < random.choice([0.1, 0.5, 0.9]))
    assume(len(some))
    found = schedule(Tile(body(9, 2), rows[some]), lanes)
    assert len(np.unique(found.time)) == len(some)
    assert 0 <= found.time.min() <= found.time.max() < found.lanes * found.clocks


@given(st.integers(0, 2**32 - 1))
def test_chains_bring_what_places_read(seed: int) -> None:
    random = np.random.default_rng(seed)
    places, inputs = random.integers(1, 8, 2)
    fanin = random.integers(0, 9, (places, inputs)).astype(np.int32)
    time = random.permutation(10)[:places].astype(np.int32)
    found = find_chains(fanin, time)
    for column, (chain, at) in enumerate(found.taps):
        for place in range(places):
            if chain == CONSTANT:
                net = at
            else:
                net = found.held[at] if chain == HELD else found.chains[chain][at + time[place]]
            assert net == fanin[place, column]


def test_keep_tiles() -> None:
    circuit = boolean(image_net(side=9, channels=4))
    kept = gw.optimize(circuit, 2, keep_tiles=True).netlist
    assert any(isinstance(cell, Tile) for cell in kept.cells)
    assert not any(isinstance(cell, Tile) for cell in gw.optimize(circuit, 2).netlist.cells)
    x = random_bits(circuit)
    assert np.array_equal(circuit.with_netlist(kept).bits(x), circuit.bits(x))


def test_a_pooling_that_is_fused_already_is_not_fused_again() -> None:
    circuit = gw.optimize(classifier(), 2, keep_tiles=True)
    fused = fuse_pools(circuit.netlist)
    assert fused is not circuit.netlist
    verify(fused)
    x = np.random.default_rng(0).integers(0, 256, (40, *circuit.encoder.shape)).astype(np.uint8)
    assert np.array_equal(circuit.with_netlist(fused).bits(x), circuit.bits(x))


def test_only_what_takes_fewer_luts_runs_in_turn() -> None:
    rows = conv(np.arange(2, 2 + 196).reshape(1, 14, 14))
    builder = Builder(196)
    circuit = boolean(builder.build(builder.tile(body(9, 8), rows)))
    manifest = Verilog(places_per_clock=1).emit(circuit, "dut").manifest
    assert [tile["places"] for tile in manifest["tiles"]] == [144]
    with pytest.raises(EmitError, match="and no tile of the circuit takes fewer LUTs so; allowed"):
        Verilog(places_per_clock=140).emit(circuit, "dut")
    with pytest.raises(EmitError, match="places_per_clock 1, and no tile"):
        Verilog(places_per_clock=1).emit(boolean(Netlist(1, (), np.int32([2]))), "dut")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"places_per_clock": 0}, "places_per_clock 0; allowed are integers from 1 on"),
        ({"places_per_clock": True}, "places_per_clock True; allowed are integers"),
        ({"places_per_clock": 1, "max_latency": 3}, "max_latency 3 and places_per_clock; the"),
        ({"places_per_clock": 1, "register_inputs": True}, "leave register_inputs out"),
    ],
)
def test_options_refused(options: dict, message: str) -> None:
    with pytest.raises(EmitError, match=message):
        Verilog(**options)


@pytest.mark.simulator
@needs_iverilog
def test_the_command_line(always: None, tmp_path: Path) -> None:
    source, folder = tmp_path / "net.npz", tmp_path / "rtl"
    write(classifier(), source)
    np.save(tmp_path / "x.npy", np.zeros((5, 1, 6, 6), np.uint8))
    words = f"emit {source} --target verilog -o {folder} --vectors {tmp_path / 'x.npy'}"
    assert main([*words.split(), "--places-per-clock", "2"]) == 0
    assert "places of a tile, 2 at once" in (folder / "net.v").read_text()
    assert simulate_testbench("iverilog", folder, "net_tb").passed
