"""What is kept of wiring follows the wiring, in copies too."""

import copy
import pickle

import pytest
import torch
from training_threads import one_thread  # noqa: F401

from gatewright.frontend import LogicConv2d, LogicDense
from gatewright.frontend.compat import ConvLogicLayer
from gatewright.frontend.wiring.kept import Kept

SOFT = {"num_candidates": 4, "forward_sampling": "soft", "temperature": 0.5}
LAYERS = {
    "dense": (lambda: LogicDense(30, 40), (5, 30)),
    "learned": (
        lambda: LogicDense(30, 40, connections="learnable", connections_kwargs=SOFT),
        (5, 30),
    ),
    "conv": (lambda: LogicConv2d(6, 2, 3, 2, 3), (5, 2, 6, 6)),
    "convlogic": (lambda: ConvLogicLayer(2, 3), (5, 2, 6, 6)),
}


def step(layer, x):
    """Output and the gradient of the input."""
    x = x.clone().requires_grad_()
    out = layer(x)
    (out * torch.arange(out.numel()).reshape(out.shape)).sum().backward()
    return out.detach(), x.grad


@pytest.mark.parametrize("loads", range(4))
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
@pytest.mark.parametrize("kind", LAYERS)
def test_a_copy_follows_what_is_loaded_into_it(kind, copied, loads):
    torch.manual_seed(0)
    make, shape = LAYERS[kind]
    layer, other = make().double(), make().double()  # float64 needs the transposed wiring
    x = torch.rand(shape, dtype=torch.float64)
    for _ in range(loads):
        layer.load_state_dict(layer.state_dict())
    step(layer, x)
    layer = copied(layer)
    layer.load_state_dict(other.state_dict())
    for ours, theirs in zip(step(layer, x), step(other, x), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("kind", LAYERS)
def test_layers_made_in_inference_mode_answer(kind):
    make, shape = LAYERS[kind]
    with torch.inference_mode():
        layer, x = make().eval(), torch.rand(shape)
        assert torch.equal(layer(x), layer(x))


def test_kept_until_the_tensor_or_what_else_matters_changes():
    tensor, calls = torch.zeros(2), []
    kept = Kept()

    def find():
        calls.append(torch.is_inference_mode_enabled())
        return len(calls)

    with torch.inference_mode():
        assert kept.of(tensor, find, "a") == kept.of(tensor, find, "a") == 1
    assert kept.of(tensor, find, "b") == 2
    tensor.add_(1)
    assert kept.of(tensor, find, "b") == 3
    assert kept.of(tensor.clone(), find, "b") == 4
    assert copy.deepcopy(kept).of(tensor, find, "b") == 5
    assert not any(calls)
