"""The demo: every step of the path on scikit-learn's handwritten digits."""

from __future__ import annotations

import argparse
from pathlib import Path
from textwrap import indent
from time import perf_counter
from typing import Any

import numpy as np

from .. import emit, equivalent, optimize, write
from ..compiler import Circuit
from ..compiler.cost import cost
from ..compiler.reports import Recorder
from ..compiler.stats import n_gates
from ..runtime.archive import make_folder
from ..runtime.bench import throughput
from ..runtime.errors import ToolMissing
from ..runtime.simulators import SIMULATORS, available
from .checking import check_all

_VECTORS = 500  # through the simulators; all held-out images are among them


def run(options: argparse.Namespace) -> int:
    """Train, trace, optimise, compile, check, time, emit; status 1 if any form differs."""
    from ..frontend import evaluate, load_dataset, recipe, save_model
    from ..frontend.tracing.trace import trace

    start = perf_counter()
    folder = make_folder(options.output)
    data = load_dataset("digits", seed=options.seed)
    print(
        f"1. Data: {len(data.x_train)} handwritten digits to learn from, "
        f"{len(data.x_test)} held out"
    )
    model, history = recipe("digits").train(data, seed=options.seed)
    relaxed = evaluate(model, data.x_test, data.y_test, "relaxed")
    discrete = evaluate(model, data.x_test, data.y_test, "discrete")
    save_model(model, folder / "digits.model.npz")
    print(
        f"2. Trained in {history.seconds:.0f} s; test accuracy {relaxed:.2%} relaxed, "
        f"{discrete:.2%} discrete -> {folder / 'digits.model.npz'}"
    )
    circuit = trace(model, data.input_shape)
    recorder = Recorder(luts=True)
    small = optimize(circuit, after=recorder)
    print(f"3. Traced: {n_gates(circuit.netlist):,} gates; optimised:")
    print(indent(str(recorder.report()), "     "))
    print(f"   Optimised circuit and traced one: {equivalent(circuit, small)}")
    print(indent(str(cost(small)), "     "))
    write(small, folder / "digits.circuit.npz")
    images = np.concatenate([data.x_test, data.x_train])  # the held-out ones first
    _compile(small, images, folder)
    wrong = _verify(circuit, small, model, images)
    _verilog(small, images[:_VECTORS], folder)
    print(f"Done in {perf_counter() - start:.0f} s; everything is in {folder}")
    return 1 if wrong else 0


def _compile(circuit: Circuit, x: np.ndarray, folder: Path) -> None:
    from .. import compile

    start = perf_counter()
    try:
        compiled = compile(circuit, name="digits")
        path = folder / "digits.so"
    except ToolMissing as error:
        print(f"4. No C library: {error}")
        compiled = compile(circuit, "numpy", name="digits")
        path = folder / "digits.npz"
    seconds = perf_counter() - start
    compiled.save(path)
    many = np.resize(x, (100_000, *x.shape[1:]))
    print(f"4. Compiled in {seconds:.1f} s -> {path}")
    print(f"     one core, {compiled.engine.isa}: {throughput(compiled, many)}")


def _verify(circuit: Circuit, small: Circuit, model: Any, x: np.ndarray) -> int:
    print("5. The same answers from every form, on every image, held-out ones first:")
    checks = []
    simulators = available()
    for check in check_all(
        *(circuit, small, x),
        module=model,
        simulators=simulators,
        rtl_samples=_VECTORS,
        also=("cuda", "verilog"),
    ):
        checks.append(check)
        print(f"   {check}", flush=True)
    missing = [name for name in SIMULATORS if name not in simulators]
    if missing:
        print(
            f"     not installed: {', '.join(missing)}; to simulate the Verilog too, "
            f"for example: apt-get install {' '.join(missing)}"
        )
    return sum(check.differ for check in checks)


def _verilog(circuit: Circuit, x: np.ndarray, folder: Path) -> None:
    paths = emit(circuit, "verilog", folder / "rtl", name="digits", vectors=x)
    print(f"6. Verilog with a self-checking testbench of {len(x)} images:")
    for path in paths:
        print(f"     {path}")
