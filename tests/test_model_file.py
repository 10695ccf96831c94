"""Model files: what goes in comes out, and nothing else is believed."""

import copy
import json
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from gatewright.frontend import (
    FixedBinarization,
    GroupSum,
    LogicConv2d,
    LogicDense,
    OrPooling2d,
    load_model,
    save_model,
)
from gatewright.runtime.archive import read_archive, write_archive
from gatewright.runtime.errors import FileError, InputError


def sample_model():
    torch.manual_seed(1)
    random = {"weight_init": "random", "temperature": 0.5}
    return nn.Sequential(
        OrderedDict(
            [
                ("split", nn.Unflatten(1, (2, 3))),
                ("bits", FixedBinarization(torch.rand(2, 3, 2))),
                ("flat", nn.Flatten()),
                ("body", nn.Sequential(LogicDense(12, 20, grad_factor=1.5), nn.Identity())),
                ("last", LogicDense(20, 16, parametrization_kwargs=random)),
                ("head", GroupSum(4, tau=2.5, beta=-1.0)),
            ]
        )
    )


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.npz"
    save_model(sample_model(), path, input_shape=(6,))
    return path


def test_round_trip(saved):
    model, found = sample_model(), load_model(saved)
    x = torch.rand(50, 6)
    assert not found.training
    assert found.input_shape == (6,)
    assert [name for name, _ in found.named_modules()] == [
        name for name, _ in model.named_modules()
    ]
    for name, value in model.state_dict().items():
        assert torch.equal(found.state_dict()[name], value)
    assert torch.equal(found(x), model.eval()(x))
    assert torch.equal(found.train()(x), model.train()(x))
    assert (found.head.tau, found.head.beta, found.body[0].grad_factor) == (2.5, -1.0, 1.5)


def test_a_loaded_model_is_saved_byte_for_byte_alike(saved, tmp_path):
    save_model(load_model(saved), tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == saved.read_bytes()


def test_a_layer_used_twice_and_a_layer_alone(tmp_path):
    layer = LogicDense(6, 6)
    for model in (nn.Sequential(layer, layer), layer):
        save_model(model, tmp_path / "m.npz", input_shape=6)
        x = torch.randint(2, (9, 6)).float()
        assert torch.equal(load_model(tmp_path / "m.npz")(x), model.eval()(x))


def test_infinite_thresholds_are_kept(tmp_path):
    save_model(FixedBinarization([float("inf"), 0.0]), tmp_path / "m.npz", input_shape=(3,))
    assert load_model(tmp_path / "m.npz").thresholds.tolist() == [float("inf"), 0.0]


def test_modes_and_random_numbers_are_left_alone(tmp_path):
    model = sample_model()
    before = torch.get_rng_state()
    model.head.eval()
    save_model(model, tmp_path / "m.npz", input_shape=(6,))
    load_model(tmp_path / "m.npz")
    assert torch.equal(torch.get_rng_state(), before)
    assert model.body.training
    assert not model.head.training


class Mine(LogicDense):
    pass


def broken_weights():
    layer = LogicDense(6, 2)
    with torch.no_grad():
        layer.weight[0, 0] = float("inf")
    return layer


@pytest.mark.parametrize(
    ("make", "shape", "message"),
    [
        (
            lambda: nn.Sequential(nn.ReLU()),
            (6,),
            "layer 0 is a ReLU; allowed are Sequential, Logic",
        ),
        (lambda: nn.Sequential(nn.Sequential(Mine(6, 4))), (6,), "layer 0.0 is a Mine; allowed"),
        (lambda: nn.ReLU(), (6,), r"layer model is a ReLU; .* gatewright.write\(gatewright.trace"),
        (lambda: LogicDense(6, 4), None, r"input_shape \(\); allowed are sizes of one sample"),
        (lambda: LogicDense(6, 4), (0,), r"input_shape \(0,\)"),
        (lambda: LogicDense(6, 4), (5,), r"does not take a sample of shape \[5\]: LogicDense: inp"),
        (lambda: nn.Unflatten(1, (2, 3)), (5,), r"does not take a sample of shape \[5\]"),
        (broken_weights, (6,), "array weight: 1 of 32 numbers are not finite"),
        (lambda: LogicDense(6, 4).double(), (6,), "array weight is float64; .* model.float()"),
    ],
)
def test_models_that_cannot_be_saved(tmp_path, make, shape, message):
    with pytest.raises(InputError, match=message):
        save_model(make(), tmp_path / "m.npz", input_shape=shape)
    assert not (tmp_path / "m.npz").exists()


def layers(manifest):
    return manifest["model"]["layers"]


def options(manifest, at):
    return layers(manifest)[at][1]["options"]


def cyclic_depth(manifest, arrays):
    for _ in range(40):
        manifest["model"] = {"type": "Sequential", "layers": [["0", manifest["model"]]]}


HOSTILE = {
    "gates claimed": (
        lambda m, a: options(m, 4).update(out_dim=2**31 - 1),
        r"array last.weight is float32 \[16, 16\]; its layer needs float32 \[2147483647, 16\]",
    ),
    "size too large": (lambda m, a: options(m, 4).update(in_dim=2**40), "in_dim is 1099511627776"),
    "size is a flag": (lambda m, a: options(m, 4).update(in_dim=True), "in_dim is True, which is"),
    "shape claimed": (
        lambda m, a: options(m, 1).update(shape=[2**16, 2**16]),
        r"layer bits: shape is \[65536, 65536\], which is out of range",
    ),
    "option unknown": (
        lambda m, a: options(m, 5).update(call="rm"),
        r"options of layer head has \['beta', 'call', 'k', 'tau'\]; needed are exactly",
    ),
    "option missing": (lambda m, a: options(m, 5).pop("tau"), r"layer head has \['beta', 'k'\]"),
    "tau zero": (lambda m, a: options(m, 5).update(tau=0.0), "GroupSum: tau 0.0"),
    "tau NaN": (lambda m, a: options(m, 5).update(tau=float("nan")), "layer head: tau is nan"),
    "tau text": (lambda m, a: options(m, 5).update(tau="1" * 500), "tau is '1111+[.]{3}, which"),
    "probability": (
        lambda m, a: options(m, 4).update(residual_probability=7.0),
        "residual_probability 7.0",
    ),
    "type unknown": (
        lambda m, a: layers(m)[4][1].update(type="os.system"),
        "layer last is a 'os.system'; allowed are Sequential, LogicDense",
    ),
    "type no text": (lambda m, a: layers(m)[4][1].update(type=[1]), "layer last is {'opt"),
    "key unknown": (lambda m, a: m.update(extra=1), "the manifest has .*'extra'"),
    "layer key": (lambda m, a: layers(m)[4][1].update(extra=1), "layer last has .*'extra'"),
    "layers no list": (lambda m, a: m["model"].update(layers={"a": 1}), "layers {'a': 1}; allowed"),
    "name twice": (lambda m, a: layers(m)[1].__setitem__(0, "split"), r"\['split', .* among the"),
    "name reserved": (lambda m, a: layers(m)[1].__setitem__(0, "forward"), "'forward'"),
    "name dotted": (lambda m, a: layers(m)[1].__setitem__(0, "a.b"), "'a.b'"),
    "name empty": (lambda m, a: layers(m)[1].__setitem__(0, ""), "among the layers"),
    "no pair": (lambda m, a: layers(m).append(["x"]), r"\['x'\] among the layers"),
    "deep": (cyclic_depth, "allowed is a layer, 32 deep at most"),
    "no model": (lambda m, a: m.update(model=None), "the model is None; allowed is a layer"),
    "shape": (lambda m, a: m.update(input_shape=[-1]), r"input_shape \[-1\]; allowed are sizes"),
    "array missing": (lambda m, a: a.pop("last.weight"), "array last.weight is missing"),
    "array extra": (lambda m, a: a.update(z=np.zeros(1)), "array 'z' belongs to no layer"),
    "array dtype": (
        lambda m, a: a.update({"last.weight": a["last.weight"].astype(">f4")}),
        r"array last.weight is >f4 \[16, 16\]; its layer needs float32",
    ),
    "array NaN": (
        lambda m, a: a.update({"last.weight": a["last.weight"] * np.float32("nan")}),
        "array last.weight: 256 of 256 numbers are not finite",
    ),
    "thresholds NaN": (
        lambda m, a: a.update({"bits.thresholds": a["bits.thresholds"] * np.float32("nan")}),
        "array bits.thresholds: 12 of 12 numbers are not finite",
    ),
    "index": (
        lambda m, a: a.update({"last.indices": a["last.indices"] + np.int32(1)}),
        "indices from 1 to 20; allowed are 0 to 19",
    ),
    "negative index": (
        lambda m, a: a.update({"last.indices": a["last.indices"] - np.int32(1)}),
        "indices from -1 to 18",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files(saved, name):
    change, message = HOSTILE[name]
    manifest, arrays = read_archive(saved, "model")
    manifest, arrays = copy.deepcopy(manifest), dict(arrays)
    change(manifest, arrays)
    manifest = {key: manifest[key] for key in manifest if key not in ("gatewright", "version")}
    write_archive(saved, "model", manifest, arrays)
    with pytest.raises(FileError, match=message) as caught:
        load_model(saved)
    assert str(caught.value).startswith(f"{saved}:")
    assert len(str(caught.value)) < 600


def convolution():
    return nn.Sequential(
        OrderedDict(conv=LogicConv2d(5, 2, 3, 2, 3, padding=1), pool=OrPooling2d(2))
    )


HOSTILE_CONVOLUTIONS = {
    "deep": (lambda m, a: options(m, 0).update(tree_depth=40), "tree_depth is 40, which is out of"),
    "level missing": (
        lambda m, a: a.pop("conv.tree_weights.1"),
        "array conv.tree_weights.1 is missing",
    ),
    "depth claimed": (
        lambda m, a: options(m, 0).update(tree_depth=3),
        r"conv.tree_weights.0 is float32 \[2, 3, 16\]; its layer needs float32 \[4, 3, 16\]",
    ),
    "sizes": (lambda m, a: options(m, 0).update(in_dim=[5]), r"in_dim is \[5\], which is out of"),
    "huge": (lambda m, a: options(m, 0).update(in_dim=[2**30] * 2), "inputs and .* outputs; all"),
    "far padding": (lambda m, a: options(m, 0).update(padding=2**30), "inputs and .* outputs; all"),
    "padding": (lambda m, a: options(m, 0).update(padding=-1), "padding is -1, which is out of"),
    "stride": (lambda m, a: options(m, 0).update(stride=4), "stride 4 for a receptive field of"),
    "window": (lambda m, a: options(m, 0).update(receptive_field_size=[9, 3]), "on an input of"),
    "position": (
        lambda m, a: a.update({"conv.indices": a["conv.indices"] + np.int32(3)}),
        "indices name the position",
    ),
    "window of 0": (lambda m, a: options(m, 1).update(kernel_size=[0, 2]), "kernel_size is"),
    "pool padding": (lambda m, a: options(m, 1).update(padding=[2, 2]), "at most half the window"),
}


def test_convolutions_keep_their_sampling_and_older_files_load(tmp_path):
    path = tmp_path / "m.npz"
    hard = LogicConv2d(5, 2, 3, 2, 3, parametrization_kwargs={"forward_sampling": "hard"})
    save_model(hard, path, input_shape=(2, 5, 5))
    assert load_model(path).parametrization.forward_sampling == "hard"
    manifest, arrays = read_archive(path, "model")
    manifest = copy.deepcopy({key: manifest[key] for key in ("input_shape", "model")})
    del manifest["model"]["options"]["forward_sampling"]
    write_archive(path, "model", manifest, dict(arrays))
    found = load_model(path)
    x = torch.randint(2, (9, 2, 5, 5)).float()
    assert found.parametrization.forward_sampling == "soft"
    assert torch.equal(found.eval()(x), hard.eval()(x))


@pytest.mark.parametrize("name", HOSTILE_CONVOLUTIONS)
def test_hostile_convolutions(tmp_path, name):
    path = tmp_path / "m.npz"
    save_model(convolution(), path, input_shape=(2, 5, 5))
    change, message = HOSTILE_CONVOLUTIONS[name]
    manifest, arrays = read_archive(path, "model")
    manifest, arrays = copy.deepcopy(manifest), dict(arrays)
    change(manifest, arrays)
    manifest = {key: manifest[key] for key in manifest if key not in ("gatewright", "version")}
    write_archive(path, "model", manifest, arrays)
    with pytest.raises(FileError, match=message):
        load_model(path)


def test_missing_truncated_and_other_files(saved, tmp_path):
    whole = saved.read_bytes()
    for content in (b"", b"PK", whole[: len(whole) // 2], whole[:-1]):
        saved.write_bytes(content)
        with pytest.raises(FileError, match="not a Gatewright file, or damaged"):
            load_model(saved)
    with pytest.raises(FileError, match="no such file"):
        load_model(tmp_path / "none.npz")
    write_archive(saved, "circuit", {}, {})
    with pytest.raises(FileError, match="holds a circuit; a model is needed here"):
        load_model(saved)


def test_a_pickle_is_never_read(saved):
    torch.save(sample_model(), saved)
    with pytest.raises(FileError):
        load_model(saved)


def test_a_manifest_nested_without_end(tmp_path):
    text = b'{"gatewright": "model", "version": 1, "model": ' + b"[" * 200000
    np.savez(tmp_path / "m.npz", manifest=np.frombuffer(text, np.uint8))
    with pytest.raises(FileError):
        load_model(tmp_path / "m.npz")


def test_the_manifest_is_plain_json(saved):
    manifest, arrays = read_archive(saved, "model")
    assert json.loads(json.dumps(manifest)) == manifest
    assert set(arrays) == {
        "bits.thresholds", "body.0.weight", "body.0.indices", "last.weight", "last.indices",
    }  # fmt: skip
