"""Models written for torchlogix, with other import lines: its own source, and our own words.

Its source is read where it is installed; see `peer_source`. By default the smaller models of its
zoo are built; with GATEWRIGHT_PEERS set, all with up to 100 million weights.
"""

import json
import re
from pathlib import Path

import peer_source
import pytest
import torch
from torch import nn
from trace_helpers import check_scores, samples
from training_threads import one_thread  # noqa: F401

from gatewright.frontend import load_model, save_model
from gatewright.frontend.compat import torchlogix as ours
from gatewright.frontend.compat.torchlogix import (
    Binarization,
    DummyBinarization,
    GroupSum,
    LogicConv2d,
    LogicDense,
    OrPooling2d,
    set_export_mode,
    setup_binarization,
    setup_parametrization,
)
from gatewright.runtime.errors import InputError

LARGEST = 100_000_000 if peer_source.NAMED else 1_000_000
ZOO = sorted(peer_source.zoo())


def check_model(model, shape, classes):
    """Forward, backward, and a circuit that answers as evaluation mode."""
    torch.manual_seed(0)
    x = torch.rand(4, *shape)
    out = model.train()(x)
    assert out.shape == (4, classes)
    nn.functional.cross_entropy(out, torch.arange(4) % classes).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
    set_export_mode(model)
    check_scores(model, shape, samples(shape, boolean=True)[:4])


@pytest.mark.skipif(not ZOO, reason=peer_source.MISSING)
@pytest.mark.parametrize("name", ZOO or [None])
def test_the_model_zoo(name):
    kind, _ = peer_source.zoo()[name]
    try:
        weights, even = peer_source.outline(name)
    except (TypeError, AssertionError) as error:
        pytest.skip(f"a base class of torchlogix's: {error}")
    if weights > LARGEST:
        pytest.skip(f"{weights:,} numbers are too many for a test; set GATEWRIGHT_PEERS for more")
    torch.manual_seed(0)
    model = kind(**peer_source.arguments(name, kind))
    shape = peer_source.sample_shape(name)
    if even:
        check_model(model, shape, 5 if "Jsc" in name else 10)
    else:  # torchlogix fails an assertion
        with pytest.raises(InputError, match=r"GroupSum: .* allowed is a multiple of"):
            model(torch.zeros(1, *shape))


needs_repository = pytest.mark.skipif(
    peer_source.repository() is None,
    reason="torchlogix's repository is not there; name a folder above it in GATEWRIGHT_PEERS",
)


@needs_repository
def test_the_model_of_its_readme():
    text = (peer_source.repository() / "README.md").read_text()
    block = next(
        code for code in re.findall(r"```python\n(.*?)```", text, re.S) if "Sequential" in code
    )
    check_model(peer_source.run(block, {}, "README.md")["model"], (1, 28, 28), 10)


def digits():
    """scikit-learn's digits as MNIST-like bits, [n, 1, 28, 28], in batches."""
    data = pytest.importorskip("sklearn.datasets").load_digits()
    images = torch.from_numpy(data.images).float().repeat_interleave(3, 1).repeat_interleave(3, 2)
    images = (nn.functional.pad(images, (2, 2, 2, 2)).unsqueeze(1) > 7).float()
    return list(
        zip(images.split(128), torch.from_numpy(data.target).long().split(128), strict=True)
    )


@needs_repository
def test_its_notebook_trains(capsys):
    path = peer_source.repository() / "examples" / "mnist_example.ipynb"
    cells = ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]]
    batches = digits()
    names = {"train_loader": batches, "test_loader": batches[:2]}
    wanted = ("def evaluate_model", "model = torch.nn.Sequential", "num_iterations = 1000")
    for cell in (next(cell for cell in cells if start in cell) for start in wanted):
        cell = cell.replace("num_iterations = 1000", "num_iterations = 20")
        cell = cell.replace("eval_freq = 100", "eval_freq = 10")
        torch.manual_seed(0)
        peer_source.run(cell, names, str(path))
    assert "Iteration     20" in capsys.readouterr().out
    losses = names["metrics_dict"]["train_loss"]
    assert losses[1] < losses[0]
    set_export_mode(names["model"])
    assert names["model"](batches[0][0].bool()).shape == (128, 10)
    check_scores(names["model"], (1, 28, 28), batches[0][0][:8])


@pytest.mark.skipif(peer_source.package() is None, reason=peer_source.MISSING)
def test_every_layer_has_a_name_here():
    text = (peer_source.package() / "layers" / "__init__.py").read_text()
    theirs = {name.strip() for line in re.findall(r"import (.*)", text) for name in line.split(",")}
    assert theirs <= set(ours.__all__)


def test_the_model_of_the_guide():
    text = (Path(__file__).parents[1] / "docs" / "torchlogix.md").read_text(encoding="utf-8")
    block = re.findall(r"```python\n(.*?)```", text, re.S)[0]
    check_model(peer_source.run(block, {}, "torchlogix.md")["model"], (8, 8), 10)
    imported = re.findall(r"import (\w+)[,`]", text)
    assert imported
    assert set(imported) <= set(ours.__all__)


def test_all_names_are_there():
    assert all(hasattr(ours, name) for name in ours.__all__)
    assert ours.__all__ == sorted(ours.__all__)


def dense_model(binarization, rank, learned):
    """Layers of one width behind a binarisation, as in torchlogix's dense models."""
    options = {
        "parametrization": "raw" if rank == 2 else "warp",
        "lut_rank": rank,
        "device": "cpu",
        "connections_kwargs": {"init_method": "random", "temperature": 0.01, "gumbel": True},
    }
    thresholds = Binarization.get_initial_thresholds(torch.rand(50, 6, 6), 2, "global")
    return nn.Sequential(
        setup_binarization(thresholds, binarization, one_per="global", temperature_sampling=0.1),
        nn.Flatten(),
        LogicDense(in_dim=72, out_dim=60, **(options | {"connections": learned})),
        LogicDense(in_dim=60, out_dim=60, **options),
        GroupSum(10, 3.0),
    )


@pytest.mark.parametrize("binarization", ["fixed", "soft", "learnable", "uniform"])
@pytest.mark.parametrize("rank", [2, 4, 6])
@pytest.mark.parametrize("learned", ["fixed", "learnable"])
def test_dense_models(binarization, rank, learned):
    torch.manual_seed(1)
    check_model(dense_model(binarization, rank, learned), (6, 6), 10)


@pytest.mark.parametrize("connections", ["fixed", "learnable"])
def test_convolutional_models(connections):
    torch.manual_seed(2)
    thresholds = torch.tensor([0.25, 0.5, 0.75]).repeat(3, 1)
    common = {"parametrization": "raw", "connections": connections}
    groups = {"init_method": "random-unique", "channel_group_size": 2}
    model = nn.Sequential(
        setup_binarization(thresholds, "fixed", feature_dim=1, one_per="channel"),
        LogicConv2d(
            in_dim=8,
            num_kernels=6,
            channels=9,
            tree_depth=3,
            receptive_field_size=3,
            padding=1,
            connections_kwargs=groups | {"channel_group_size": 1},
            **common,
        ),
        OrPooling2d(kernel_size=2, stride=2),
        LogicConv2d(
            in_dim=4,
            channels=6,
            num_kernels=8,
            tree_depth=2,
            receptive_field_size=3,
            padding=1,
            connections_kwargs=groups,
            **common,
        ),
        OrPooling2d(kernel_size=2, stride=2, padding=1),
        nn.Flatten(),
        LogicDense(in_dim=72, out_dim=120, **common),
        GroupSum(k=10, tau=20),
    )
    check_model(model, (3, 8, 8), 10)


def test_bits_that_are_bits_already(tmp_path):
    torch.manual_seed(3)
    bits = setup_binarization(None, "dummy", feature_dim=1, temperature_softplus=0.1)
    assert isinstance(bits, DummyBinarization)
    assert isinstance(bits, Binarization)
    assert bits.thresholds is None
    x = torch.tensor([[True, False]])
    assert bits(x).tolist() == [[1.0, 0.0]]
    model = nn.Sequential(bits, LogicDense(8, 20), GroupSum(10))
    check_model(model, (8,), 10)
    save_model(model, tmp_path / "m.npz", input_shape=(8,))
    assert isinstance(load_model(tmp_path / "m.npz")[0], DummyBinarization)


def test_export_mode_is_evaluation_mode_for_every_module():
    model = dense_model("soft", 2, "learnable")
    set_export_mode(model)
    assert not any(module.training for module in model.modules())


def test_parametrizations_by_name():
    assert setup_parametrization("warp", 4, temperature=0.5).temperature == 0.5
    with pytest.raises(InputError, match="parametrization_kwargs has tau; allowed are weight_init"):
        setup_parametrization("raw", 2, tau=1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"binarization": "grid"}, "binarization='grid'; allowed is 'dummy', 'fixed', 'soft' or"),
        ({"binarization": "fixed", "seed": 1}, "binarization_kwargs has seed; allowed are feature"),
        ({"binarization": "soft", "temperature": 0}, "temperature 0; allowed is above 0"),
    ],
)
def test_messages(options, message):
    with pytest.raises(InputError, match=message):
        setup_binarization([0.5], **options)
