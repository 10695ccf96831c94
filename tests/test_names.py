"""Names of inputs, outputs, features and classes: what is taken, kept and refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from circuits import classifier
from format_checks import boolean
from pass_checks import dense

import gatewright as gw
from gatewright.compiler.names import Names
from gatewright.runtime.errors import NetlistError


def test_features_and_classes_are_kept_by_files_and_passes(tmp_path: Path) -> None:
    circuit = classifier()
    features = [f"pixel {i}" for i in range(circuit.encoder.n_features)]
    named = circuit.with_names(features=features).with_names(classes=np.arange(4))
    assert named.names == Names((), (), tuple(features), ("0", "1", "2", "3"))
    assert named.digest() == circuit.digest()
    assert gw.optimize(named).names == named.names
    gw.write(named, tmp_path / "a.npz")
    assert gw.read(tmp_path / "a.npz").names == named.names


@pytest.mark.parametrize("suffix", ["aag", "aig", "bench", "blif"])
def test_bits_without_names_are_numbered(suffix: str, tmp_path: Path) -> None:
    circuit = boolean(dense(2, 3, 1), Names(outputs=("p", "q", "r")))
    path = tmp_path / f"a.{suffix}"
    gw.write(circuit.with_names(features=["f", "g"]), path)
    assert gw.read(path).names == Names(("x0", "x1"), ("p", "q", "r"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"features": ["a"]}, "1 of features; allowed are 2, or none"),
        ({"classes": ["a", "b"]}, "2 of classes; allowed are 0, or none"),
        ({"features": ["a", ""]}, "features: allowed are strings that are not empty"),
        ({"features": ["a", 0.5]}, "features: allowed are strings"),
        ({"features": ["a", "\ud800"]}, "features: .* has no form in UTF-8"),
    ],
)
def test_refused(given: dict, message: str) -> None:
    with pytest.raises(NetlistError, match=message):
        boolean(dense(2, 3, 1)).with_names(**given)
