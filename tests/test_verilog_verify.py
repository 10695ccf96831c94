"""`gatewright verify` on a trained convolution whose places take turns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from verilog_checks import needs_verilator

import gatewright as gw
from gatewright.backends.verilog import sequential
from gatewright.cli.main import main
from gatewright.compiler import Circuit


def convolution(x: np.ndarray) -> Circuit:
    """Trained to tell whether the left half of an image is bright; pixels are fractions."""
    pytest.importorskip("torch")
    from torch import nn

    from gatewright.frontend import (
        FixedBinarization,
        GroupSum,
        LogicConv2d,
        LogicDense,
        OrPooling2d,
        fit,
    )

    bright = x[:, 0, :, :3].mean((1, 2)) > 0.5
    model = nn.Sequential(
        FixedBinarization([0.25, 0.75], feature_dim=1),
        LogicConv2d(6, channels=2, num_kernels=16, tree_depth=3, receptive_field_size=3, padding=1),
        OrPooling2d(2, 2),
        nn.Flatten(),
        LogicDense(16 * 9, 64),
        GroupSum(2, tau=4.0),
    )
    fit(model, x, bright.astype(np.int64), steps=20, batch_size=20, lr=0.02)
    return gw.trace(model, (1, 6, 6))


@pytest.mark.simulator
@needs_verilator
def test_places_in_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sequential, "worth", lambda tile, found: True)  # small as it is
    x = np.random.default_rng(0).random((200, 1, 6, 6)).astype(np.float32)
    gw.write(convolution(x), tmp_path / "net.npz")
    np.save(tmp_path / "x.npy", x)
    words = f"verify {tmp_path / 'net.npz'} --data {tmp_path / 'x.npy'} --no-rtl"
    assert main([*words.split(), "--target", "verilator", "--places-per-clock", "2"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["Verilog,", "after", "encoder,", "verilator", "200", "samples", "equal"] in lines
