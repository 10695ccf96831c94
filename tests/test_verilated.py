"""The target "verilator": the emitted Verilog answers as any other target does."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from circuits import classifier
from verilog_checks import boolean, needs_verilator, tiny

import gatewright as gw
from gatewright.backends.verilog.model import Verilated
from gatewright.compiler import Builder, Circuit, Encoder, Netlist
from gatewright.runtime.errors import EmitError, InputError, ToolMissing

pytestmark = pytest.mark.simulator


@pytest.fixture(scope="module", autouse=True)
def _one_cache(tmp_path_factory: pytest.TempPathFactory):
    """Building takes seconds: what one test builds, another may use."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATEWRIGHT_CACHE", str(tmp_path_factory.mktemp("a cache")))
        yield


def wide() -> Circuit:
    """Ports of one word and more than two: 70 fractions, each above its threshold or not."""
    builder = Builder(70)
    outputs = builder.luts([[2 + i, 2 + (7 * i + 3) % 70] for i in range(40)], [6] * 40)
    threshold = np.linspace(-1, 1, 70).astype(np.float32)
    return Circuit(Encoder((7, 10), np.arange(70)[::-1], threshold), builder.build(outputs))


@needs_verilator
def test_answers() -> None:
    circuit = tiny()
    options = {"registers_every": 2, "reset": True, "enable": True}
    compiled = gw.compile(circuit, "verilator", level=0, name="dut", **options)
    x = np.random.default_rng(0).integers(0, 256, (70, 2)).astype(np.uint8)
    for found in (compiled, pickle.loads(pickle.dumps(compiled))):
        assert found.manifest["target"] == found.engine.isa == "verilator"
        assert np.array_equal(found.bits(x), circuit.bits(x))
        assert np.array_equal(found.counts(x), circuit.counts(x))
        assert np.array_equal(found.scores(x), circuit.scores(x))
        assert np.array_equal(found.predict(x.astype(np.float64)), circuit.predict(x))
        assert found.predict(x[:0]).shape == (0,)
    with pytest.raises(InputError, match=r"dut: a feature that is no integer from 0 to 255; .*=0"):
        compiled.bits(np.float32([[0, 1], [2, 2.5]]))
    with pytest.raises(InputError, match="dut: packed bits; the module takes features"):
        compiled.bits(np.zeros((1, 1), np.uint8), packed="rows")


@needs_verilator
def test_features_that_are_fractions() -> None:
    circuit = wide()
    compiled = gw.compile(circuit, "verilator", level=0, name="dut", feature_bits=0)
    x = np.random.default_rng(0).normal(size=(70, 70))
    x[3] = np.nan
    for dtype in (np.float32, np.float64):
        assert np.array_equal(compiled.bits(x.astype(dtype)), circuit.bits(x.astype(dtype)))
    bits = circuit.encoder(x)
    rows = np.packbits(bits, axis=1, bitorder="little")
    assert np.array_equal(compiled.bits(rows, packed="rows"), circuit.bits(x))
    words = np.zeros((70, 16), np.uint8)
    words[:, :9] = np.packbits(bits.T, axis=1, bitorder="little")
    found = compiled.bits(words.view("<u8"), packed="planes", n=70)
    assert np.array_equal(found, circuit.bits(x))


@needs_verilator
def test_what_it_answers_is_the_verilog(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong module gives wrong answers: nothing else computes them."""
    circuit = boolean(Netlist(1, (), [2]))
    emit = Verilated.emit

    def wrong(self: Verilated, circuit: Circuit, name: str, vectors: None = None):
        found = emit(self, circuit, name, vectors)
        text = found.files["wrong.v"].decode()
        assert text.count(".in(bits_in)") == 1
        found.files["wrong.v"] = text.replace(".in(bits_in)", ".in(~bits_in)").encode()
        return found

    monkeypatch.setattr(Verilated, "emit", wrong)
    compiled = gw.compile(circuit, "verilator", level=0, name="wrong")
    assert compiled.bits(np.array([[False], [True]])).tolist() == [[True], [False]]


def test_options() -> None:
    with pytest.raises(EmitError, match=r"verilator: answer 'class'; allowed is \"both\""):
        Verilated(answer="class")
    stream = {"interface": "stream", "registers_every": 1, "reset": True, "enable": True}
    with pytest.raises(EmitError, match=r"verilator: interface 'stream'; allowed is \"ports\""):
        Verilated(**stream)
    with pytest.raises(EmitError, match='only target "verilog" has a testbench'):
        Verilated().emit(tiny(), "dut", np.zeros((1, 2), np.uint8))


def test_missing_tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("GATEWRIGHT_CACHE", str(tmp_path))
    found = r"^target 'verilator': verilator and make and g\+\+ not found on PATH; .*verilator make"
    with pytest.raises(ToolMissing, match=found):
        gw.compile(classifier(), "verilator", level=0)
