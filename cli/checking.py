"""Comparing every form of one network on the same data: module, circuit, libraries, RTL."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ..backends.artifact import Artifact
from ..backends.build import build
from ..backends.verilog.backend import Verilog
from ..compiler import Circuit
from ..compiler.stats import n_gates
from ..runtime.compiled import CompiledCircuit
from ..runtime.cuda_driver import device_architectures
from ..runtime.errors import EmitError, InputError, ToolMissing
from ..runtime.library import LibraryEngine
from ..runtime.simulators import SIMULATORS, available, simulate_testbench

SLOWER = ("cuda", "verilator", "verilog")
_MOST_GATES = 5000  # that both simulators answer for in about a minute


@dataclass(frozen=True)
class Check:
    """One form against the circuit: how many samples, how many differ, or why it was skipped."""

    form: str
    samples: int
    differ: int
    skipped: str = ""

    def __str__(self) -> str:
        if self.skipped:
            return f"  {self.form:<28} skipped: {self.skipped}"
        verdict = "equal" if not self.differ else f"{self.differ} DIFFER"
        return f"  {self.form:<28} {self.samples:>7} samples  {verdict}"


@dataclass(frozen=True)
class Answers:
    """What a form answers: all output bits, and scores and classes if there is a decoder."""

    bits: NDArray[Any]
    scores: NDArray[Any] | None
    classes: NDArray[Any] | None

    def differ(self, other: Answers) -> int:
        """Samples on which any answer differs; all where they differ in number."""
        if self.bits.shape != other.bits.shape:
            return len(self.bits)
        wrong = (self.bits != other.bits).any(axis=1)
        if self.scores is not None and other.scores is not None:
            if self.scores.shape != other.scores.shape:
                return len(self.bits)
            wrong |= (self.scores != other.scores).any(axis=1)
            wrong |= self.classes != other.classes
        return int(wrong.sum())


def answers(form: Circuit | CompiledCircuit, x: Any, decoded: bool) -> Answers:
    """Everything a circuit or compiled circuit says about x."""
    if not decoded:
        return Answers(form.bits(x), None, None)
    return Answers(form.bits(x), form.scores(x), form.predict(x))


def check_all(
    circuit: Circuit,
    optimized: Circuit,
    x: NDArray[Any],
    *,
    module: Any = None,
    libraries: dict[str, CompiledCircuit] | None = None,
    simulators: tuple[str, ...] = SIMULATORS,
    rtl_samples: int = 500,
    also: Collection[str] = (),
    places_per_clock: int | None = None,
) -> Iterator[Check]:
    """Compare forms with the circuit's own reference, one by one: all that take seconds.

    Args:
        circuit: the reference, as traced. optimized: what is compiled and emitted.
        x: [n, *shape], all forms see the same.
        module: the PyTorch module it was traced from, if any.
        libraries: compiled files to check, by name, besides fresh builds for all targets.
        simulators: for the Verilog; those not installed are reported as skipped.
        rtl_samples: the first so many samples go through the simulators.
        also: of `SLOWER`, what to check besides; what is left out is reported as skipped.
        places_per_clock: of the Verilog, whose tiles then run in turn.
    """
    want = answers(circuit, x, circuit.decoder is not None)
    if module is not None:
        yield Check("PyTorch module", len(x), _module_differs(module, x, want))
    for name, compiled in (libraries or {}).items():
        yield from _compiled(name, compiled, x, want)
    found = answers(optimized, x, want.scores is not None)
    yield Check("optimised circuit", len(x), found.differ(want))
    for form, target in (("C library", "c"), ("numpy", "numpy")):
        yield from _built(form, optimized, target, {}, x, want)
    if "cuda" in also:
        yield from _built("CUDA as loops", optimized, "cuda", {"emulate": True}, x, want)
    if device_architectures():
        yield from _built("CUDA", optimized, "cuda", {}, x, want)
    elif "cuda" not in also:
        yield Check("CUDA", 0, 0, "no device here; --target cuda checks the kernels as loops")
    if "verilator" in also:
        yield from _verilated(optimized, x, want, places_per_clock)
    for simulator in simulators:
        if "verilog" not in also and (gates := n_gates(optimized.netlist)) > _MOST_GATES:
            why = f"{gates:,} gates take minutes; --target verilog simulates them"
            yield Check(f"Verilog, {simulator}", 0, 0, why)
        else:
            yield _rtl(simulator, optimized, x[:rtl_samples], places_per_clock)


def _built(
    form: str,
    circuit: Circuit,
    target: str,
    options: dict[str, Any],
    x: NDArray[Any],
    want: Answers,
) -> Iterator[Check]:
    """A target's library; skipped where its tools are missing or it cannot express the circuit."""
    try:
        compiled = build(circuit, target, "checked", **options)
    except (ToolMissing, EmitError) as error:
        yield Check(form, 0, 0, str(error))
        return
    yield from _compiled(form, compiled, x, want)


def _compiled(
    name: str, compiled: CompiledCircuit, x: NDArray[Any], want: Answers
) -> Iterator[Check]:
    """A compiled circuit, on every instruction set that this machine has."""
    engine = compiled.engine
    if not isinstance(engine, LibraryEngine):
        yield Check(name, len(x), answers(compiled, x, want.scores is not None).differ(want))
        return
    for isa in engine.isas():
        engine.isa = isa
        found = answers(compiled, x, want.scores is not None)
        yield Check(f"{name}, {isa}", len(x), found.differ(want))
    engine.isa = None


def _verilated(
    circuit: Circuit, x: NDArray[Any], want: Answers, places: int | None
) -> Iterator[Check]:
    """The Verilog as a library; behind the encoder where features are no integers."""
    forms: tuple[tuple[dict[str, Any], str], ...]
    forms = ({}, "Verilog"), ({"feature_bits": 0}, "Verilog, after encoder")
    for options, form in forms:
        try:
            compiled = build(circuit, "verilator", "checked", places_per_clock=places, **options)
            yield from _compiled(form, compiled, x, want)
        except ToolMissing as error:
            yield Check(form, 0, 0, str(error))
        except (EmitError, InputError):
            if options:
                raise
            continue
        return


def _module_differs(module: Any, x: NDArray[Any], want: Answers) -> int:
    """Samples on which the module's evaluation mode answers otherwise."""
    from ..frontend.training.measure import answer

    found = answer(module, x)
    if want.scores is None:
        return int((found.reshape(len(x), -1) != want.bits).any(axis=1).sum())
    if found.ndim == 1:  # the module itself ends in an argmax
        return int((found != want.classes).sum())
    wrong = (found != want.scores).any(axis=1) | (found.argmax(axis=1) != want.classes)
    return int(wrong.sum())


def _rtl(simulator: str, circuit: Circuit, x: NDArray[Any], places: int | None) -> Check:
    form = f"Verilog, {simulator}"
    if simulator not in available():
        return Check(form, 0, 0, f"not installed; for example: apt-get install {simulator}")
    try:
        artifact = _verilog(circuit, x, None, places)
    except (EmitError, InputError):  # features are no integers: check behind the encoder
        artifact = _verilog(circuit, x, 0, places)
        form += ", after encoder"
    result = simulate_testbench(simulator, artifact.files, "checked_tb")
    return Check(form, result.vectors, result.failures)


def _verilog(
    circuit: Circuit, x: NDArray[Any], feature_bits: int | None, places: int | None
) -> Artifact:
    backend = Verilog(feature_bits=feature_bits, places_per_clock=places)
    return backend.emit(backend.prepare(circuit), "checked", x)
