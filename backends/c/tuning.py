"""Candidates of the C backend, built and timed on the machine at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compiler import Circuit, Luts, Netlist, Tile
from ...runtime.batch import Batch, read_batch
from ...runtime.compiled import CompiledCircuit
from ...runtime.errors import BuildError, InputError
from ...runtime.library import LibraryEngine
from ...runtime.processes import in_threads
from .backend import C, Measured
from .cost import Cost
from .isa import ISAS

_SAMPLES = 2048  # a call; four blocks of the widest path
_STRAIGHT = 6000  # LUTs at most that are tried as straight-line code: 10 s of gcc
_UNROLL = 1 << 14  # gates at most to which tiles are unrolled
_BUILD_SECONDS = 60.0  # after which no further candidate is begun
_MEASURE_SECONDS = 3.0
_ROUNDS = 30


@dataclass
class _Candidate:
    label: str
    backend: C
    library: CompiledCircuit


def tune(circuit: Circuit, backend: C, x: Any, compile: Callable[[C], CompiledCircuit]) -> C:
    """The backend with the options that made answers fastest here, and with the times measured.

    Args:
        circuit: as it is given to `prepare`.
        backend: what it says is kept; only options that it leaves open are tried.
        x: samples [n, *shape] to measure on; random rows if True.
        compile: builds and loads a candidate.

    Raises:
        InputError: x has another shape or dtype, or no rows.
        BuildError: candidates answer differently, which is an error in Gatewright.
    """
    rows = rows_of(circuit, x)
    found = _build(_candidates(circuit, backend), compile)
    _compare(found, rows)
    measured = measure([one.library for one in found], rows)
    costs = {(i, isa): cost for i, each in enumerate(measured) for isa, cost in each.items()}
    times = {key: cost.sample(ISAS[key[1]]) for key, cost in costs.items()}
    best, _ = min(times, key=times.__getitem__)
    unroll = found[best].backend.unroll
    chosen: dict[str, int] = {
        isa: min(
            (i for i, one in enumerate(found) if one.backend.unroll == unroll),
            key=lambda i, isa=isa: times[i, isa],
        )
        for isa in _engine(found[best].library).isas()
    }
    return replace(
        found[best].backend,
        straight_line=_limits(found, chosen),
        measured=Measured(
            {isa: costs[index, isa] for isa, index in chosen.items()},
            {f"{found[i].label}, {isa}": round(time, 2) for (i, isa), time in times.items()},
        ),
    )


def _limits(found: list[_Candidate], chosen: dict[str, int]) -> Any:
    """The limit of straight-line code on each path; one for all if they agree."""
    limits = {isa: found[index].backend.straight_line for isa, index in chosen.items()}
    first = next(iter(limits.values()))
    return first if all(limit == first for limit in limits.values()) else limits


def rows_of(circuit: Circuit, x: Any) -> NDArray[Any]:
    """As many rows as `measure` takes, from x, or random if x is True."""
    shape = circuit.encoder.shape
    if x is True:
        most = 1 if circuit.encoder.threshold.max(initial=0) < 1 else 255
        size = (_SAMPLES, *shape)
        return np.random.default_rng(0).integers(0, most + 1, size, np.uint8)
    given = read_batch(x, shape, circuit.netlist.n_inputs, None, None).data
    if not len(given):
        raise InputError("tune: no samples; give some, or True for random ones")
    return np.resize(given, (_SAMPLES, *given.shape[1:]))


def _candidates(circuit: Circuit, backend: C) -> list[tuple[str, C]]:
    """What may be fastest, with a label; what most probably is, first."""
    netlist = circuit.netlist
    bodies = [cell for cell in netlist.cells if isinstance(cell, Tile)]
    tried: list[tuple[str, C]] = []
    if backend.straight_line is None:
        luts = sum(cell.n_nets for cell in netlist.cells if isinstance(cell, Luts))
        if bodies:
            tried += [("tiles", backend), ("tiles of rows", replace(backend, straight_line=0))]
        else:
            if luts <= _STRAIGHT:
                tried.append(("straight-line", replace(backend, straight_line=_STRAIGHT)))
            tried.append(("rows", replace(backend, straight_line=0)))
    else:
        tried.append(("as given", backend))
    if bodies and not backend.unroll and _unrolled(netlist) <= _UNROLL:
        tried.append(("unrolled", replace(tried[0][1], unroll=_UNROLL)))
    return tried


def _unrolled(netlist: Netlist) -> int:
    """LUTs with those of tiles at every place."""
    return sum(
        cell.places * _unrolled(cell.body)
        if isinstance(cell, Tile)
        else cell.n_nets * isinstance(cell, Luts)
        for cell in netlist.cells
    )


def _build(tried: list[tuple[str, C]], compile: Callable[[C], CompiledCircuit]) -> list[_Candidate]:
    """Two at a time, while there is time."""
    start, found = perf_counter(), []
    for i in range(0, len(tried), 2):
        if i and perf_counter() - start > _BUILD_SECONDS:
            break
        pair = tried[i : i + 2]
        made = in_threads(compile, [backend for _, backend in pair], 2)
        for (label, backend), library in zip(pair, made, strict=True):
            found.append(_Candidate(label, backend, library))
    return found


def _compare(found: list[_Candidate], rows: NDArray[Any]) -> None:
    """Raises BuildError unless all answer the same, on every path."""
    want: NDArray[Any] | None = None
    for one in found:
        engine = _engine(one.library)
        for isa in engine.isas():
            engine.isa = isa
            call = one.library.predict if one.library.manifest["decoder"] else one.library.bits
            answers = call(rows)
            want = answers if want is None else want
            if not np.array_equal(want, answers):
                raise BuildError(
                    f"tune: {one.label} on {isa} answers otherwise than {found[0].label}; "
                    "this is an error in Gatewright, please report it"
                )


def measure(libraries: list[CompiledCircuit], rows: NDArray[Any]) -> list[dict[str, Cost]]:
    """The cost of each path of each library, from the fastest of interleaved calls.

    rows: from `rows_of`.
    """
    manifest = libraries[0].manifest
    batch = read_batch(rows, libraries[0].shape, manifest["input_bits"], None, None)
    calls = {
        (index, isa, n): _call(library, isa, batch.part(0, n))
        for index, library in enumerate(libraries)
        for isa in _engine(library).isas()
        for n in _points(isa)
    }
    least = dict.fromkeys(calls, float("inf"))
    end = perf_counter() + _MEASURE_SECONDS
    for number in range(_ROUNDS):
        if number > 2 and perf_counter() > end:
            break
        for key, call in calls.items():
            call()
            start = perf_counter()
            call()
            least[key] = min(least[key], 1e9 * (perf_counter() - start))
    return [
        {
            isa: _cost(64 * ISAS[isa].words, [least[index, isa, n] for n in _points(isa)])
            for isa in _engine(library).isas()
        }
        for index, library in enumerate(libraries)
    ]


def _engine(library: CompiledCircuit) -> LibraryEngine:
    assert isinstance(library.engine, LibraryEngine)
    return library.engine


def _points(isa: str) -> tuple[int, int, int]:
    return 1, 64 * ISAS[isa].words, _SAMPLES


def _cost(block: int, times: list[float]) -> Cost:
    """From the times of one sample, a block and all; what a call costs besides is left out."""
    one, full, all = times
    row = max(0.0, (full - one) / (block - 1))
    each = (all - full) / (_SAMPLES / block - 1)
    return Cost(max(1.0, each - block * row), row)


def _call(library: CompiledCircuit, isa: str, batch: Batch) -> Callable[[], None]:
    """Answers a batch on a path."""
    decoder, bits = library.manifest["decoder"], library.manifest["output_bits"]
    what, shape, kind = ("classes", (), np.int64) if decoder else ("bits", (bits,), np.bool_)
    out = np.empty((batch.n, *shape), kind)
    engine = _engine(library)

    def call() -> None:
        engine.isa = isa
        engine.fill(batch, what, out)

    return call
