"""Checkpoints of other libraries, loaded into models built here."""

import pytest

pytest.importorskip("torch")

import torch
from peer_stand_ins import cases
from torch import nn

from gatewright.frontend import (
    FixedBinarization,
    GroupSum,
    LearnableBinarization,
    LogicConv2d,
    LogicConvTranspose2d,
    LogicDense,
    ResidualLogicBlock,
)
from gatewright.frontend.compat import ConvLogicLayer, LogicLayer, PoolLogicLayer, TreeLogicLayer
from gatewright.frontend.importing import convert, load_peer_state
from gatewright.runtime.errors import FileError, InputError

TORCHLOGIX, CONVLOGIC = cases("torchlogix"), cases("convlogic")
WARP = {"parametrization": "warp", "lut_rank": 4}
LEARNED = {"connections": "learnable"}


def conv(**options):
    return LogicConv2d((5, 4), 2, 3, tree_depth=2, receptive_field_size=3, **options)


def model():
    first = FixedBinarization([0.0, 0.0])
    return nn.Sequential(
        first, nn.Flatten(), LogicDense(8, 12), LogicDense(12, 12), GroupSum(3, 2.0)
    )


BUILT = {
    "dense-raw-2": lambda: LogicDense(9, 9),
    "dense-warp-4": lambda: LogicDense(9, 9, **WARP),
    "learnable2": lambda: LogicDense(6, 8, **LEARNED, connections_kwargs={"num_candidates": 2}),
    "learnable-1": lambda: LogicDense(6, 8, **LEARNED),
    "conv2d-raw": lambda: conv(stride=2, padding=1),
    "conv2d-warp": lambda: conv(**WARP),
    "transposed2d": lambda: LogicConvTranspose2d(
        3, 2, 2, 2, 3, stride=2, padding=1, output_padding=1
    ),
    "fixed": lambda: FixedBinarization([[0.0] * 3] * 2, feature_dim=1),
    "learnable": lambda: LearnableBinarization([[0.0] * 3] * 2, feature_dim=1),
    "block": lambda: ResidualLogicBlock(4, 2, 2, 2),
    "model": model,
    "wrapped": lambda: nn.Sequential(
        nn.Flatten(), LogicDense(8, 12), LogicDense(12, 12), GroupSum(3, 2.0)
    ),
}


@pytest.mark.parametrize("name", BUILT)
def test_torchlogix(name):
    case, built = TORCHLOGIX[name], BUILT[name]().eval()
    assert load_peer_state(built, case.module().state_dict()) is built
    with torch.no_grad():
        assert torch.equal(built(case.x).double(), case.discrete.double())


def whole():
    return nn.Sequential(
        ConvLogicLayer(2, 4, complete=True, groups=2),
        nn.Flatten(),
        LogicLayer(16, 12, device="cpu"),
        GroupSum(3, 2.0),
    )


def parts():
    return nn.Sequential(
        ConvLogicLayer(2, 3, padding=0, kernel=2),
        TreeLogicLayer(3, 4),
        TreeLogicLayer(3, 2),
        PoolLogicLayer(),
    )


@pytest.mark.parametrize(("name", "make"), [("convlogic", whole), ("convlogic-parts", parts)])
def test_convlogic_from_a_file(name, make, tmp_path):
    case, built = CONVLOGIC[name], make().eval()
    state = {f"model.network.{key}": value for key, value in case.module().state_dict().items()}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "last.ckpt")
    load_peer_state(built, tmp_path / "last.ckpt")
    with torch.no_grad():
        assert torch.equal(built(case.x).double(), case.discrete.double())


def test_what_torchlogix_adds_for_export_is_left_out():
    case, built = TORCHLOGIX["dense-raw-2"], LogicDense(9, 9).eval()
    load_peer_state(built, {**case.module().state_dict(), "_export_lut_ids": torch.zeros(9)})
    assert torch.equal(built(case.x), case.discrete)


def test_difflogic_has_no_wiring_in_its_checkpoints():
    state = {"1.weights": torch.zeros(14, 16), "2.weights": torch.zeros(12, 16)}
    built = nn.Sequential(LogicDense(8, 14), LogicDense(14, 12))
    before = built[0].weight.detach().clone()
    with pytest.raises(
        InputError, match=r"1, for 0, .*without the wiring.*convert the live module"
    ):
        load_peer_state(built, state)
    assert torch.equal(built[0].weight, before)


def test_a_late_error_changes_nothing():
    built = nn.Sequential(LogicDense(8, 12), LogicDense(12, 11))
    before = {key: value.clone() for key, value in built.state_dict().items()}
    with pytest.raises(InputError, match=r"model.2, for 1, a LogicDense: .*\[2, 12\].* \[2, 11\]"):
        load_peer_state(built, TORCHLOGIX["wrapped"].module().state_dict())
    assert all(torch.equal(before[key], value) for key, value in built.state_dict().items())


@pytest.mark.parametrize(
    ("built", "name", "message"),
    [
        (LogicDense(9, 9), "model", r"3 layers \(0, 2, 3\) for a model with 1 "),
        (LogicDense(9, 9), "fixed", "holds thresholds; needed are connections.indices, weight"),
        (
            LogicDense(9, 9, **WARP),
            "dense-raw-2",
            r"indices of shape \[2, 9\]; allowed is \[4, 9\]",
        ),
        (LogicDense(5, 9), "dense-raw-2", "indices from 0 to 8; allowed are 0 to 4"),
        (
            LogicDense(6, 8),
            "learnable2",
            "its wiring is learned; build the layer with connections=",
        ),
        (LogicDense(6, 8, **LEARNED), "learnable2", "candidates that are not all features"),
        (
            LogicDense(9, 9, **LEARNED),
            "dense-raw-2",
            "needed are connections.indices, connections.w",
        ),
        (conv(padding=1), "conv2d-raw", r"connections of shape .*; needed is \[2, 3, 20, gates"),
        (
            conv(stride=2, padding=1, **LEARNED),
            "conv2d-raw",
            "learnable connections; torchlogix has",
        ),
        (FixedBinarization([0.0]), "fixed", r"numbers of shape \[2, 3\]; needed is \[1\]"),
        (TreeLogicLayer(3, 4), "fixed", "holds thresholds; needed are weights"),
    ],
)
def test_what_does_not_fit(built, name, message):
    with pytest.raises(InputError, match=message):
        load_peer_state(built, TORCHLOGIX[name].module().state_dict())


def test_candidates_out_of_range():
    built = LogicDense(6, 8, **LEARNED, connections_kwargs={"num_candidates": 2})
    state = TORCHLOGIX["learnable2"].module().state_dict()
    state["connections.indices"][0, 0, 0] = 6
    with pytest.raises(InputError, match="candidates 0 to 6; allowed are 0 to 5"):
        load_peer_state(built, state)
    state = TORCHLOGIX["learnable-1"].module().state_dict()
    state["connections.indices"] = state["connections.indices"].flip(0)
    with pytest.raises(InputError, match="candidates that are not all features in order"):
        load_peer_state(LogicDense(6, 8, **LEARNED), state)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("_indices_L0", lambda found: found[..., 1:], r"needed is \[2, 3, \d+, gates, 3\]"),
        ("_indices_L1", lambda found: found[:1], "trees whose gates do not read neighbours"),
    ],
)
def test_wiring_of_other_dimensions_or_ranks(name, change, message):
    state = TORCHLOGIX["conv2d-raw"].module().state_dict()
    state[f"connections.{name}"] = change(state[f"connections.{name}"])
    with pytest.raises(InputError, match=message):
        load_peer_state(conv(stride=2, padding=1), state)


def test_positions_out_of_range():
    state = TORCHLOGIX["conv2d-raw"].module().state_dict()
    state["connections._indices_L0"][..., -1] += 2
    with pytest.raises(InputError, match=r"outside of the receptive field; .* below \[3, 3, 2\]"):
        load_peer_state(conv(stride=2, padding=1), state)


@pytest.mark.parametrize(
    "entry",
    [
        {"0.bias": torch.zeros(3)},
        {"epoch": 3},
        {3: torch.zeros(3)},
        {"0.weight": "text"},
        {"0.weight": torch.zeros(3, 3).to_sparse()},
        {"0.weight": torch.zeros(3, dtype=torch.complex64)},
        {"state_dict": 3},
    ],
)
def test_foreign_entries(entry):
    state = TORCHLOGIX["dense-raw-2"].module().state_dict()
    with pytest.raises(InputError, match="belongs to no layer of gates"):
        load_peer_state(LogicDense(9, 9), {**state, **entry})


class Harmful:
    def __reduce__(self):
        return print, ("unpickled",)


def test_files(tmp_path, capsys):
    built, path = LogicDense(9, 9), tmp_path / "model.pt"
    with pytest.raises(FileError, match=r"model\.pt: no such file"):
        load_peer_state(built, path)
    for content in (b"", b"hello", b"PK\x03\x04"):
        path.write_bytes(content)
        with pytest.raises(FileError, match="not a checkpoint of tensors alone, or damaged"):
            load_peer_state(built, path)
    torch.save({"weight": Harmful()}, path)
    with pytest.raises(FileError, match=r"save torch\.save\(model\.state_dict\(\), path\)"):
        load_peer_state(built, path)
    assert "unpickled" not in capsys.readouterr().out
    torch.save(torch.zeros(3), path)
    with pytest.raises(FileError, match="holds a Tensor; needed is a state_dict"):
        load_peer_state(built, path)


def test_a_converted_model_can_be_loaded_again():
    case = TORCHLOGIX["wrapped"]
    made = convert(case.module())
    with torch.no_grad():
        made[1].weight.normal_()
    load_peer_state(made, case.module().state_dict())
    assert torch.equal(made(case.x), case.discrete)
