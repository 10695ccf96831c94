"""Resynthesis by other programs: mockturtle's algorithms, or ABC."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass

from ...runtime.errors import BuildError, FileError, NetlistError
from ...runtime.folders import temporary_folder
from ..bodies import with_bodies
from ..equivalence import equivalent
from ..formats.aiger import read_aiger
from ..formats.aiger_write import write_aiger
from ..formats.reading import boolean_circuit
from ..mapping import map_luts
from ..netlist import MAX_FANIN, Netlist
from ..stats import n_gates
from ..subject import Subject
from ..subject_split import split
from ..windows import Window, logic_netlist, rebuilt, windows
from ..xors import find_xors
from .fold import fold
from .rewrite_engines import ENGINES, SOURCE, TARGET, Engine, WindowFailed, find_abc, prove
from .sweep import sweep


@dataclass(frozen=True)
class Rewrite:
    """Fewer gates or LUTs, by cut rewriting, resubstitution and refactoring of other programs.

    The logic between boxes is handed over in windows of bounded size, as AND gates; XORs are found
    again in what comes back. A window's answer is taken if it has the same inputs and outputs, is
    smaller, and simulation cannot tell it from what was there; else the window stays as it was,
    with a warning if the answer was wrong or missing. Use it before mapping: what comes back is
    gates of two inputs, and the netlist stays as it was unless all of it has become smaller.

    Args:
        engine: "mockturtle" (Riener et al., "Scalable generic logic synthesis", DAC 2019), which
            needs the package aigverse; or "abc" (Brayton and Mishchenko, "ABC: an academic
            industrial-strength verification tool", CAV 2010), which needs its program: the one
            that GATEWRIGHT_ABC names, pyosys's, or one on the PATH.
        script: commands with `;` between them, in full, as aliases of ABC are not loaded; None is
            a script that makes netlists small. For mockturtle, functions of `aigverse.algorithms`
            with options, such as `aig_cut_rewriting cut_size=5`.
        k: what smaller means: None is fewer gates; 2 to 6 is fewer LUTs of `k` inputs once
            mapped, or as many and fewer gates. Fewer gates may need more LUTs.
        window: gates of one window at most.
        seconds: after that many, the rest stays as it is.
        prove: compare every answer by ABC's `cec` too, a proof by SAT.

    Raises:
        NetlistError: an option is impossible. ExtraMissing, ToolMissing: the engine is not
            installed. BuildError: not one window was answered; what was printed is in the message.
    """

    engine: str = "mockturtle"
    script: str | None = None
    k: int | None = None
    window: int = 50_000
    seconds: float = 60.0
    prove: bool = False

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise NetlistError(
                f"Rewrite: engine {self.engine!r}; allowed are {', '.join(map(repr, ENGINES))}"
            )
        if self.k is not None and self.k not in range(2, MAX_FANIN + 1):
            raise NetlistError(f"Rewrite: k is {self.k!r}; allowed are None and 2 to {MAX_FANIN}")
        if self.window < 1 or not self.seconds > 0:
            raise NetlistError(
                f"Rewrite: window {self.window}, seconds {self.seconds}; allowed are windows from "
                "1 gate on and more than 0 seconds"
            )

    def __call__(self, netlist: Netlist) -> Netlist:
        engine = ENGINES[self.engine](self.script)
        run = _Run(self, engine, find_abc() if self.prove else None)
        result = with_bodies(netlist, run.rewrite)
        run.report()
        return result


class _Run:
    """One use of the pass: its deadline, and what went wrong."""

    def __init__(self, options: Rewrite, engine: Engine, prover: str | None) -> None:
        self.options, self.engine, self.prover = options, engine, prover
        self.deadline = time.monotonic() + options.seconds
        self.answers = 0
        self.failures: list[str] = []

    def rewrite(self, netlist: Netlist) -> Netlist:
        subject, frame = split(netlist)
        parts = [(part, self._better(part)) for part in windows(subject, self.options.window)]
        found = rebuilt(subject, parts)
        if not self._cost(found) < self._cost(subject):
            return netlist
        result = sweep(fold(frame.join(found)))
        fewer = self.options.k is not None or n_gates(result) < n_gates(netlist)
        return result if fewer else netlist

    def _cost(self, subject: Subject) -> tuple[int, int]:
        k = self.options.k
        return 0 if k is None else len(map_luts(subject, k).table), subject.n_gates

    def report(self) -> None:
        """Say what went wrong: a warning, or an error if nothing went right."""
        if not self.failures:
            return
        first = self.failures[0]
        if not self.answers:
            raise BuildError(f"Rewrite: no window was answered: {first}")
        warnings.warn(
            f"Rewrite: {len(self.failures)} windows of {len(self.failures) + self.answers} stay as "
            f"they were; the first: {first}",
            stacklevel=3,
        )

    def _better(self, part: Window) -> Subject:
        """A smaller logic for a window, or what is there."""
        left = self.deadline - time.monotonic()
        if left <= 0 or part.subject.n_gates < 2:
            return part.subject
        try:
            found = self._answer(logic_netlist(part.subject), left)
        except (WindowFailed, FileError) as error:
            if self.deadline > time.monotonic():
                self.failures.append(str(error))
            return part.subject
        self.answers += 1
        return found if self._cost(found) < self._cost(part.subject) else part.subject

    def _answer(self, netlist: Netlist, seconds: float) -> Subject:
        with temporary_folder() as folder:
            write_aiger(boolean_circuit(netlist), folder / SOURCE)
            self.engine.run(folder, seconds)
            found = find_xors(read_aiger(folder / TARGET).netlist)
            if self.prover is not None:
                prove(self.prover, folder, self.deadline - time.monotonic())
        sizes = [(each.n_inputs, len(each.outputs)) for each in (netlist, found)]
        if sizes[0] != sizes[1]:
            raise WindowFailed(
                f"{self.engine.name}: an answer of {sizes[1][0]} inputs and {sizes[1][1]} outputs "
                f"for {sizes[0][0]} and {sizes[0][1]}"
            )
        compared = equivalent(netlist, found)
        if compared.status == "refuted":
            raise WindowFailed(f"{self.engine.name}: a wrong answer, on {compared.samples} samples")
        return split(found)[0]
