"""Convolutions and blocks against torchlogix: the answers recorded, and the library itself."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from gatewright import frontend
from gatewright.frontend import ResidualLogicBlock

RECORD = Path(__file__).parent / "golden" / "torchlogix_conv.json"
SIZES = {"in_dim": (6, 7), "channels": 3, "num_kernels": 5, "receptive_field_size": (3, 2)}
CASES = {
    "raw-2": {"tree_depth": 3},
    "raw-2 3d": {"tree_depth": 2, "in_dim": 4, "receptive_field_size": 2, "padding": 1},
    "warp-1": {"tree_depth": 2, "padding": 1},
    "warp-2": {"tree_depth": 3, "stride": 2, "parametrization_kwargs": {"temperature": 0.6}},
    "warp-4": {"tree_depth": 2},
    "warp-6": {"tree_depth": 1, "padding": 2},
    "light-2": {"tree_depth": 3, "stride": 2, "padding": 1},
    "light-4": {"tree_depth": 2, "parametrization_kwargs": {"temperature": 0.6}},
    "light-4 3d": {"tree_depth": 1, "in_dim": 4, "receptive_field_size": 3},
    "light-6": {"tree_depth": 2},
    "raw-2 transposed": {
        "tree_depth": 2,
        "receptive_field_size": 3,
        "stride": 2,
        "padding": 1,
        "output_padding": 1,
    },
}


def spread(*shape):
    """Numbers from -2 to 2 that are the same on every machine."""
    numbers = 2 * np.sin(0.7 + 1.3 * np.arange(np.prod(shape)))
    return torch.from_numpy(numbers.astype(np.float32)).reshape(shape)


CLASSES = {"": "LogicConv2d", "3d": "LogicConv3d", "transposed": "LogicConvTranspose2d"}


def built(case, layers):
    """The layer of a case by the class of that module, with weights that are spread."""
    name, _, kind = case.partition(" ")
    parametrization, rank = name.split("-")
    layer = getattr(layers, CLASSES[kind])(
        **{**SIZES, **CASES[case]}, parametrization=parametrization, lut_rank=int(rank)
    )
    return spread_weights(layer)


@torch.no_grad()
def spread_weights(module):
    for weight in module.parameters():
        weight.copy_(spread(*weight.shape))
    return module


def ours(case):
    """Our layer, its wiring spread over the window."""
    layer = built(case, frontend)
    wiring = layer.connections.indices
    sizes = torch.tensor([*layer.receptive_field_size, layer.channels])
    at = 5 * torch.arange(wiring.numel()).reshape(wiring.shape) // 3
    wiring.copy_(at % sizes)
    return layer


def answers(layer, shape):
    """What it answers in evaluation to bits, and in training to numbers."""
    bits, numbers = spread(16, *shape) > 0, spread(4, *shape).abs() / 2
    with torch.no_grad():
        return layer.eval()(bits.float()) > 0.5, layer.train()(numbers)


def summary(bits, relaxed):
    packed = np.packbits(bits.numpy().ravel())
    return {
        "bits": packed.tobytes().hex(),
        "means": relaxed.transpose(0, 1).flatten(1).mean(1).tolist(),
    }


@pytest.mark.parametrize("case", CASES)
def test_answers_are_the_recorded_ones(case):
    layer = ours(case)
    bits, relaxed = answers(layer, layer.in_shape)
    found, want = summary(bits, relaxed), json.loads(RECORD.read_text())[case]
    assert 0 < bits.float().mean() < 1
    assert found["bits"] == want["bits"]
    assert found["means"] == pytest.approx(want["means"], abs=1e-5)


@pytest.fixture(scope="module")
def peer():
    return pytest.importorskip(
        "torchlogix", reason="torchlogix is not installed: pip install --no-deps torchlogix"
    )


def theirs(case, layer):
    from torchlogix import layers

    found = built(case, layers)
    wire(found, layer)
    return found


def wire(found, layer):
    """Give torchlogix's layer the wiring of ours."""
    kernels = layer.connections.indices
    found.connections.indices = found.connections._get_indices_from_kernel_tensor(kernels)


@pytest.mark.parametrize("case", CASES)
def test_answers_are_those_of_the_library(peer, case):
    layer = ours(case)
    bits, relaxed = answers(layer, layer.in_shape)
    want_bits, want_relaxed = answers(theirs(case, layer), layer.in_shape)
    assert torch.equal(bits, want_bits)
    assert torch.allclose(relaxed, want_relaxed, atol=1e-5)


def test_the_record_is_of_the_library(peer, request):
    found = {}
    for case in CASES:
        layer = ours(case)
        found[case] = summary(*answers(theirs(case, layer), layer.in_shape))
    if request.config.getoption("--update-golden"):
        RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8", newline="\n")
    record = json.loads(RECORD.read_text())
    assert {case: value["bits"] for case, value in record.items()} == {
        case: value["bits"] for case, value in found.items()
    }


@pytest.mark.parametrize(("name", "rank"), [("raw", 2), ("warp", 4), ("light", 2)])
def test_a_block_answers_as_the_library(peer, name, rank):
    from torchlogix.modules import ResidualLogicBlock as Theirs

    options = {"tree_depth": 2, "parametrization": name, "lut_rank": rank}
    mine, block = (
        spread_weights(kind(7, 3, 3, **options)) for kind in (ResidualLogicBlock, Theirs)
    )
    for at in (0, 2):
        wire(block.main[at], mine.main[at])
    (bits, relaxed), (want_bits, want) = (answers(each, (3, 7, 7)) for each in (mine, block))
    assert torch.equal(bits, want_bits)
    assert torch.allclose(relaxed, want, atol=1e-5)
