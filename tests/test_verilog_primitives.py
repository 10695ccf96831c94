"""LUTs of iCE40 and ECP5 as instances: what synthesis sees answers as what simulators see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from circuits import classifier
from verilog_checks import check, needs_iverilog, needs_yosys

from gatewright.backends.artifact import Artifact
from gatewright.backends.verilog.backend import Verilog
from gatewright.backends.verilog.cells import PRIMITIVES
from gatewright.backends.verilog.devices import DEVICES
from gatewright.runtime.errors import EmitError

MODELS = {
    device: (Path(__file__).parent / f"primitives_{device}.v").read_bytes()
    for device in ("ice40", "ecp5")
}
OPTIONS = ({}, {"registers_every": 2, "answer": "class"})
each_device = pytest.mark.parametrize("device", MODELS)
each_option = pytest.mark.parametrize("options", OPTIONS, ids=str)


@pytest.mark.simulator
@needs_iverilog
@each_device
@each_option
def test_what_synthesis_sees_answers_rightly(device: str, options: dict) -> None:
    circuit = classifier()
    x = np.random.default_rng(0).integers(0, 256, (100, 20)).astype(np.uint8)
    artifact = Verilog(primitives=device, **options).emit(circuit, "dut", x)
    text = artifact.files["dut.v"]
    assert PRIMITIVES[device].name.encode() in text
    seen = b"`define SYNTHESIS\n" + MODELS[device] + text
    check(Artifact("dut", {**artifact.files, "dut.v": seen}, artifact.manifest))


@needs_yosys
@each_device
@each_option
def test_what_synthesis_sees_is_proved(device: str, options: dict) -> None:
    circuit = classifier()
    manifest = Verilog(primitives=device, device=device, **options).emit(circuit, "dut", prove=True)
    assert manifest.manifest["proof"]["outputs"] > 0


@each_device
def test_luts_have_four_inputs(device: str) -> None:
    text = Verilog(primitives=device).emit(classifier(), "dut").files["dut.v"].decode()
    assert "module dut_lut4" in text
    assert "_lut5" not in text
    assert "T5_" not in text
    assert "T6_" not in text


@pytest.mark.parametrize("device", DEVICES)
def test_a_pipeline_for_a_device_has_its_luts(device: str) -> None:
    def primitives(**options: object) -> str | None:
        backend = Verilog(device=device, **options)  # type: ignore[arg-type]
        return backend.emit(classifier(), "dut").manifest["primitives"]

    found = primitives(registers_every=2)
    assert found is not None
    assert PRIMITIVES[found].device == device
    assert primitives(registers_every=2, style="lut") is None
    assert primitives() is None


def test_another_device_is_refused() -> None:
    message = "device 'ice40' and primitives 'ecp5'; these are of 'ecp5'; leave one of both out"
    with pytest.raises(EmitError, match=message):
        Verilog(primitives="ecp5", device="ice40")
    with pytest.raises(
        EmitError, match="device 'ecp5' and primitives 'xilinx'; these are of 'xc7'"
    ):
        Verilog(primitives="xilinx", device="ecp5")
