"""The Triton kernels against plain PyTorch, on a CUDA device or in Triton's interpreter.

Run by `test_triton.py` in a process of its own, because the interpreter is chosen by
`TRITON_INTERPRET=1` before triton is first imported.
"""

from __future__ import annotations

import os

import pytest
import torch

from gatewright.frontend import functional
from gatewright.frontend.cuda.gates import TritonGates
from gatewright.frontend.cuda.mixture import TritonMixture
from gatewright.frontend.functional import gate_coefficients, readers_of

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


@pytest.mark.parametrize("batch", [1, 31, 33, 300])
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
