"""Gatewright: train logic networks in PyTorch, compile them to bit-parallel C, CUDA and Verilog.

    circuit = gw.trace(model, input_shape=(1, 28, 28))   # a PyTorch module as a gate graph
    compiled = gw.compile(circuit)                       # a shared library, loaded
    compiled.predict(x)

Importing this package imports neither torch nor jinja2; each function imports what it needs.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .runtime.errors import GatewrightError
from .runtime.version import VERSION as __version__

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .backends.synthesis import SynthesisReport
    from .compiler import Circuit
    from .compiler.equivalence import equivalent
    from .compiler.files import read, write
    from .compiler.observe import observe
    from .compiler.optimize import optimize
    from .frontend.tracing.trace import trace
    from .runtime.compiled import CompiledCircuit, load

__all__ = [
    "GatewrightError",
    "__version__",
    "compile",
    "emit",
    "equivalent",
    "load",
    "observe",
    "optimize",
    "read",
    "synthesize",
    "trace",
    "write",
]

# Public names that are simply those of an inner module, imported when first used.
_LAZY = {
    "trace": "frontend.tracing.trace",
    "load": "runtime.compiled",
    "equivalent": "compiler.equivalence",
    "observe": "compiler.observe",
    "optimize": "compiler.optimize",
    "read": "compiler.files",
    "write": "compiler.files",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'gatewright' has no attribute {name!r}")
    return getattr(import_module(f".{_LAZY[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})


def compile(
    model: Any,
    target: str = "c",
    *,
    input_shape: tuple[int, ...] | None = None,
    level: int = 2,
    name: str = "circuit",
    prove: bool = False,
    tune: Any = None,
    **options: Any,
) -> CompiledCircuit:
    """Optimise a circuit, build it, and load it.

    Args:
        model: a `Circuit`, a `Netlist` (its inputs are then Boolean), or a PyTorch module.
        target: "c", a shared library built with the machine's C compiler; "cuda", one for CUDA
            devices, which needs nvcc or NVRTC as well; "numpy", which needs no compiler; or
            "verilator", the emitted Verilog, simulated. All give the same answers.
        input_shape: of one sample; for a module that has no attribute of that name.
        level: how hard to optimise, 0 to 3, as `optimize`.
        name: names the library and its C functions.
        prove: fail unless what is compiled is proved equal to the circuit; see `equivalent`.
        tune: for "c", build a few candidates, measure them here and keep the fastest: True for
            random rows, or samples [n, \\*input_shape] to measure on.
        options: of the backend, such as `triple="aarch64-linux-gnu"` for another machine; for
            "cuda" `architectures=("sm_90",)`, or `emulate=True` for loops on the CPU.

    Returns:
        A `CompiledCircuit`, whose methods take batches [n, \\*input_shape]; for another machine,
        or for CUDA where there is no device, a `CrossCompiled`, which can only be saved.

    Raises:
        TraceError: the module is not Boolean in evaluation mode.
        EmitError: an unknown target or option, an unusable name, or nothing that can be tuned.
        InputError: samples to tune on of another shape or dtype, or none.
        ExtraMissing: another machine, and ziglang is not installed.
        NetlistError: not proved equal, if that was asked for.
        ToolMissing, BuildError: no C or CUDA compiler, or it failed, or there is no room for the
            result.
    """
    from .backends.build import build
    from .compiler.optimize import optimize

    circuit = _circuit(model, input_shape)
    smaller = optimize(circuit, level, keep_tiles=options.get("places_per_clock") is not None)
    return build(smaller, target, name, circuit if prove else None, tune, **options)


def emit(
    model: Any,
    target: str,
    folder: str | os.PathLike[str],
    *,
    input_shape: tuple[int, ...] | None = None,
    name: str = "circuit",
    vectors: Any = None,
    prove: bool = False,
    **options: Any,
) -> list[Path]:
    """Write a circuit as text, as it is; starts no compiler.

    It does not optimise, as `compile` and the command `gatewright emit` do: for what that command
    writes, `emit(optimize(circuit), ...)`.

    Args:
        model: a `Circuit`, a `Netlist` (its inputs are then Boolean), or a PyTorch module.
        target: "c", "cuda" or "verilog".
        folder: where the files go; made if needed.
        input_shape: of one sample; for a module that has no attribute of that name.
        name: of files, functions and modules.
        vectors: for "verilog", inputs [n, \\*shape] for a self-checking testbench.
        prove: fail unless what is emitted is proved equal to the circuit: the text of "verilog", as
            Yosys reads it (extra `rewrite`); of other targets what they prepare; see `equivalent`.
        options: of the backend, such as `isas=` for "c"; for "verilog" (see `docs/verilog.md`)
            ports and form: `feature_bits`, `answer`, `interface`, `style`, `primitives`,
            `keep_hierarchy`, `carry_chains`; clocks: `registers_every`, `max_latency`,
            `target_mhz`, `register_inputs`, `reset`, `enable`, `places_per_clock`; tools:
            `device`, `flow`, and `cocotb`, which with vectors writes tests for cocotb too.

    Returns:
        The paths of the files.

    Raises:
        EmitError: an unknown target or option, or a circuit that the target cannot express.
        InputError: vectors of another shape or dtype, none, or not integers of `feature_bits` bits.
        NetlistError: not proved equal, if that was asked for.
        ExtraMissing: a proof of "verilog", and there is no Yosys.
        FileError: a file cannot be written.
    """
    from .backends.text import emit_text

    circuit = _circuit(model, input_shape)
    return emit_text(circuit, target, name, vectors, options, prove).write(folder)


def synthesize(
    model: Any,
    device: str,
    *,
    input_shape: tuple[int, ...] | None = None,
    level: int = 2,
    name: str = "circuit",
    part: str | None = None,
    package: str | None = None,
    speed: str | None = None,
    seeds: int = 3,
    sections: bool = True,
    attempts: int = 3,
    router: str = "router1",
    timeout: float = 3600,
    folder: str | os.PathLike[str] | None = None,
    tell: Callable[[str], None] | None = None,
    **options: Any,
) -> SynthesisReport:
    """Optimise a circuit, emit it as Verilog, and have it mapped, placed and routed for an FPGA.

    Needs Yosys and nextpnr: on PATH, or from the extra `synth`.

    Args:
        model: a `Circuit`, a `Netlist` (its inputs are then Boolean), or a PyTorch module.
        device: "ice40", "ecp5", or "xc7", which is mapped only.
        input_shape: of one sample; for a module that has no attribute of that name.
        level: how hard to optimise, 0 to 3, as `optimize`.
        name: of the module.
        part, package, speed: such as "hx8k" and "ct256", or "25k", "CABGA381" and "6".
        seeds: how often to place and route; 0 maps only.
        sections: map encoder, logic and head apart too.
        attempts: with `target_mhz`, so many pipelines at most are placed and routed: where the
            median misses the clock, the next one has a level less between registers.
        router: nextpnr's "router1", whose paths are fast, or "router2", which ends sooner on large
            networks, whose wires compete.
        timeout: seconds for each run of a tool.
        folder: where the Verilog and files for the tools go; made if needed.
        tell: called with a line after each step, of which some take minutes; such as `print`.
        options: of the Verilog backend, such as `target_mhz=150, register_inputs=True`.

    Raises:
        EmitError: an unknown option, or a circuit that Verilog cannot express.
        ExtraMissing: no Yosys or nextpnr.
        BuildError: an unknown device or part, the design does not fit it, or a tool failed.
        FileError: a file cannot be written.
    """
    from .backends.synthesis import synthesize
    from .compiler.optimize import optimize

    return synthesize(
        optimize(
            _circuit(model, input_shape),
            level,
            keep_tiles=options.get("places_per_clock") is not None,
        ),
        device,
        name,
        part=part,
        package=package,
        speed=speed,
        seeds=seeds,
        sections=sections,
        attempts=attempts,
        router=router,
        timeout=timeout,
        folder=folder,
        tell=tell,
        **options,
    )


def _circuit(model: Any, input_shape: tuple[int, ...] | None) -> Circuit:
    from .compiler import Circuit, Encoder, Netlist
    from .compiler.files import check_no_path
    from .runtime.errors import InputError

    check_no_path(model)
    if isinstance(model, Netlist):
        model = Circuit(Encoder.boolean(model.n_inputs), model)
    if isinstance(model, Circuit):
        if input_shape is not None:
            raise InputError("input_shape: a circuit knows its own; leave the argument out")
        return model
    from .frontend.tracing.trace import trace

    return trace(model, input_shape)
