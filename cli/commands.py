"""What each command does; `main` reads the arguments and prints the errors."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import compile as compile_circuit
from .. import emit as emit_files
from ..compiler.optimize import optimize
from ..compiler.reports import NOTHING_LEFT
from ..compiler.stats import n_gates, stats
from ..runtime.compiled import CompiledCircuit, load
from ..runtime.errors import EmitError, InputError
from ..runtime.foreign import CrossCompiled
from ..runtime.library import Library
from .arguments import verilog_options
from .checking import check_all
from .outputs import check_emitted, check_library, check_output
from .sizes import embedded_sizes
from .sources import (
    Samples,
    c_name,
    first_samples,
    kind_of,
    open_compiled,
    open_source,
    random_samples,
    read_samples,
    write_npy,
)


def compile(options: argparse.Namespace) -> int:
    """A model or circuit to one file that answers."""
    tune = options.tune if isinstance(options.tune, str) else None
    check_output(options.output, options.source, tune)
    check_library(options.output, options.target, options.triple)
    circuit = open_source(options.source).circuit
    name = options.name or c_name(options.output)
    extra: dict[str, Any] = {"triple": options.triple, "architectures": options.architecture}
    extra["places_per_clock"] = options.places_per_clock
    extra = {key: value for key, value in extra.items() if value is not None}
    extra |= {"emulate": True} if options.emulate else {}
    compiled = compile_circuit(
        circuit,
        options.target,
        level=options.level,
        name=name,
        prove=options.prove,
        tune=read_samples(tune).x if tune else options.tune,
        **extra,
    )
    path = compiled.save(options.output, header=options.header)
    gates, levels = compiled.manifest["gates"], compiled.manifest["levels"]
    where = f"runs here on {compiled.engine.isa}"
    if isinstance(compiled, CrossCompiled):
        device = f" with CUDA ({compiled.engine.isa})" if compiled.engine.missing else ""
        where = f"for {compiled.triple}{device}"
    print(f"wrote {path}: {gates:,} gates, {levels} levels, {where}")
    if n_gates(circuit.netlist) and not gates:
        print(f"  {NOTHING_LEFT}")
    if options.header:
        print(f"wrote {path.with_name(f'{compiled.name}.h')}")
    for line in _tuned(compiled.manifest):
        print(line)
    return 0


def _tuned(manifest: dict[str, Any]) -> Iterator[str]:
    """A line for each path: what was measured, the form that was kept first."""
    for isa, cost in manifest["times"].items() if "tuned" in manifest else ():
        forms = [label.rpartition(", ") for label in manifest["tuned"]]
        found = [(form, manifest["tuned"][f"{form}, {on}"]) for form, _, on in forms if on == isa]
        found.sort(key=lambda pair: (pair[1] != cost["sample_ns"], pair[1]))
        (kept, time), *rest = found
        others = "".join(f"; {form} {other:.2f}" for form, other in rest)
        yield f"  {isa:<12} {kept}, {time:.2f} ns a sample{others}"


def emit(options: argparse.Namespace) -> int:
    """A model or circuit to text."""
    target = options.target or ("c" if options.profile else None)
    if target is None:
        raise EmitError("emit: no target; name one: --target c, --target cuda or --target verilog")
    if options.size and options.profile != "embedded":
        raise EmitError("--size: only --profile embedded has sizes; leave it out")
    name = options.name or c_name(options.source)
    check_emitted(options.output, name, options.source)
    circuit = open_source(options.source).circuit
    in_turn = options.places_per_clock is not None
    circuit = optimize(circuit, options.level, prove=options.prove, keep_tiles=in_turn)
    vectors, about = None, ""
    if options.vectors:
        data = read_samples(options.vectors, options.data_part)
        vectors = first_samples(data.x, options.samples)
        about = f"vectors: {len(vectors):,} of {data.about}"
    extra: dict[str, Any] = verilog_options(options)
    extra |= {"profile": options.profile} if options.profile else {}
    paths = emit_files(
        circuit,
        target,
        options.output,
        name=name,
        vectors=vectors,
        prove=options.prove,
        **extra,
    )
    if about:
        print(about, file=sys.stderr)
    for path in paths:
        print(f"wrote {path}")
    if options.prove:
        print(f"proved equal to {options.source}")
    if options.size:
        print(embedded_sizes(paths, name, options.size))
    return 0


def predict(options: argparse.Namespace) -> int:
    """Classes, scores or bits of samples."""
    if options.output:
        check_output(options.output, options.source, options.data)
    compiled = open_compiled(options.source)
    samples = read_samples(options.data, options.data_part)
    found = _answers(compiled, samples, options)
    if options.output:
        write_npy(options.output, found)
        print(f"wrote {options.output}: {found.dtype} {list(found.shape)}")
    else:
        np.savetxt(sys.stdout, found.astype(np.float64), fmt="%g")
    return 0


def _answers(compiled: CompiledCircuit, samples: Samples, options: argparse.Namespace) -> Any:
    """What was asked for; on stderr of which samples, and the accuracy where classes are known."""
    x, threads = samples.x, options.threads
    if compiled.manifest["decoder"] is None:
        return compiled.bits(x, threads=threads)
    found = (compiled.scores if options.scores else compiled.predict)(x, threads=threads)
    print(samples.reached(found.argmax(axis=1) if options.scores else found), file=sys.stderr)
    return found


def verify(options: argparse.Namespace) -> int:
    """Compare forms; status 1 if any differs."""
    source = open_source(options.source)
    shape = source.circuit.encoder.shape
    # Bits for a circuit of bits: nearly all random bytes would be true.
    most = 1 if source.circuit.encoder.threshold.max(initial=0) < 1 else 255
    x, about = random_samples(shape, options.samples, most=most), "random samples"
    if options.data:
        data = read_samples(options.data, options.data_part)
        x, about = data.x, data.about
    x = first_samples(x, options.samples)
    rtl_samples = len(first_samples(x, options.rtl_samples))
    in_turn = options.places_per_clock is not None
    circuit = optimize(source.circuit, options.level, keep_tiles=in_turn)
    libraries = {str(path): load(path) for path in options.library}
    if options.no_rtl and "verilog" in options.target:
        raise InputError("--no-rtl with --target verilog; allowed is one of them")
    simulators = {"simulators": ()} if options.no_rtl else {}
    print(f"{options.source}: against the circuit's simulation, {about}")
    checks = []
    for check in check_all(
        source.circuit,
        circuit,
        x,
        module=source.module,
        libraries=libraries,
        rtl_samples=rtl_samples,
        also=options.target,
        places_per_clock=options.places_per_clock,
        **simulators,
    ):
        checks.append(check)
        print(check, flush=True)
    wrong = [check for check in checks if check.differ]
    print("all equal" if not wrong else f"{len(wrong)} of {len(checks)} forms differ")
    return 1 if wrong else 0


def inspect(options: argparse.Namespace) -> int:
    """What a file holds."""
    kind = kind_of(options.source)
    print(f"{options.source}: {kind}, {options.source.stat().st_size:,} bytes")
    if kind in ("plan", "library"):
        held = load(options.source) if kind == "plan" else Library(options.source)
        print(json.dumps(held.manifest, indent=2, sort_keys=True))
        return 0
    circuit = open_source(options.source).circuit
    print(f"{'sample':<13} {list(circuit.encoder.shape)}")
    print(stats(circuit.netlist))
    if circuit.decoder:
        decoder = circuit.decoder
        print(
            f"{'scores':<13} {decoder.groups} classes, (count + {decoder.beta:g}) / {decoder.tau:g}"
        )
    if options.text:
        print(circuit.netlist)
    return 0
