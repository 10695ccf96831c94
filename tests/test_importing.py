"""Models of other libraries: what they become, and that it answers alike."""

import copy
import threading

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from peer_stand_ins import cases
from torch import nn

import gatewright as gw
from gatewright.frontend import (
    GroupSum,
    LogicConv2d,
    LogicDense,
    OrPooling2d,
    fit,
    load_model,
    save_model,
)
from gatewright.frontend.compat import ConvLogicLayer, PoolLogicLayer, TreeLogicLayer
from gatewright.frontend.importing import convert
from gatewright.runtime.errors import InputError, TraceError

CASES = {
    f"{library}/{name}": case
    for library in ("torchlogix", "difflogic", "convlogic")
    for name, case in cases(library).items()
}
each = pytest.mark.parametrize("name", CASES)
TORCHLOGIX = {name.partition("/")[2]: case for name, case in CASES.items() if "torchl" in name}


@each
def test_answers_are_equal(name):
    case = CASES[name]
    made = convert(case.module())
    with torch.no_grad():
        assert torch.equal(made(case.x).double(), case.discrete.double())
        relaxed = made.train()(case.x)
    assert torch.allclose(relaxed.double(), case.relaxed.double(), atol=2e-6)


@each
def test_nothing_of_the_library_is_left(name):
    made = convert(CASES[name].module())
    for part in made.modules():
        assert type(part).__module__.split(".")[0] in ("torch", "gatewright")
    assert not made.training


@pytest.mark.parametrize("name", [name for name in CASES if "dummy" not in name])  # it has no bits
def test_circuits_answer_alike(name):
    case = CASES[name]
    shape = tuple(case.x.shape[1:])
    circuit = gw.trace(case.module(), input_shape=shape)  # converts on the fly
    assert circuit.digest() == gw.trace(convert(case.module()), input_shape=shape).digest()
    found = circuit.scores(case.x.numpy()) if circuit.decoder else circuit.bits(case.x.numpy())
    wanted = case.discrete.flatten(1).double().numpy()
    assert np.array_equal(found.astype(float), wanted)


@each
def test_model_files_hold_them(name, tmp_path):
    case = CASES[name]
    made = convert(case.module())
    save_model(made, tmp_path / "m.npz", input_shape=tuple(case.x.shape[1:]))
    with torch.no_grad():
        assert torch.equal(load_model(tmp_path / "m.npz")(case.x), made(case.x))


@pytest.mark.parametrize("name", ["torchlogix/model", "difflogic/difflogic", "convlogic/convlogic"])
def test_they_train(name):
    case = CASES[name]
    made = convert(case.module())
    before = copy.deepcopy(made.state_dict())
    fit(made, case.x, torch.arange(len(case.x)) % 3, steps=2, batch_size=4, progress=False)
    after = made.state_dict()
    assert any(not torch.equal(before[key], after[key]) for key in before)


def test_circuits_round_as_difflogic_does():
    module = CASES["difflogic/difflogic"].module()
    x = torch.rand(200, 2, 4)
    x[:, 0, 0] = 0.5  # torch rounds halves to even
    with torch.no_grad():
        wanted = convert(module)(x.round())
    assert np.array_equal(gw.trace(module, input_shape=(2, 4)).scores(x.numpy()), wanted.numpy())


def test_the_original_and_the_generator_are_left_alone():
    module = CASES["difflogic/difflogic"].module()
    weight = module[1].weights.detach().clone()
    state = torch.get_rng_state()
    made = convert(module.train())
    assert torch.equal(torch.get_rng_state(), state)
    assert made.training
    with torch.no_grad():
        made[1].weight.zero_()
    assert torch.equal(module[1].weights, weight)


def test_kinds():
    made = convert(CASES["convlogic/convlogic"].module())
    assert [type(part) for part in made] == [ConvLogicLayer, nn.Flatten, LogicDense, GroupSum]
    made = convert(CASES["convlogic/convlogic-parts"].module())
    assert [type(part) for part in made][1:] == [TreeLogicLayer, TreeLogicLayer, PoolLogicLayer]
    assert type(convert(TORCHLOGIX["conv2d-raw"].module())) is LogicConv2d
    assert type(convert(TORCHLOGIX["pool2d"].module())) is OrPooling2d
    learned = convert(TORCHLOGIX["learnable2"].module()).connections
    assert (learned.num_candidates, learned.every) == (2, False)
    assert convert(TORCHLOGIX["learnable-1"].module()).connections.every


def test_options_are_kept():
    made = convert(TORCHLOGIX["dense-warp-4"].module())
    mixture = made.parametrization
    assert (mixture.temperature, mixture.weight_init, made.lut_rank) == (0.7, "random", 4)
    layers = [
        p for p in convert(CASES["difflogic/difflogic"].module()) if isinstance(p, LogicDense)
    ]
    assert [layer.grad_factor for layer in layers] == [2.0, 1.0]


class Twice(nn.Module):
    """A module of the user's own around a layer that it holds twice."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.again = layer, [layer]
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return self.again[0](self.layer(x))


def test_containers_keep_their_forward():
    layer = TORCHLOGIX["dense-raw-2"].module()
    made = convert(Twice(layer))
    assert isinstance(made, Twice)
    assert made.layer is made.again[0]
    assert isinstance(made.layer, LogicDense)
    own = convert(layer)
    x = TORCHLOGIX["dense-raw-2"].x
    assert torch.equal(made(x), own(own(x)))
    assert gw.trace(Twice(layer), input_shape=(9,)).netlist.n_inputs == 9


def wrapper(name, attribute):
    """A class of convlogic whose forward is that of one child."""

    def __init__(self, child):
        nn.Module.__init__(self)
        setattr(self, attribute, child)
        self.criterion = nn.CrossEntropyLoss()

    body = {"__module__": "convlogic.model", "__init__": __init__}
    return type(name, (nn.Module,), {**body, "forward": lambda s, x: getattr(s, attribute)(x)})


def test_wrappers_become_what_they_hold():
    case = CASES["convlogic/convlogic"]
    inner = wrapper("ConvLogicMnistModel", "network")(case.module())
    made = convert(wrapper("ConvLogicModel", "model")(inner).eval())
    assert type(made) is nn.Sequential
    assert torch.equal(made(case.x).double(), case.discrete.double())


def test_thresholds_that_float32_does_not_hold():
    layer = TORCHLOGIX["fixed"].module()
    exact = torch.tensor([[0.1, 0.3]], dtype=torch.float64)  # above and below the nearest float32
    layer.thresholds = exact
    made = convert(layer)
    near = exact.float()
    x = torch.cat([near, near.nextafter(near + 1), near.nextafter(near - 1)]).reshape(6, 1, 1, 1)
    wanted = (x.double() > exact.view(1, 2, 1, 1)).float()
    assert torch.equal(made(x), wanted)


def test_what_cannot_be_copied():
    module = Twice(TORCHLOGIX["dense-raw-2"].module())
    module.lock = threading.Lock()
    with pytest.raises(InputError, match=r"Twice cannot be copied: .*lock.*; allowed is a module"):
        convert(module)


def test_nothing_to_convert():
    with pytest.raises(InputError, match=r"no layer of convlogic, difflogic, torchlogix in Linear"):
        convert(nn.Linear(2, 2))
    with pytest.raises(InputError, match="models of this library need no conversion"):
        convert(nn.Sequential(ConvLogicLayer(1, 2), LogicDense(2, 2)))


def changed(name, **values):
    """A stand-in with some attributes set, by dotted path."""
    module = TORCHLOGIX[name].module()
    for path, value in values.items():
        *way, last = path.split("__")
        part = module
        for step in way:
            part = getattr(part, step)
        delattr(part, last) if value is None else setattr(part, last, value)
    return module


def test_messages():
    class LearnedParametrization(nn.Module):
        pass

    layer = changed("dense-raw-2", parametrization=LearnedParametrization())
    with pytest.raises(InputError, match=r"layer 1, LogicDense of torchlogix: parametrization Lea"):
        convert(nn.Sequential(nn.Flatten(), layer))
    linear = nn.Linear(1, 1)
    linear.indices = torch.zeros(2, 9)
    with pytest.raises(InputError, match=r"connections Linear; allowed are Fixed.* and Learnable"):
        convert(changed("dense-raw-2", connections=linear))
    with pytest.raises(InputError, match="no attribute 'grad_factor'; is it another version"):
        convert(changed("dense-raw-2", grad_factor=None))
    with pytest.raises(InputError, match="indices from 0 to 8; allowed are 0 to 7"):
        convert(changed("dense-raw-2", in_dim=8))
    with pytest.raises(InputError, match=r"weight is \[9, 15\]; needed is a tensor \[9, 16\]"):
        convert(changed("dense-raw-2", weight=nn.Parameter(torch.zeros(9, 15))))
    with pytest.raises(InputError, match="no thresholds"):
        convert(changed("fixed", _buffers={"thresholds": None}))


def test_wiring_that_is_no_convolution():
    def convolution(level, change):
        layer = TORCHLOGIX["conv2d-raw"].module()
        change(layer.connections.indices[level])
        return layer

    def move(indices):
        indices[0, 0, 1, 0, 0] += 1

    with pytest.raises(InputError, match="connections that differ from place to place"):
        convert(convolution(0, move))
    with pytest.raises(InputError, match="trees whose gates do not read neighbours"):
        convert(convolution(1, lambda indices: indices.copy_(indices.flip(0))))
    layer = changed("conv2d-raw", kernel_positions=[2, 2])
    with pytest.raises(InputError, match=r"connections of shape .*; needed is \[2, 3, 4, gates"):
        convert(layer)


def test_a_subclass_with_a_forward_of_its_own():
    layer = TORCHLOGIX["dense-raw-2"].module()
    kept = type("Renamed", (type(layer),), {"__module__": "mine"})
    layer.__class__ = kept
    assert isinstance(convert(layer), LogicDense)
    layer.__class__ = type("Other", (kept,), {"__module__": "mine", "forward": lambda self, x: x})
    with pytest.raises(InputError, match="Other has a forward of its own"):
        convert(layer)
    with pytest.raises(TraceError, match="trace: convert: layer Other, LogicDense of torchlogix"):
        gw.trace(layer, input_shape=(9,))


def test_a_shortcut_that_is_not_the_input():
    layer = TORCHLOGIX["block"].module()
    layer.shortcut = nn.Flatten()
    with pytest.raises(InputError, match="a block whose shortcut is not the input"):
        convert(layer)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TreeLogicLayer(2, 3), "input_bits 3; allowed are even numbers"),
        (lambda: TreeLogicLayer(0, 2), "channels 0; allowed are integers from 1"),
        (
            lambda: TreeLogicLayer(2, 4)(torch.ones(1, 2, 3, 3)),
            r"allowed is \[n, 2, height, width, 4",
        ),
        (lambda: PoolLogicLayer(return_indices=True), "return_indices=1; allowed is 0"),
    ],
)
def test_trees_and_pooling(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_residual_start_of_trees():
    layer = TreeLogicLayer(3, 4, residual_init=True).eval()
    x = torch.randint(0, 2, (5, 3, 2, 2, 4)).float()
    assert layer.weights.shape == (3, 2, 16)
    assert torch.equal(layer(x), x[..., ::2])
