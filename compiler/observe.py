"""A circuit made smaller by the data it will see, and what that costs on other data."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..runtime.arguments import is_number
from ..runtime.arrays import as_batch, unpack
from ..runtime.errors import AccuracyLoss, InputError
from .circuit import Circuit
from .observe_report import Observed, ObserveReport, Size, Validation, described, warnings_of
from .optimize import optimize
from .passes.lutmap import LutMap
from .passes.observe import Observe
from .samples import Samples
from .simulate import simulate_words
from .stats import n_gates

_SEED = 0x0B5E


def observe(
    circuit: Circuit,
    x: ArrayLike,
    validate: Any = None,
    *,
    max_loss: float = 0.0,
    holdout: float = 0.0,
    level: int = 2,
    luts: bool = False,
) -> Observed:
    """Merge what is constant, equal or makes no difference on given samples.

    Before and after, the circuit is optimised. The answers on the samples stay the same, which is
    checked on each. On other inputs they may change: give samples like those of use, and others
    like them to `validate`.

    Args:
        circuit: its encoder says what a sample is.
        x: samples to observe [n, \\*shape], as `Circuit.bits` takes them; usually training data.
        validate: other samples, or a pair of samples and classes (labels, integers [n]).
        max_loss: how much accuracy on the validation set may be lost, in percentage points; without
            labels, how many of a hundred samples may change class.
        holdout: which share of `x` is set aside for validation instead, 0 to below 1.
        level: how hard to optimise, as `optimize`.
        luts: whether the report counts LUTs, which takes a mapping for each count.

    Raises:
        InputError: no circuit; samples or labels of another shape or dtype, none at all, NaN, or an
            option out of range.
        AccuracyLoss: more was lost than `max_loss` allows.
    """
    if not isinstance(circuit, Circuit):
        raise InputError(
            f"observe: a {type(circuit).__name__}; allowed is a Circuit, whose encoder says what "
            "samples are; trace a module first, and for bits of a netlist use the pass Observe"
        )
    _check_options(max_loss, holdout, validate)
    rows = as_batch(x, circuit.encoder.shape)
    if holdout:
        rows, held = _split(rows, holdout)
        validate = held
    samples = Samples.encoded(circuit.encoder, rows)
    checked = None if validate is None else _validation_set(circuit, validate)
    before = optimize(circuit, level)
    netlist, merged = Observe(samples).merge(before.netlist)
    after = optimize(before.with_netlist(netlist), level)
    found = _changed(before, after, samples)
    assert not found.any(), f"the answers changed on {int(found.sum())} observed samples"
    validation = None if checked is None else _validate(before, after, *checked)
    if validation is not None and validation.loss > max_loss:
        raise AccuracyLoss(
            f"observe: {described(validation)}; allowed is a loss of {max_loss:g} percentage "
            "points; observe more samples, allow more by max_loss, or keep the circuit as it is"
        )
    warnings = warnings_of(len(samples), validation, merged)
    old, new = _size(before, luts), _size(after, luts)
    return Observed(after, ObserveReport(len(samples), merged, old, new, validation, warnings))


def _check_options(max_loss: float, holdout: float, validate: Any) -> None:
    if not is_number(max_loss) or not 0 <= max_loss <= 100:
        raise InputError(f"observe: max_loss {max_loss!r}; allowed are 0 to 100 percentage points")
    if not is_number(holdout) or not 0 <= holdout < 1:
        raise InputError(f"observe: holdout {holdout!r}; allowed is 0 to below 1")
    if holdout and validate is not None:
        raise InputError("observe: both validate and holdout; allowed is one of them")


def _split(rows: NDArray[Any], holdout: float) -> tuple[NDArray[Any], NDArray[Any]]:
    order = np.random.default_rng(_SEED).permutation(len(rows))
    count = round(holdout * len(rows))
    if not 0 < count < len(rows):
        raise InputError(
            f"observe: holdout {holdout} of {len(rows)} samples is {count}; allowed is 1 to "
            f"{max(1, len(rows) - 1)}; give more samples or another share"
        )
    return rows[np.sort(order[count:])], rows[np.sort(order[:count])]


def _validation_set(circuit: Circuit, validate: Any) -> tuple[Samples, NDArray[Any] | None]:
    if isinstance(validate, tuple | list) and len(validate) != 2:
        raise InputError(
            f"observe: validate of {len(validate)} parts; allowed are samples, or a pair of "
            "samples and labels"
        )
    x, labels = validate if isinstance(validate, tuple | list) else (validate, None)
    samples = Samples.encoded(circuit.encoder, x)
    if labels is None:
        return samples, None
    if circuit.decoder is None:
        raise InputError("observe: labels for a circuit without classes; give samples alone")
    found, classes = np.asarray(labels), circuit.decoder.groups
    if found.shape != (len(samples),) or found.dtype.kind not in "iu":
        raise InputError(
            f"observe: labels {found.dtype} {list(found.shape)}; allowed are integers "
            f"[{len(samples)}], one for each validation sample"
        )
    if found.min() < 0 or found.max() >= classes:
        raise InputError(
            f"observe: labels {found.min()} to {found.max()}; allowed are 0 to {classes - 1}"
        )
    return samples, found


def _validate(
    before: Circuit, after: Circuit, samples: Samples, labels: NDArray[Any] | None
) -> Validation:
    changed = _changed(before, after, samples)
    if before.decoder is None:
        count = int(changed.sum())
        return Validation(len(samples), count, count, None, None)
    old, new = _classes(before, samples), _classes(after, samples)
    right = [None if labels is None else 100 * float((one == labels).mean()) for one in (old, new)]
    return Validation(len(samples), int(changed.sum()), int((old != new).sum()), *right)


def _changed(before: Circuit, after: Circuit, samples: Samples) -> NDArray[np.bool_]:
    """Whether any output bit differs: bool [samples]."""
    found = [
        np.bitwise_or.reduce(
            simulate_words(before.netlist, some) ^ simulate_words(after.netlist, some), axis=0
        )
        for some in samples.chunks(before.netlist.n_nets)
    ]
    return unpack(np.concatenate(found)[None], len(samples))[:, 0]


def _classes(circuit: Circuit, samples: Samples) -> NDArray[np.intp]:
    found = [
        simulate_words(circuit.netlist, some) for some in samples.chunks(circuit.netlist.n_nets)
    ]
    bits = unpack(np.concatenate(found, axis=1), len(samples))
    groups, width = circuit.count_nets().shape
    counts = bits.reshape(-1, groups, width) @ (1 << np.arange(width))
    return counts.argmax(axis=1)


def _size(circuit: Circuit, luts: bool) -> Size:
    if not luts:
        return Size(n_gates(circuit.netlist))
    return Size(n_gates(circuit.netlist), *(n_gates(LutMap(k)(circuit.netlist)) for k in (3, 6)))
