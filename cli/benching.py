"""`bench`: how fast a compiled circuit answers, on every instruction set and by stages."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends.build import build_stages
from ..compiler.optimize import optimize
from ..runtime.bench import latency, stages, throughput
from ..runtime.compiled import CompiledCircuit
from ..runtime.errors import InputError
from ..runtime.library import LibraryEngine
from .sources import (
    c_name,
    first_samples,
    kind_of,
    open_compiled,
    open_source,
    random_samples,
    read_samples,
)


def bench(options: argparse.Namespace) -> int:
    """Time a library on every instruction set it has, and its stages where they are asked for."""
    whole = _stages(options) if options.stages else (open_compiled(options.source),)
    compiled = whole[-1]
    samples = random_samples(compiled.shape, 1000)
    if options.data:
        data = read_samples(options.data, options.data_part)
        samples = data.x
        scored = compiled.manifest["decoder"] is not None
        print(data.reached(compiled.predict(samples)) if scored else data.about, file=sys.stderr)
    first_samples(samples, options.samples)
    x = np.resize(samples, (options.samples, *samples.shape[1:]))
    engine = compiled.engine
    print(f"{compiled.name}: {len(x):,} samples of {x.dtype} a call, {options.threads} threads")
    for isa in engine.isas() if isinstance(engine, LibraryEngine) else (engine.isa,):
        _show(isa, whole, x, options.threads)
    return 0


def _show(isa: str, built: tuple[CompiledCircuit, ...], x: NDArray[Any], threads: int) -> None:
    for each in built:
        if isinstance(each.engine, LibraryEngine):
            each.engine.isa = isa
    compiled = built[-1]
    found = throughput(compiled, x, threads=threads)
    one = latency(compiled, x[:1])
    print(f"  {isa:<12} {found.nanoseconds} ns a sample, {found}; one sample {one / 1e3:.1f} us")
    if len(built) == 3:
        packing, logic, head = stages(built, x)
        print(
            f"  {'':<12} one thread: packing {packing:.1f} ns, logic {logic:.1f} ns, "
            f"head {head:.1f} ns a sample"
        )


def _stages(options: argparse.Namespace) -> tuple[CompiledCircuit, ...]:
    source: Path = options.source
    if kind_of(source) in ("plan", "library"):
        raise InputError(
            f"{source}: --stages: already compiled as a whole; allowed is a model or circuit file, "
            "which is compiled once to stop after each stage"
        )
    return build_stages(optimize(open_source(source).circuit), c_name(source))
