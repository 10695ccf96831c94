"""The Triton kernels against plain PyTorch, on a CUDA device or in Triton's interpreter.

Run by `test_triton.py` in a process of its own, because the interpreter is chosen by
`TRITON_INTERPRET=1` before triton is first imported.
"""

from __future__ import annotations

import os
from contextlib import nullcontext

import numpy
import pytest
import torch

from gatewright.frontend import (
    GroupSum,
    LogicConv2d,
    LogicDense,
    OrPooling2d,
    fit,
    load_model,
)
from gatewright.frontend.gates import functional
from gatewright.frontend.gates import trees as frontend_trees
from gatewright.frontend.gates.cuda import trees
from gatewright.frontend.gates.cuda.gates import TritonGates
from gatewright.frontend.gates.cuda.mixture import TritonMixture
from gatewright.frontend.gates.cuda.trees import triton_trees
from gatewright.frontend.gates.functional import gate_coefficients, readers_of
from gatewright.frontend.gates.windows import Windows
from gatewright.frontend.layers import fused_pooling as fuse
from gatewright.frontend.tracing.trace import trace

DEVICE = "cpu" if os.environ.get("TRITON_INTERPRET") == "1" else "cuda"


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(DEVICE)


def gates_case(features, gates, batch, dtype=torch.float32):
    random = torch.Generator().manual_seed(features + gates + batch)
    x = torch.rand(features, batch, generator=random)
    indices = torch.randint(0, features, (2, gates), generator=random)
    return x.to(DEVICE, dtype), drawn(4, gates).to(dtype), indices.to(DEVICE)


def gradients(function, x, coefficients, indices, factor=1.5, rounded=torch.float32):
    """Output and both gradients, for a gradient of the output that is rounded first."""
    x, coefficients = x.clone().requires_grad_(), coefficients.clone().requires_grad_()
    out = function.apply(x, coefficients, indices, lambda: readers_of(indices, len(x)), factor)
    out.backward(drawn(*out.shape, seed=1).to(rounded).to(out.dtype))
    return out.detach(), x.grad, coefficients.grad


@pytest.mark.parametrize("batch", [1, 33, 300])
@pytest.mark.parametrize(("features", "gates"), [(1, 5), (40, 7), (5, 40)])
def test_gates(features, gates, batch):
    case = gates_case(features, gates, batch)
    for ours, theirs in zip(
        gradients(TritonGates, *case), gradients(functional._LogicGates, *case), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_summed_in_float32(dtype):
    x, coefficients, indices = gates_case(20, 30, 600, dtype)
    found = gradients(TritonGates, x, coefficients, indices, rounded=dtype)
    exact = (x.float(), coefficients.float(), indices)
    wanted = gradients(functional._LogicGates, *exact, rounded=dtype)
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours.dtype == dtype
        torch.testing.assert_close(ours, theirs.to(dtype), rtol=1e-2, atol=1e-3)


def test_the_same_bits_every_time():
    case = gates_case(6, 90, 70)
    first, second = gradients(TritonGates, *case), gradients(TritonGates, *case)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_gradients_that_nobody_needs():
    x, coefficients, indices = gates_case(20, 30, 64)
    _, grad_x, grad_c = gradients(TritonGates, x, coefficients, indices)
    for leaf, wanted in ((x.clone(), grad_x), (coefficients.clone(), grad_c)):
        leaf.requires_grad_()
        given = (leaf, coefficients) if wanted is grad_x else (x, leaf)
        out = TritonGates.apply(*given, indices, lambda: readers_of(indices, 20), 1.5)
        out.backward(drawn(*out.shape, seed=1))
        assert torch.equal(leaf.grad, wanted)


def test_no_samples():
    x, coefficients, indices = gates_case(4, 6, 0)
    out, grad_x, grad_c = gradients(TritonGates, x, coefficients, indices)
    assert out.shape == (6, 0)
    assert grad_x.shape == (4, 0)
    assert not grad_c.any()


@pytest.mark.parametrize("gates", [1, 64, 65])
@pytest.mark.parametrize("temperature", [1.0, 0.3])
def test_mixtures(gates, temperature):
    basis = gate_coefficients().to(DEVICE)
    results = []
    for apply in (TritonMixture.apply, plain_mixture):
        logits = (4 * drawn(gates, 16)).requires_grad_()
        found = apply(logits, basis, temperature)
        found.backward(drawn(4, gates, seed=1))
        results.append((found.detach(), logits.grad))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def plain_mixture(logits, basis, temperature):
    return basis.t() @ torch.softmax(logits / temperature, dim=1).t()


def conv(depth, padding=1, **options):
    """Two kernels on images [1, 4, 5]."""
    torch.manual_seed(depth)
    options = {"parametrization_kwargs": {"weight_init": "random"}, **options}
    return LogicConv2d((4, 5), 1, 2, depth, 3, padding=padding, device=DEVICE, **options)


def levels_of(layer):
    """The coefficients of each level, and the leaves."""
    weights = [weight.detach().flatten(0, 1) for weight in layer.tree_weights]
    numbers = [layer.parametrization.coefficients(weight, True) for weight in weights]
    return [level.clone().requires_grad_() for level in numbers], layer.connections.levels()


def plain_trees(x, numbers, levels, layer, pooling):
    """Level by level, then `max_pool2d`."""
    found = torch.nn.functional.pad(x, (0, 0, 0, int(layer.padding > 0)))
    for number, level in zip(numbers, levels, strict=True):
        number = number.unsqueeze(2).expand(-1, -1, layer.n_kernel_positions).flatten(1)
        given = (number, level.indices, level.readers, 1.0)
        found = functional._LogicGates.apply(found, *given)
    if pooling is None:
        return found
    images = found.reshape(2, *layer.connections.places, -1).permute(3, 0, 1, 2)
    return torch.nn.functional.max_pool2d(images, pooling).permute(1, 2, 3, 0).flatten(0, 2)


def fused_trees(x, numbers, levels, layer, pooling):
    rows = torch.nn.functional.pad(x, (0, 0, 0, levels[0].zeros))
    given = (rows, torch.cat(numbers, 1), levels[0], layer.tree_depth, 1.0)
    if pooling is None:
        return triton_trees(*given)
    windows = Windows(layer.connections.places, pooling, DEVICE)
    return triton_trees(*given, windows)


def tree_gradients(function, layer, batch, pooling):
    """Output and all gradients."""
    numbers, levels = levels_of(layer)
    x = torch.rand(20, batch, generator=torch.Generator().manual_seed(2)).to(DEVICE)
    x.requires_grad_()
    out = function(x, numbers, levels, layer, pooling)
    out.backward(drawn(*out.shape, seed=1))
    return out.detach(), x.grad, *(level.grad for level in numbers)


@pytest.mark.parametrize(
    ("depth", "padding", "pooling", "batch"),
    [(1, 1, None, 3), (2, 1, (2, 2), 40), (3, 0, None, 33), (3, 1, (1, 3), 1)],
)
def test_trees(depth, padding, pooling, batch):
    layer = conv(depth, padding)
    wanted = tree_gradients(plain_trees, layer, batch, pooling)
    for ours, theirs in zip(
        tree_gradients(fused_trees, layer, batch, pooling), wanted, strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_trees_in_parts(monkeypatch):
    """Several blocks of samples, runs of windows and rounds of the backward pass."""
    layer = conv(2)
    wanted = tree_gradients(plain_trees, layer, 70, (2, 2))
    monkeypatch.setattr(trees, "_LANES", 32)
    monkeypatch.setattr(trees, "_WORKSPACE", 2000)
    monkeypatch.setattr(trees, "_PROGRAMS", 4)
    for ours, theirs in zip(tree_gradients(fused_trees, layer, 70, (2, 2)), wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_of_equals_the_first_wins():
    """Constant gates: every place of a window answers the same."""
    layer = conv(1)
    layer.tree_weights[0].data.fill_(0)
    wanted = tree_gradients(plain_trees, layer, 2, (2, 2))
    for ours, theirs in zip(tree_gradients(fused_trees, layer, 2, (2, 2)), wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.fixture
def everywhere(monkeypatch):
    """The kernels are used wherever this runs."""
    for module in (functional, frontend_trees):
        monkeypatch.setattr(module, "usable", lambda x: False)
        monkeypatch.setattr(module, "cuda_usable", lambda x: True)


def test_fused_pooling_changes_no_number(everywhere):
    light = {"parametrization": "light", "parametrization_kwargs": None}
    model = torch.nn.Sequential(conv(1), OrPooling2d(2), torch.nn.Flatten())
    other = torch.nn.Sequential(conv(2, **light), OrPooling2d((2, 1)), torch.nn.Flatten())
    x = torch.rand(3, 1, 4, 5, generator=torch.Generator().manual_seed(2)).to(DEVICE)
    for net in (model, other):
        results = []
        for fused in (True, False):
            with fuse.fused_pooling(net) if fused else nullcontext():
                given = x.clone().requires_grad_()
                out = net(given)
                out.backward(drawn(*out.shape, seed=1))
                assert ("forward" in vars(net[0])) == fused
                results.append((out.detach(), given.grad, net[0].tree_weights[0].grad))
                net.zero_grad()
        for ours, theirs in zip(*results, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
        assert "forward" not in vars(net[0]) | vars(net[1])


def test_training_is_the_same_with_fused_pooling(everywhere, monkeypatch, tmp_path):
    x = torch.rand(8, 1, 4, 5, generator=torch.Generator().manual_seed(3)).round()
    y = torch.arange(8) % 2
    kept = []
    for fused in (True, False):
        monkeypatch.setattr(fuse, "served", lambda *_, fused=fused: fused)
        torch.manual_seed(0)
        model = torch.nn.Sequential(
            conv(1),
            OrPooling2d(2),
            torch.nn.Flatten(),
            LogicDense(8, 10, device=DEVICE, parametrization_kwargs={"weight_init": "random"}),
            GroupSum(2, tau=2.0),
        )
        options = {"steps": 2, "check_every": 2, "progress": False}
        fit(model, x, y, **options, folder=tmp_path / str(fused))
        assert next(model.parameters()).device.type == DEVICE
        kept.append([p.detach() for p in model.parameters()])
        circuit = trace(model, (1, 4, 5))
        scores = model(x.to(DEVICE)).detach().cpu()
        again = load_model(tmp_path / str(fused) / "model.npz")
        torch.testing.assert_close(again(x), scores)
        numpy.testing.assert_array_equal(circuit.scores(x.numpy()), scores.numpy())
    for ours, theirs in zip(*kept, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
