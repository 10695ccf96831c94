"""Trees and pooling by the native kernels compute what plain PyTorch computes."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from gatewright.frontend import LogicConv2d, LogicConv3d, OrPooling2d, OrPooling3d  # noqa: E402
from gatewright.frontend.gates import native, trees  # noqa: E402


@pytest.fixture(autouse=True)
def _fresh():
    """Each test looks for the kernels anew, and leaves no verdict behind."""
    native._library.cache_clear()
    yield
    native._library.cache_clear()


def run(model, x, up):
    """Output, and the gradients of the input and of all weights."""
    x = x.detach().clone().requires_grad_()
    model.zero_grad()
    out = model(x)
    out.backward(up)
    return [out.detach(), x.grad, *(p.grad.clone() for p in model.parameters())]


def in_float64(model, x, up):
    """The same in float64, which no native kernel serves."""
    found = run(model.double(), x.double(), up.double())
    model.float()
    return [value.float() for value in found]


def assert_close(ours, theirs):
    for found, wanted in zip(ours, theirs, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


@st.composite
def convolutions(draw):
    dims = draw(st.integers(2, 3))
    size = draw(st.integers(2, 5 if dims == 2 else 3))
    layer = (LogicConv2d if dims == 2 else LogicConv3d)(
        size,
        channels=draw(st.integers(1, 3)),
        num_kernels=draw(st.integers(1, 3)),
        tree_depth=draw(st.integers(1, 5)),
        receptive_field_size=draw(st.integers(2, size)),
        stride=draw(st.integers(1, 2)),
        padding=draw(st.integers(0, 1)),
        grad_factor=draw(st.sampled_from([1.0, 1.5])),
        parametrization=draw(st.sampled_from(["raw", "light"])),
    )
    with torch.no_grad():
        for weight in layer.tree_weights:
            weight.normal_()
    return layer


@settings(max_examples=30, deadline=None)
@given(layer=convolutions(), batch=st.sampled_from([0, 1, 3, 16, 17, 70]), seed=st.integers(0, 99))
def test_trees_equal_float64(layer, batch, seed):
    torch.manual_seed(seed)
    x = torch.rand(batch, *layer.in_shape)
    if not trees.usable(x):
        pytest.skip("no native kernels here")
    assert trees.served(x, layer.tree_depth)
    up = torch.randn(batch, layer.num_kernels, *layer.kernel_positions)
    assert_close(run(layer, x, up), in_float64(layer, x, up))


def test_trees_that_are_too_deep_for_the_kernel():
    layer = LogicConv2d(3, num_kernels=2, tree_depth=7, receptive_field_size=3)
    x, up = torch.rand(5, 1, 3, 3), torch.randn(5, 2, 1, 1)
    assert not trees.served(x, layer.tree_depth)
    assert_close(run(layer, x, up), in_float64(layer, x, up))


def test_level_by_level_has_the_gradients_of_finite_differences():
    torch.manual_seed(3)
    layer = LogicConv2d(4, 2, 2, tree_depth=3, receptive_field_size=3, padding=1).double()
    x = torch.rand(2, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (x,))


@settings(max_examples=30, deadline=None)
@given(
    dims=st.integers(2, 3),
    window=st.integers(1, 3),
    stride=st.integers(1, 3),
    padded=st.booleans(),
    batch=st.sampled_from([2, 16, 37]),
    binary=st.booleans(),
    seed=st.integers(0, 99),
)
def test_pooling_equals_torch(dims, window, stride, padded, batch, binary, seed):
    torch.manual_seed(seed)
    padding = window // 2 if padded else 0
    pool = (OrPooling2d if dims == 2 else OrPooling3d)(window, stride, padding)
    rows = torch.rand(2, *(5, 4, 3)[-dims:], batch)
    x = (rows.round() if binary else rows).movedim(-1, 0)
    up = torch.randn(pool(x).shape)
    assert not x.is_contiguous()
    for found, wanted in zip(run(pool, x, up), run(pool, x.contiguous(), up), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-6)


def test_pooling_keeps_nan():
    x = torch.rand(3, 4, 4, 17)
    x[1, 2, 3, 5] = x[0, 0, 0, 16] = torch.nan
    x = x.movedim(-1, 0)
    found, wanted = OrPooling2d(2)(x), OrPooling2d(2)(x.contiguous())
    torch.testing.assert_close(found, wanted, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("depth", [1, 3])
def test_threads_change_no_bit(depth, monkeypatch):
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        LogicConv2d(7, 2, 5, tree_depth=depth, receptive_field_size=3, padding=1),
        OrPooling2d(3, 2, 1),
    )
    x = torch.rand(300, 2, 7, 7)
    up = torch.randn(model(x).shape)
    monkeypatch.setattr(native, "_GRAIN", 1000)
    results = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        results.append(run(model, x, up))
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_layers_without_kernels(monkeypatch):
    torch.manual_seed(1)
    model = torch.nn.Sequential(
        LogicConv2d(6, 1, 4, tree_depth=2, receptive_field_size=3), OrPooling2d(2)
    )
    x = torch.rand(20, 1, 6, 6)
    up = torch.randn(model(x).shape)
    found = run(model, x, up)
    monkeypatch.setenv("GATEWRIGHT_NATIVE", "0")
    native._library.cache_clear()
    assert_close(found, run(model, x, up))
