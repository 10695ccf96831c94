"""Stand-ins for modules of other libraries, made from `fixtures`.

They hold what the real ones hold, under the same names, and look the same to `convert`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

FIXTURES = Path(__file__).parent / "fixtures"


class Case:
    """One module of a library, samples `x`, and what it answers in evaluation and training mode."""

    def __init__(self, entry: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.name: str = entry["name"]
        self._arrays = arrays
        self._entry = entry
        self.x, self.discrete, self.relaxed = map(
            self._tensor, (entry["x"], entry["discrete"], entry["relaxed"])
        )

    def module(self) -> Any:
        """A fresh stand-in, in evaluation mode."""
        return self._module(self._entry["module"]).eval()

    def _tensor(self, found: list[str]) -> torch.Tensor:
        key, dtype = found
        return torch.from_numpy(self._arrays[key].astype(dtype))

    def _module(self, entry: dict[str, Any]) -> nn.Module:
        found = _class(*entry["class"], entry["sequential"])()
        for name, value in entry["attributes"].items():
            setattr(found, name, value)
        for name, key in entry["parameters"].items():
            found.register_parameter(name, nn.Parameter(self._tensor(key)))
        for name, key in entry["buffers"].items():
            found.register_buffer(name, self._tensor(key))
        if parts := entry.get("indices"):  # names of buffers, or tensors of their own
            found.indices = [
                getattr(found, part) if isinstance(part, str) else self._tensor(part)
                for part in parts
            ]
        for name, child in entry["children"].items():
            setattr(found, name, self._module(child))
        return found


def _class(module: str, name: str, sequential: bool) -> type[nn.Module]:
    if module.startswith("torch."):
        return getattr(nn, name)
    return type(name, (nn.Sequential if sequential else nn.Module,), {"__module__": module})


def cases(library: str) -> dict[str, Case]:
    """The cases of a library by name."""
    with np.load(FIXTURES / f"{library}.npz") as file:
        arrays = dict(file)
    entries = json.loads((FIXTURES / f"{library}.json").read_text())
    return {entry["name"]: Case(entry, arrays) for entry in entries}
