"""The source of torchlogix where it is installed, with our names in its import lines.

Its package is found without importing it, in the folder that GATEWRIGHT_PEERS names, as package or
as a clone, or else where Python would import it from. Its repository, with README and examples, is
looked for in that folder only.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

NAMED = os.environ.get("GATEWRIGHT_PEERS", "")
MISSING = "torchlogix is not installed; name a folder that holds it in GATEWRIGHT_PEERS"
HOME = "gatewright.frontend.compat.torchlogix"

# Which of torchlogix's modules is replaced by which of ours. In its own files they are relative.
IMPORTS = {
    "torchlogix.layers": HOME,
    "torchlogix.layers.binarization": HOME,
    "torchlogix.modules": HOME,
    "torchlogix.utils": HOME,
    "layers": HOME,
    "layers.binarization": HOME,
}


def _below(*patterns: str) -> Path | None:
    """The first folder below the named one that fits a pattern."""
    found = [path for pattern in patterns for path in sorted(Path(NAMED).glob(pattern))]
    return found[0] if NAMED and found else None


@cache
def package() -> Path | None:
    """The folder of the package, or None."""
    named = _below("torchlogix/models", "*torchlogix/src/torchlogix/models")
    if named:
        return named.parent
    spec = importlib.util.find_spec("torchlogix")
    return Path(spec.origin).parent if spec and spec.origin else None


@cache
def repository() -> Path | None:
    """The folder of the repository, or None."""
    notebook = "*torchlogix/examples/mnist_example.ipynb"
    found = _below(notebook, f"*/{notebook}")
    return found.parent.parent if found else None


class _Imports(ast.NodeTransformer):
    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        if (node.module or "").startswith("torchlogix") or node.level:
            node.module, node.level = IMPORTS[node.module or ""], 0
        return node


def run(source: str, names: dict[str, Any], where: str) -> dict[str, Any]:
    """Execute source, its import lines replaced, with and into `names`."""
    names.setdefault("__name__", "dropin")
    exec(compile(_Imports().visit(ast.parse(source)), where, "exec"), names)
    return names


@cache
def zoo() -> dict[str, tuple[type[nn.Module], dict[str, Any]]]:
    """The classes of `torchlogix.models` by name, each with the names of its module."""
    found: dict[str, tuple[type[nn.Module], dict[str, Any]]] = {}
    folder = package()
    for name in ("conv", "dense", "nn") if folder else ():
        path = folder / "models" / f"{name}.py"
        names = run(path.read_text(), {"__name__": f"dropin.{name}"}, str(path))
        own = {k: v for k, v in names.items() if getattr(v, "__module__", "") == f"dropin.{name}"}
        found.update({key: (value, names) for key, value in own.items()})
    return found


def arguments(name: str, kind: type[nn.Module]) -> dict[str, Any]:
    """What torchlogix's trainer passes to a class of its zoo."""
    if name == "CNN":
        return {"class_count": 10, "tau": 1.0}
    if name == "RandomlyConnectedNN":
        return {"in_dim": 784, "k": 1000, "layers": 3, "class_count": 10, "tau": 1.0}
    rank = int(re.search(r"Rank(\d)", name + "Rank2")[1])
    bits = getattr(kind, "n_input_bits", None) or 2
    return {
        "thresholds": torch.linspace(0, 1, bits + 2)[1:-1],
        "binarization": "learnable",
        "binarization_kwargs": {
            "one_per": "global",
            "temperature_sampling": 0.001,
            "temperature_softplus": 0.01,
            "forward_sampling": "soft",
        },
        "connections": "fixed",
        "connections_kwargs": {"init_method": "random", "temperature": 0.001, "gumbel": True},
        "parametrization": "raw" if rank == 2 else "warp",
        "parametrization_kwargs": {
            "temperature": 1.0,
            "forward_sampling": "soft",
            "weight_init": "residual",
            "residual_probability": 0.951,
        },
        "device": "cpu",
        "lut_rank": rank,
    }


def sample_shape(name: str) -> tuple[int, ...]:
    """The shape of one sample of a class of the zoo."""
    if name == "RandomlyConnectedNN":
        return (784,)
    return (16,) if "Jsc" in name else (3, 32, 32) if "Cifar" in name else (1, 28, 28)


class _Counted(nn.Module):
    """Stands for a dense layer, to know what a model would hold before it is built."""

    weights = 0

    def __init__(self, in_dim: int, out_dim: int, **options: Any) -> None:
        super().__init__()
        rank = options.get("lut_rank", 2)
        learned = in_dim * rank if options.get("connections") == "learnable" else 0
        self.out_dim = out_dim
        self.weights = out_dim * (learned + max(16, 2**rank))


def outline(name: str) -> tuple[int, bool]:
    """How many numbers a class's dense layers hold, and whether its groups are equally large.

    Raises:
        TypeError, AssertionError: torchlogix's class is a base of others, and not to be built.
    """
    kind, names = zoo()[name]
    kept = names["LogicDense"]
    names["LogicDense"] = _Counted
    try:
        model = kind(**arguments(name, kind))
    finally:
        names["LogicDense"] = kept
    layers = list(model.modules())
    dense = [layer for layer in layers if isinstance(layer, _Counted)]
    return sum(layer.weights for layer in dense), dense[-1].out_dim % layers[-1].k == 0
