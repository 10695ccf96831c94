"""The examples say what the recipes do."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

from gatewright.frontend import Recipe, load_dataset, recipe
from gatewright.frontend.training.configuration import read_configuration

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_digits_example_is_the_digits_recipe():
    spec = importlib.util.spec_from_file_location("digits", EXAMPLES / "digits.py")
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    found = recipe("digits")
    built = found.build(load_dataset("digits"))
    assert repr(example.network()) == repr(built)
    assert torch.equal(example.network()[1].thresholds, built[1].thresholds)
    assert {**example.TRAINING, "validation": 0.0} == found.training


@pytest.mark.parametrize("name", ["digits", "mnist"])
def test_configurations_are_sound(name):
    pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")
    tables = read_configuration(EXAMPLES / f"{name}.toml")
    assert tables["data"] == {"name": name}
    found = Recipe(tables["model"], tables["train"])
    pixels = load_dataset("digits")
    assert found.build(pixels)(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    assert found.training["folder"] == f"out/{name}"
