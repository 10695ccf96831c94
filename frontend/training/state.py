"""Interrupted runs on disk: weights, optimiser, generators and checks in one safe archive."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...runtime.archive import read_archive, write_archive
from ...runtime.errors import FileError
from .history import Check

_KEYS = {"gatewright", "version", "run", "checks", "seconds"}


@dataclass(frozen=True)
class State:
    """A run after its last check.

    checks: so far. seconds: of training so far. tensors: by name, all that the run continues from.
    """

    checks: list[Check]
    seconds: float
    tensors: dict[str, Tensor]


def write_state(path: Path, run: dict[str, Any], state: State) -> None:
    """Write a state; `run` says of which model, data and options, and is compared on reading.

    Raises:
        FileError: the file cannot be written; the former one stays.
    """
    checks = [list(asdict(check).values()) for check in state.checks]
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in state.tensors.items()}
    write_archive(
        path, "training state", {"run": run, "checks": checks, "seconds": state.seconds}, arrays
    )


def read_state(path: Path, run: dict[str, Any]) -> State:
    """Read what `write_state` wrote of the same run.

    Raises:
        FileError: the file is missing, damaged, or of another model, other data or options.
    """
    manifest, arrays = read_archive(path, "training state")
    if set(manifest) != _KEYS or not isinstance(manifest["run"], dict):
        raise FileError(f"{path}: holds {sorted(manifest)}; needed are {sorted(_KEYS)}")
    _check_run(path, manifest["run"], run)
    try:
        checks = [Check(int(s), float(a), float(b), float(c)) for s, a, b, c in manifest["checks"]]
        seconds = float(manifest["seconds"])
    except (TypeError, ValueError) as error:
        raise FileError(f"{path}: damaged: {error}; train from the start") from None
    return State(checks, seconds, {key: torch.from_numpy(a.copy()) for key, a in arrays.items()})


def _check_run(path: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    for key in {**wanted, **found}:
        then, now = found.get(key), wanted.get(key)
        if then == now or (key == "steps" and _may_go_on(found, wanted)):
            continue
        said = "" if key in ("model", "data") else f" {then!r}, now {now!r}"
        raise FileError(
            f"{path}: the state of a run with other {key}{said}; allowed is to resume with "
            f"the same model, data and options{_MORE.get(key, '')}; take another folder for a "
            "new run"
        )


def _may_go_on(run: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether a run can have more steps: no rate and no temperature follows their number."""
    shared = run["schedule"] != "constant" or isinstance(run["temperature"], list | str)
    return wanted["steps"] > run["steps"] and not shared


_MORE = {
    "steps": ", or more steps where schedule is 'constant' and temperature no schedule",
    "check_every": "; name check_every, which follows steps where it is not named",
}


def digest_tensors(*tensors: Tensor) -> str:
    """A digest of shapes, dtypes and values."""
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(f"{tensor.dtype} {list(tensor.shape)}".encode())
        found.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def digest_model(model: nn.Module) -> str:
    """A digest of architecture, wiring and other buffers; weights count only by their shapes."""
    weights = {name for name, _ in model.named_parameters()}
    state = model.state_dict()
    found = hashlib.sha256(repr(model).encode())
    for name, tensor in state.items():
        value = str(list(tensor.shape)) if name in weights else digest_tensors(tensor)
        found.update(f"{name} {value}".encode())
    return found.hexdigest()
