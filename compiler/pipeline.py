"""Running passes one after another: checked and timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TypeAlias

from ..runtime.errors import NetlistError
from .equivalence import demand_proof
from .netlist import Netlist
from .reports import After, Step
from .stats import levels, n_gates
from .verify import verify

Pass: TypeAlias = Callable[[Netlist], Netlist]


def run(
    netlist: Netlist,
    passes: Iterable[Pass],
    after: After | None = None,
    *,
    prove: bool = False,
) -> Netlist:
    """Apply `passes` in order and verify what each returns.

    Args:
        netlist: a valid netlist.
        passes: functions or objects from netlist to netlist.
        after: called with a `Step` and the netlist, once for the input and once for each pass.
        prove: fail unless what each pass returns is proved equal; see `equivalent`.

    Raises:
        NetlistError: a pass returned something else than a valid netlist of the same inputs and as
            many outputs, or was not proved right; the message names the pass.
    """
    tell(after, "input", netlist, 0.0)
    for one in passes:
        result = apply(one, netlist, after)
        if prove and result is not netlist:
            demand_proof(netlist, result, f"pass {pass_name(one)}")
        netlist = result
    return netlist


def pass_name(one: Pass) -> str:
    """How reports and errors call a pass: a function's name, or its class."""
    return getattr(one, "__name__", type(one).__name__)


def apply(one: Pass, netlist: Netlist, after: After | None = None) -> Netlist:
    """What one pass returns, verified and told to `after`; raises as `run`."""
    result, seconds = timed(one, netlist)
    tell(after, pass_name(one), result, seconds)
    return result


def timed(one: Pass, netlist: Netlist) -> tuple[Netlist, float]:
    """What one pass returns, verified, and the seconds it took; raises as `run`."""
    start = time.perf_counter()
    result = one(netlist)
    seconds = time.perf_counter() - start
    if result is not netlist:
        _check(pass_name(one), netlist, result)
    return result, seconds


def _check(name: str, before: Netlist, result: Netlist) -> None:
    if not isinstance(result, Netlist):
        raise NetlistError(
            f"pass {name}: returned {type(result).__name__}; allowed is a Netlist; "
            "return the argument itself where nothing changes"
        )
    found = (result.n_inputs, len(result.outputs))
    if found != (before.n_inputs, len(before.outputs)):
        raise NetlistError(
            f"pass {name}: returned {found[0]} inputs and {found[1]} outputs; allowed are "
            f"{before.n_inputs} and {len(before.outputs)}; keep inputs that nothing reads"
        )
    try:
        verify(result)
    except NetlistError as error:
        raise NetlistError(f"pass {name}: returned an invalid netlist: {error}") from None


def tell(after: After | None, name: str, netlist: Netlist, seconds: float) -> None:
    """Call `after`, if there is one, with the step that led to `netlist`."""
    if after is not None:
        after(Step(name, n_gates(netlist), levels(netlist), seconds), netlist)
