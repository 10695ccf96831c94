"""The examples say what the recipes do."""

import importlib.util
from pathlib import Path

import torch

from gatewright.frontend import load_dataset, recipe

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
    assert {key: getattr(found, key) for key in example.TRAINING} == example.TRAINING
