"""The whole path on real digits: every form answers what PyTorch answers."""

from __future__ import annotations

import numpy as np
import pytest
from circuits import BATCHES, DTYPES

import gatewright as gw
from gatewright.runtime.library import LibraryEngine
from gatewright.runtime.simulators import available, simulate_testbench

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

LAYOUTS = {
    "contiguous": lambda x: x,
    "fortran": np.asfortranarray,
    "strided": lambda x: np.repeat(np.repeat(x, 2, axis=0), 3, axis=-1)[::2, ..., ::3],
}


@pytest.fixture(scope="module")
def digits():
    """A briefly trained model, the circuit traced from it, and every image there is."""
    from gatewright.frontend import Recipe, load_dataset, recipe

    data = load_dataset("digits")
    found = recipe("digits")
    brief = Recipe(found.network, {**found.training, "steps": 60})
    model, _ = brief.train(data, progress=False)
    return model, gw.trace(model, data.input_shape), np.concatenate([data.x_test, data.x_train])


@pytest.fixture(scope="module")
def forms(digits):
    """Circuit, optimised circuit, library and numpy plan."""
    circuit = digits[1]
    small = gw.optimize(circuit)
    return {
        "circuit": circuit,
        "optimised": small,
        "library": gw.compile(circuit, name="digits"),
        "numpy": gw.compile(circuit, "numpy", name="digits"),
    }


def batch(images: np.ndarray, n: int, dtype: str) -> np.ndarray:
    """n images, repeated if there are fewer; bool ones are thresholded, floats get fractions."""
    x = np.resize(images, (n, *images.shape[1:]))
    if dtype == "bool":
        return x > 7
    return (
        x if dtype == "uint8" else (x + np.linspace(-0.5, 0.5, 64).reshape(1, 8, 8)).astype(dtype)
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", BATCHES)
def test_every_form_answers_as_pytorch(digits, forms, n, dtype):
    model, _, images = digits
    x = batch(images, n, dtype)
    with torch.no_grad():
        want = model(torch.from_numpy(x)).numpy() if n else np.zeros((0, 10), np.float32)
    for layout, change in LAYOUTS.items():
        for name, form in forms.items():
            if n > 1000 and (name in ("circuit", "optimised")) and layout != "strided":
                continue  # the reference is slow, and its layouts are tested on smaller batches
            given = change(x)
            assert np.array_equal(form.scores(given), want), (name, layout)
            assert np.array_equal(form.predict(given), want.argmax(1)), (name, layout)


def test_every_instruction_set_answers_as_pytorch(digits, forms):
    model, _, images = digits
    engine = forms["library"].engine
    assert isinstance(engine, LibraryEngine)
    with torch.no_grad():
        want = model(torch.from_numpy(images)).numpy()
    for isa in engine.isas():
        engine.isa = isa
        assert np.array_equal(forms["library"].scores(images), want), isa
    engine.isa = engine.isas()[0]


@pytest.mark.simulator
@pytest.mark.parametrize("simulator", ["iverilog", "verilator"])
def test_verilog_answers_as_the_circuit(digits, forms, simulator, tmp_path):
    if simulator not in available():
        pytest.skip(f"{simulator} is not installed; for example: apt-get install {simulator}")
    images = digits[2][:600]
    gw.emit(forms["optimised"], "verilog", tmp_path, name="digits", vectors=images)
    result = simulate_testbench(simulator, tmp_path, "digits_tb")
    assert (result.vectors, result.failures) == (600, 0), result.log


def test_the_printed_netlist_is_the_netlist(forms):
    from gatewright.compiler.text import format_netlist, parse_netlist

    netlist = forms["optimised"].netlist
    assert parse_netlist(format_netlist(netlist)) == netlist
