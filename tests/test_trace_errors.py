"""What cannot be traced is refused: where, what was found, what is allowed, and the cure."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from trace_helpers import Fn, check_bits

from gatewright.frontend import FixedBinarization, GroupSum, LogicDense
from gatewright.frontend.tracing.trace import trace
from gatewright.runtime.errors import TraceError


def refusal(function, shape=(4,), **options) -> str:
    module = function if isinstance(function, nn.Module) else Fn(function)
    with pytest.raises(TraceError) as caught:
        trace(module, shape, **options)
    return str(caught.value)


def bits(x):
    return (x > 0.5).float()


def counts(x):
    return (x.unflatten(1, (2, 2)) > 0.5).sum(-1)


CURE_RAW = "allowed are x > t, which makes bits"
CURE_BOOL = "for Boolean input use trace(..., dtype=torch.bool)"
CURE_BITS = "allowed are Boolean operations"
CURE_COUNTS = "allowed are + and - of a number, / by a number"
CURE_DATA = "asks for their values: control flow or shape would depend on data"
CURE_VALUES = "allowed is what answers 0 or 1 for bits; write it with & | ^ ~ and torch.where"
CURE_PART = "assigns to a part of a tensor; allowed are torch.where(mask, new, old), torch.cat"

RAW = {
    "scale": (lambda x: x / 255 > 0.5, ["`div` on raw input values", CURE_RAW, "x > 255 * t"]),
    "shift": (lambda x: x - 0.5 > 0, ["`sub` on raw", CURE_RAW, CURE_BOOL]),
    "reversed": (lambda x: 1 - x, ["`__rsub__` on raw", CURE_RAW]),
    "product": (lambda x: x * x.flip(1), ["`mul` on raw", CURE_RAW]),
    "ge": (lambda x: x >= 0.5, ["`ge` on raw", "allowed is x > t", "torch.nextafter(t, -inf)"]),
    "le": (lambda x: x <= 0.5, ["`le` on raw", "write x <= t as ~(x > t)"]),
    "lt": (lambda x: x < 0.5, ["`lt` on raw", "allowed is x > t"]),
    "reversed gt": (lambda x: 0.5 > x, ["`lt` on raw", "allowed is x > t"]),
    "torch.gt": (lambda x: torch.gt(torch.tensor(0.5), x), ["on the right; allowed is x > t"]),
    "eq": (lambda x: x == 1, ["`__eq__` on raw", "allowed is x > t"]),
    "ne": (lambda x: x != 1, ["`ne` on raw", "allowed is x > t"]),
    "each other": (lambda x: x > x.flip(1), ["another traced value", "x > t with a constant t"]),
    "NaN": (lambda x: x > float("nan"), ["a threshold that is NaN; allowed are numbers"]),
    "complex": (lambda x: x > torch.tensor(1j), ["complex64; allowed are real numbers"]),
    "bool": (lambda x: x.bool(), ["`bool` on raw input values to torch.bool rounds", CURE_BOOL]),
    "half": (lambda x: x.half() > 0.5, ["`half`", "rounds them; allowed is torch.float32"]),
    "to a number": (lambda x: x.to(1, True) > 0, ["`to` on raw input values to torch.int64"]),
    "sum": (lambda x: x.sum(1), ["`sum` on raw", CURE_RAW]),
    "relu": (lambda x: torch.relu(x), ["`relu` on raw", CURE_RAW]),
    "pool": (lambda x: F.max_pool1d(x[:, None], 2), ["`max_pool1d` on raw", CURE_RAW]),
    "number": (lambda x: x & 1, ["`__and__` on raw", "allowed are Boolean constants"]),
    "cat": (lambda x: torch.cat([x, bits(x)], 1), ["raw input values together", "x > t"]),
    "where": (lambda x: torch.where(x > 0.5, x, 0), ["as choices; compare them first"]),
    "mixed": (lambda x: x * bits(x), ["`mul` on bits and raw input values together"]),
    "in place": (lambda x: x.__iand__(x), ["`__iand__` on raw", "in place", "x = x & y"]),
    "linear": (nn.Linear(4, 2), ["in Linear: `linear` on raw", CURE_RAW]),
    "output": (nn.Identity(), ["the output is raw input values; allowed are bits and counts"]),
    "both": (
        lambda x: (x > 0.25) & x,
        ["input value 0 is compared with 0.25 and also used as a bit", "compare it everywhere"],
    ),
    "bilinear": (
        lambda x: F.interpolate(x[:, None], 8, mode="linear") > 0.5,
        ["with mode='linear'; allowed is mode='nearest'"],
    ),
}
BITS = {
    "add": (lambda x: bits(x) + bits(x).flip(1), ["`add` on bits answers 2 for 1, 1", CURE_VALUES]),
    "probabilistic or": (
        lambda x: bits(x) + bits(x.flip(1)) - bits(x) * bits(x.flip(1)),
        ["`add` on bits answers 2 for 1, 1", "or count with sum"],
    ),
    "shifted": (lambda x: bits(x) - 0.5, ["`sub` on bits answers -0.5 for 0"]),
    "invert int": (lambda x: ~bits(x).long(), ["`__invert__` on bits answers -1 for 0"]),
    "invert uint8": (lambda x: ~bits(x).byte(), ["`__invert__` on bits answers 255 for 0"]),
    "division": (lambda x: bits(x) / bits(x.flip(1)), ["`div` on bits answers nan for 0, 0"]),
    "linear": (lambda x: F.linear(bits(x), torch.full((2, 4), 0.5)), ["constant integer weights"]),
    "matmul": (lambda x: bits(x) @ torch.full((4, 2), 1e5), ["allowed are 65,536"]),
    "einsum": (lambda x: torch.einsum("ij->ji", bits(x)), ["`einsum` on bits", CURE_BITS]),
    "sigmoid": (lambda x: torch.sigmoid(bits(x)), ["`sigmoid` on bits", CURE_BITS]),
    "softmax": (lambda x: bits(x).softmax(1), ["`softmax` on bits", CURE_BITS]),
    "lerp": (lambda x: torch.lerp(bits(x), bits(x), 0.5), ["`lerp` on bits", CURE_BITS]),
    "avg_pool": (lambda x: F.avg_pool1d(bits(x)[None], 2), ["`avg_pool1d` on bits", CURE_BITS]),
    "sort": (lambda x: bits(x).sort(1)[0], ["`sort` on bits", CURE_BITS]),
    "cumsum": (lambda x: bits(x).cumsum(1), ["`cumsum` on bits", CURE_BITS]),
    "as_strided": (lambda x: bits(x).as_strided((1, 2), (1, 1)), ["`as_strided`", CURE_BITS]),
    "view dtype": (
        lambda x: bits(x).view(torch.int32),
        ["as another dtype; allowed is a conversion"],
    ),
    "rand_like": (lambda x: bits(x) > torch.rand_like(bits(x)), ["`rand_like` on bits"]),
    "table": (lambda x: torch.ones(4)[bits(x).long()], ["`__getitem__`", "indices and sizes that"]),
    "index": (lambda x: bits(x)[x > 0.5], ["`__getitem__` on bits as an index", "constants"]),
    "gather": (lambda x: torch.ones(1, 4).gather(1, bits(x).long()), ["`gather`", "constants"]),
    "repeats": (lambda x: torch.repeat_interleave(bits(x).long()[0]), ["as repeats"]),
    "constant": (lambda x: torch.cat([bits(x), torch.full((1, 1), 0.5)], 1), ["a constant 0.5"]),
    "pad": (lambda x: F.pad(bits(x), (1, 1), value=-1), ["a constant -1 among bits"]),
    "pad inf": (lambda x: F.pad(bits(x), (1, 1), value=-torch.inf), ["a constant -inf"]),
    "fill": (lambda x: bits(x).masked_fill(x > 0.5, -1), ["`masked_fill` on bits answers -1"]),
    "setitem": (lambda x: bits(x).__setitem__(0, 1), ["`__setitem__` on bits", CURE_PART]),
    "index_put": (lambda x: torch.zeros(4).index_put_((torch.tensor(0),), bits(x)), [CURE_PART]),
    "in place": (lambda x: bits(x).add_(1), ["`add_` on bits answers 2 for 1"]),
    "to constant": (
        lambda x: torch.ones(1, 4).mul_(bits(x)),
        ["assigned to a tensor that is not traced; allowed is the form without `_`"],
    ),
    "out": (lambda x: torch.mul(bits(x), 1, out=torch.empty(1, 4)), ["with out="]),
    "ceil": (
        lambda x: F.max_pool1d(bits(x)[None], 3, ceil_mode=True),
        ["with ceil_mode or return_indices; allowed are full windows"],
    ),
    "indices": (lambda x: F.max_pool1d(bits(x)[None], 2, return_indices=True)[0], ["on bits"]),
    "positions": (
        lambda x: bits(x).unflatten(1, (2, 2)).max(2).indices > 0,
        ["`gt` on values without a Boolean meaning; allowed is leaving it unused"],
    ),
    "amax of none": (
        lambda x: bits(x)[:, :0].amax(1),
        ["in Fn: IndexError: amax(): Expected reduction dim"],
    ),
    "argument": (lambda x: bits(x).max(1, foo=1), ["in Fn", "foo"]),
    "complex": (lambda x: bits(x).to(torch.complex64), ["to torch.complex64; allowed are real"]),
    "dropout": (lambda x: F.dropout(bits(x)), ["in training mode; allowed is dropout that is off"]),
    "alone": (lambda x: torch.where(x > 0.5)[0], ["alone asks for positions", "both choices"]),
    "copy": (lambda x: copy.deepcopy(x > 0.5), ["`__deepcopy__` on bits"]),
    "torch.tensor": (
        lambda x: torch.tensor([a for a in bits(x)[0]])[None],
        ["`__float__` on bits asks for their values"],
    ),
    "numpy": (lambda x: np.logical_not(bits(x)), ["`__array__` on bits asks for their values"]),
}
DATA = {
    "if": lambda x: x if x[0, 0] > 0.5 else ~x,
    "bool": lambda x: bool(x[0, 0] > 0.5),
    "while": lambda x: [x for _ in iter(lambda: bool((x > 0).any()), False)],
    "raw if": lambda x: x if x.any() else x > 1,
    "item": lambda x: (x > 0.5)[0, 0].item(),
    "tolist": lambda x: (x > 0.5).tolist(),
    "numpy": lambda x: (x > 0.5).numpy(),
    "int": lambda x: int(x[0, 0] > 0.5),
    "float": lambda x: float(x[0, 0]),
    "range": lambda x: range((x > 0.5).long()[0, 0]),
    "in": lambda x: 1 in (x > 0.5),
    "nonzero": lambda x: (x > 0.5).nonzero(),
    "unique": lambda x: torch.unique(x > 0.5),
    "masked_select": lambda x: torch.masked_select(x, x > 0.5),
    "equal": lambda x: torch.equal(x > 0.5, x > 0.4),
    "allclose": lambda x: torch.allclose(x, x),
    "counts": lambda x: 1 if counts(x)[0, 0] > 1 else 2,
    "assert": lambda x: (x > 0.5) if (x > -1).all() else None,
}
COUNTS = {
    "product": (lambda x: counts(x) * counts(x), ["`mul` on counts and another traced value"]),
    "difference": (lambda x: counts(x) - bits(x)[:, :2], ["`sub` on counts and another traced"]),
    "each other": (lambda x: counts(x) > counts(x) / 2, ["scaled alike"]),
    "reversed": (lambda x: 4 - counts(x), ["`__rsub__`: the scores are not (count + beta) / tau"]),
    "tensor minus": (lambda x: torch.tensor(4) - counts(x), ["for any positive tau"]),
    "one over": (
        lambda x: torch.div(1, counts(x)),
        ["`div`: the scores are not"],
    ),
    "softmax": (lambda x: counts(x).float().softmax(1), ["`softmax` on counts", "leave it out"]),
    "vector": (
        lambda x: counts(x) + torch.tensor([1, 2]),
        ["a tensor of different numbers; allowed is one number for all groups"],
    ),
    "sigmoid": (lambda x: counts(x).sigmoid(), ["`sigmoid` on counts", CURE_COUNTS]),
    "parity": (lambda x: counts(x) % 2, ["`remainder`: the scores are not"]),
    "maximum": (
        lambda x: torch.max(counts(x), other=counts(x)),
        ["`max` on counts with arguments that are not supported"],
    ),
    "alpha": (lambda x: torch.add(counts(x), 2, alpha=3), ["`add`: the scores are not"]),
    "in place": (lambda x: counts(x).add_(1), ["`add_` on counts in place", "x = x + beta"]),
    "/=": (lambda x: counts(x).float().__itruediv__(2), ["in place; allowed is a new value"]),
    "pad": (lambda x: F.pad(counts(x), (1, 1)), ["`pad` on counts", CURE_COUNTS]),
    "cat": (lambda x: torch.cat([counts(x), bits(x)], 1), ["and other tensors together"]),
    "cat scales": (
        lambda x: torch.cat([counts(x) / 2, counts(x) / 3], 1),
        ["of different scales together; add and divide after joining"],
    ),
    "sum": (lambda x: (counts(x) + 1).sum(1), ["shifted or scaled; allowed is adding up before"]),
    "layer": (lambda x: LogicDense(2, 2)(counts(x)), ["counts where bits are wanted"]),
    "tenth": (
        lambda x: torch.cat([bits(x)] * 20, 1).sum(1, True) * 0.1,
        ["`mul`: the scores are not (count + beta) / tau in float32", "write x / tau rather than"],
    ),
    "late": (lambda x: counts(x) / 3 + 0.1, ["in Fn: `add`: the scores are not", "+ or - first"]),
    "negative": (lambda x: counts(x) / -2, ["for any positive tau"]),
    "zero": (lambda x: counts(x) * 0, ["for any positive tau"]),
    "float64": (lambda x: counts(x).double() / 3, ["in float32"]),
    "half": (
        lambda x: torch.cat([bits(x)] * 600, 1).half().sum(1),
        ["of 2400 addends in torch.float16; allowed is a dtype that holds the count"],
    ),
    "uint8": (
        lambda x: torch.cat([bits(x)] * 80, 1).sum(1, dtype=torch.uint8),
        ["of 320 addends in torch.uint8"],
    ),
    "shape": (lambda x: counts(x)[..., None], ["counts of shape [1, 2, 1]", "counts.flatten(1)"]),
    "batch": (lambda x: counts(x).T, ["counts of shape [2, 1] for one sample"]),
    "argmax dim": (lambda x: counts(x).argmax(), ["dim=None", "allowed is argmax(dim=-1)"]),
    "argmax keepdim": (lambda x: counts(x).argmax(1, keepdim=True), ["keepdim=True"]),
    "argmax batch": (lambda x: counts(x).argmax(0), ["dim=0"]),
    "falling": (lambda x: (counts(x) * -1).argmax(1), ["do not grow with the count"]),
    "inside": (
        lambda x: counts(x).argmax(1) == 1,
        ["`__eq__` on the result of argmax", "argmax must be the last operation of the module"],
    ),
    "class index": (lambda x: torch.eye(2)[counts(x).argmax(1)], ["the result of argmax"]),
    "class float": (lambda x: counts(x).argmax(1).float(), ["allowed are torch.int64"]),
    "values": (lambda x: counts(x).max(1)[0], ["without a Boolean meaning where bits are wanted"]),
}
OUTPUTS = {
    "tuple": (lambda x: (x > 0.5, x), ["the output is a tuple; allowed is one tensor"]),
    "none": (lambda x: None, ["the output is a NoneType"]),
    "number": (lambda x: torch.tensor([[0.5]]), ["a constant 0.5 among bits"]),
    "NaN": (lambda x: torch.tensor([[torch.nan]]), ["a constant nan among bits"]),
    "flat": (lambda x: (x > 0.5).flatten(), ["shape [4] for one sample; allowed is [1, ...]"]),
    "scalar": (lambda x: (x > 0.5).any(), ["shape [] for one sample"]),
    "random": (lambda x: (x > 0.5) & (torch.rand(4) > 0.5), ["draws random numbers"]),
    "random threshold": (lambda x: x > torch.rand(4), ["keep them in a buffer"]),
}


@pytest.mark.parametrize(("group", "case"), [
    (group, case)
    for group, cases in (("RAW", RAW), ("BITS", BITS), ("COUNTS", COUNTS), ("OUTPUTS", OUTPUTS))
    for case in cases
])  # fmt: skip
def test_refusals(group, case):
    function, fragments = globals()[group][case]
    found = refusal(function)
    assert found.startswith("trace: ")
    assert [fragment for fragment in fragments if fragment not in found] == [], found


@pytest.mark.parametrize("case", DATA)
def test_control_flow_on_data(case):
    assert CURE_DATA in refusal(DATA[case])


def test_messages_say_where():
    block = nn.Sequential(Fn(bits), Fn(lambda x: torch.sin(x)))
    model = nn.Sequential(nn.Flatten(), nn.ModuleDict({"block": block})["block"])
    assert refusal(model, (2, 2)).startswith("trace: in `1.1` (Fn): `sin` on bits; allowed are")
    assert refusal(block, name="my model").startswith("trace: in `1` (Fn): ")
    assert refusal(block[1], name="my model").startswith("trace: in my model: ")
    assert refusal(Fn(lambda x: Fn(torch.sin)(x))).startswith("trace: in Fn: ")


def test_other_errors_say_where_too():
    model = nn.Sequential(Fn(bits), Fn(lambda x: x.reshape(1, 5)))
    found = refusal(model)
    assert found.startswith("trace: in `1` (Fn): RuntimeError: shape '[1, 5]' is invalid")
    assert "a forward that runs on one sample, [1, 4] of torch.float32" in found
    with pytest.raises(TraceError) as caught:
        trace(model, (4,))
    assert isinstance(caught.value.__cause__, RuntimeError)
    found = refusal(nn.Sequential(FixedBinarization(torch.rand(3, 2))))
    assert found.startswith("trace: in `0` (FixedBinarization): InputError: FixedBinarization: in")


def test_refusals_cannot_be_swallowed():
    def function(x):
        try:
            return bits(x) + bits(x.flip(1)) > 1
        except TypeError:
            return x > 0.5

    assert "`add` on bits" in refusal(function)


def test_errors_of_torch_can_be_handled_as_usual():
    def function(x):
        try:
            return (x > 0.5).reshape(1, 5)
        except RuntimeError:
            return (x > 0.5).reshape(1, 2, 2)

    check_bits(function, (4,))


def test_a_constant_is_never_written_to():
    constant = torch.ones(1, 4)
    refusal(lambda x: constant.mul_(bits(x)))
    refusal(lambda x: constant.__iand__(bits(x)))
    assert (constant == 1).all()


def test_layers():
    layer = LogicDense(4, 6)
    layer.weight.data[2, 3] = torch.nan
    found = refusal(nn.Sequential(LogicDense(4, 4), layer))
    assert "in `1` (LogicDense): LogicDense: 1 of 6 gates have NaN or infinite weights" in found
    assert "the first is gate 2; allowed are finite numbers" in found
    layer.weight.data[2, 3] = torch.inf
    assert "infinite weights" in refusal(layer)
    found = refusal(LogicDense(5, 6))
    assert "input of shape [1, 4]; allowed is [..., 5]" in found
    found = refusal(nn.Sequential(LogicDense(4, 7), GroupSum(3)))
    assert "in `1` (GroupSum): GroupSum: 7 features for 3 groups; allowed is a multiple" in found
    assert "several arguments" in refusal(lambda x: GroupSum(2)(x=bits(x)))


def test_arguments():
    module = Fn(bits)
    with pytest.raises(TraceError, match="trace: function; allowed is a"):
        trace(bits, (4,))
    for shape in (4, "4", (4, 0), (-1,), (2.5,), ("4",), np.zeros(2)):
        found = refusal(module, shape)
        assert found.startswith("trace: input_shape ")
        assert "allowed is a tuple of positive integers without the batch" in found
    assert "or (784,)" in refusal(module, 784)
    assert "dtype torch.int64; allowed are torch.float32" in refusal(module, dtype=torch.int64)


def test_float64_input_wants_float32_thresholds():
    found = refusal(lambda x: x > 0.1, dtype=torch.float64)
    assert "`gt` on raw input values with threshold 0.1, which is no float32" in found
    assert "or trace with dtype=torch.float32" in found
    assert "rounds them" in refusal(lambda x: x.float() > 0.5, dtype=torch.float64)


def test_values_of_a_trace_that_is_over():
    kept = []
    trace(Fn(lambda x: kept.append(x > 0.5) or x > 0.5), (4,))
    with pytest.raises(TraceError, match="on a value of a trace that is over; keep no traced"):
        kept[0].any()
    assert "trace that is over" in refusal(lambda x: (x > 0.5) & kept[0])


def test_below_the_python_interface():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch advises against torch.tensor(tensor)
        found = refusal(lambda x: torch.tensor(x))
    assert "below torch's Python interface" in found


def test_values_can_be_printed(capsys):
    trace(Fn(lambda x: print(x, f"{x > 0.5}") or counts(x)), (4,))
    assert "<FeatureTensor [1, 4] torch.float32> <NetTensor" in capsys.readouterr().out
