"""The native training kernels compute what plain PyTorch computes."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from gatewright.frontend import LogicConv2d, LogicDense  # noqa: E402
from gatewright.frontend.gates import functional, group_sums, lookup, native  # noqa: E402
from gatewright.runtime.errors import InputError  # noqa: E402


@pytest.fixture(autouse=True)
def _fresh():
    """Each test looks for the kernels anew, and leaves no verdict behind."""
    native._library.cache_clear()
    yield
    native._library.cache_clear()


def run(x, coefficients, indices, factor, up):
    """Output and both gradients."""
    x, coefficients = x.clone().requires_grad_(), coefficients.clone().requires_grad_()

    def transpose():
        return functional.readers_of(indices, len(x))

    out = functional.logic_gates(x, coefficients, indices, transpose, factor)
    out.backward(up)
    return out.detach(), x.grad, coefficients.grad


def case(features, gates, batch, seed=0):
    random = torch.Generator().manual_seed(seed)
    return (
        torch.rand(features, batch, generator=random),
        torch.randn(4, gates, generator=random),
        torch.randint(0, features, (2, gates), generator=random),
        1.5,
        torch.randn(gates, batch, generator=random),
    )


@pytest.mark.parametrize("batch", [0, 1, 2, 15, 16, 17, 128, 300])
@pytest.mark.parametrize(("features", "gates"), [(1, 5), (40, 7), (30, 200)])
def test_equals_plain_pytorch(features, gates, batch, monkeypatch):
    given = case(features, gates, batch)
    assert native.usable(given[0])
    found = run(*given)
    monkeypatch.setenv("GATEWRIGHT_NATIVE", "0")
    native._library.cache_clear()
    assert not native.usable(given[0])
    wanted = run(*given)
    for ours, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_threads_change_no_bit(monkeypatch):
    given = case(700, 3000, 300)
    monkeypatch.setattr(native, "_GRAIN", 1000)
    results = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        results.append(run(*given))
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize("batch", [0, 1, 16, 37, 150])
@pytest.mark.parametrize("inputs", [1, 2, 3, 4, 5, 6])
def test_gates_of_several_inputs_equal_float64(inputs, batch):
    found, wanted = (run_luts(inputs, batch, dtype) for dtype in (torch.float32, torch.float64))
    for ours, exact in zip(found, wanted, strict=True):
        torch.testing.assert_close(ours.double(), exact, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("inputs", [1, 4])
def test_threads_change_no_bit_of_several_inputs(inputs, monkeypatch):
    monkeypatch.setattr(native, "_GRAIN", 1000)
    results = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        results.append(run_luts(inputs, 300, torch.float32))
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def run_luts(inputs, batch, dtype):
    """Output and both gradients; in float64 no kernel serves."""
    random = torch.Generator().manual_seed(inputs)
    x = torch.rand(9, batch, generator=random).to(dtype).requires_grad_()
    table = torch.randn(2**inputs, 21, generator=random).to(dtype).requires_grad_()
    indices = torch.randint(0, 9, (inputs, 21), generator=random)
    up = torch.randn(21, batch, generator=random).to(dtype)
    assert native.usable(x) == (dtype == torch.float32)
    out = lookup.lut_gates(x, table, indices, lambda: functional.readers_of(indices, 9), 1.5)
    out.backward(up)
    return out.detach(), x.grad, table.grad


@pytest.mark.parametrize("batch", [0, 1, 16, 150])
@pytest.mark.parametrize(("groups", "rows"), [(1, 1), (3, 5), (4, 130)])
def test_sums_of_groups_equal_float64(groups, rows, batch):
    x = torch.rand(groups * rows, batch, requires_grad=True)
    up = torch.randn(groups, batch)
    found = group_sums.group_sums(x, groups)
    found.backward(up)
    wanted = x.detach().double().reshape(groups, rows, batch).sum(1)
    torch.testing.assert_close(found.double(), wanted, rtol=1e-6, atol=1e-6)
    assert torch.equal(x.grad, up.repeat_interleave(rows, 0))


@pytest.mark.parametrize("scale", [0.1, 1.0, 100.0])
def test_mixtures_equal_float64(scale):
    basis = functional.gate_coefficients()
    logits = scale * torch.randn(50, 16)
    up = torch.randn(4, 50)
    results = []
    for dtype in (torch.float32, torch.float64):
        leaf = logits.to(dtype, copy=True).requires_grad_()
        found = functional.mixture_coefficients(leaf, basis.to(dtype), 0.7)
        found.backward(up.to(dtype))
        results.append((found.detach().double(), leaf.grad.double()))
    for ours, exact in zip(*results, strict=True):
        torch.testing.assert_close(ours, exact, rtol=1e-4, atol=1e-5)


def test_mixtures_of_nan_are_nan():
    logits = torch.zeros(3, 16)
    logits[1, 5] = torch.nan
    found = functional.mixture_coefficients(logits, functional.gate_coefficients(), 1.0)
    assert torch.isnan(found[:, 1]).any()
    assert not torch.isnan(found[:, [0, 2]]).any()


def test_gradients_that_nobody_needs():
    x, coefficients, indices, _, up = case(20, 30, 64)

    def transpose():
        return functional.readers_of(indices, 20)

    leaf = coefficients.clone().requires_grad_()
    functional.logic_gates(x, leaf, indices, transpose).backward(up)
    both = run(x, coefficients, indices, 1.0, up)
    assert torch.equal(leaf.grad, both[2])
    leaf = x.clone().requires_grad_()
    functional.logic_gates(leaf, coefficients, indices, transpose).backward(up)
    assert torch.equal(leaf.grad, both[1])


def test_other_dtypes_and_transposed_gradients():
    assert not native.usable(torch.zeros(3, dtype=torch.float64))
    layer = LogicDense(12, 30)
    x = torch.rand(9, 12)
    plain = LogicDense(12, 30).double()
    plain.load_state_dict(layer.state_dict())
    (layer(x) ** 2).sum().backward()
    (plain(x.double()) ** 2).sum().backward()
    torch.testing.assert_close(layer.weight.grad.double(), plain.weight.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda **o: LogicDense(8, 50, **o),
        lambda **o: LogicDense(8, 50, lut_rank=1, **o),
        lambda **o: _trees(**o),
    ],
)
def test_mixed_precision_feeds_no_half_numbers_to_the_kernels(make):
    torch.manual_seed(0)
    layer = make(parametrization_kwargs={"forward_sampling": "hard", "weight_init": "random"})
    x = torch.rand(3, 8)
    wanted = layer(x)
    with torch.autocast("cpu", torch.bfloat16):
        found = layer(x)
    torch.testing.assert_close(found, wanted)
    found.sum().backward()


def _trees(**options):
    conv = LogicConv2d((2, 4), 1, 50, 2, 2, **options)
    return torch.nn.Sequential(torch.nn.Unflatten(1, (1, 2, 4)), conv)


@pytest.mark.parametrize("wrong", [8, -1, 2**62, -(2**63)])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "make",
    [
        lambda: LogicDense(8, 50),
        lambda: LogicDense(8, 50, lut_rank=3, parametrization="light"),
        lambda: _trees(),
    ],
)
def test_wiring_beyond_the_features_is_refused(make, training, wrong):
    model = make().train(training)
    state = model.state_dict()
    wiring = next(numbers for name, numbers in state.items() if "indices" in name)
    wiring[(0,) * wiring.ndim] = wrong
    model.load_state_dict(state)
    with pytest.raises(InputError, match=r"connections: indices .*allowed"):
        model(torch.rand(20, 8))


def test_a_model_on_another_device_than_its_input_is_refused():
    layer = LogicDense(8, 50).to("meta")
    with pytest.raises(InputError, match=r"on meta.*on one device"):
        layer(torch.rand(20, 8))


def test_kernels_take_no_other_tensors_than_theirs():
    x, out = torch.rand(6, 4), torch.empty(2, 4)
    with pytest.raises(InputError, match=r"float64 on cpu.*allowed are contiguous"):
        native.call("sums_forward", x.double(), 2, 3, 4, 1, out)
    with pytest.raises(InputError, match=r"strides \[1, 4\].*allowed are contiguous"):
        native.call("sums_forward", x.t(), 2, 3, 4, 1, out)
    with pytest.raises(TypeError, match="same type"):
        native.call("sums_forward", x.long(), 2, 3, 4, 1, out)


def test_without_a_compiler_it_says_so_once(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.warns(UserWarning, match="in plain PyTorch, which is slower.*no C compiler"):
        assert not native.usable(torch.zeros(3))
    assert not native.usable(torch.zeros(3))
    given = case(20, 30, 16)
    assert run(*given)[0].shape == (30, 16)


def test_a_compiler_that_knows_no_native_target(build_cache, monkeypatch, tmp_path):
    script = tmp_path / "cc"
    script.write_text('#!/bin/sh\ncase "$*" in *-march=native*) exit 1;; esac\nexec cc "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("CC", str(script))
    assert native.usable(torch.zeros(3))
