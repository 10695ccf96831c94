"""`fit`: from data and arguments to a trained model."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from ...runtime.errors import InputError
from ..checks import check_pair
from ..layers.conv import LogicConvNd
from ..layers.dense import LogicDense
from ..layers.fused_pooling import fused_pooling
from ..options import check_choice
from .arguments import check_whole
from .augment import Augment, named
from .batches import Batches
from .folder import RunFolder
from .history import History
from .measure import check_bits, limit_labels, warn_of_spare_scores
from .optimization import Optimization, Temperature
from .plan import Plan
from .processes import Processes, find_device, join
from .progress import Reporter
from .state import digest_model, digest_tensors
from .trainer import Trainer

PRECISIONS = ("float32", "bfloat16")
_TRIED = 256  # samples that show whether logic layers get bits
# Values of a layer, gates times batch. Below, a second thread saves a third of a step on an idle
# machine, and on a busy one the waiting takes ten times as long as the work.
_SMALL = 1 << 19
_MOST_SEED, _MOST_THREADS = 2**63 - 1, 1 << 16


def fit(
    model: nn.Module,
    x: Any,
    y: Any,
    *,
    validation: tuple[Any, Any] | None = None,
    steps: int | None = None,
    epochs: int | None = None,
    batch_size: int = 128,
    lr: float = 0.01,
    schedule: str = "constant",
    warmup: int = 0,
    weight_decay: float = 0.0,
    clip_norm: float | None = None,
    regularizer: str | None = None,
    regularization: float = 0.0,
    rescale: str | None = None,
    temperature: Temperature | None = None,
    precision: str = "float32",
    augment: str | Augment | None = None,
    check_every: int | None = None,
    patience: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    device: str | torch.device | None = None,
    progress: bool = True,
    folder: str | os.PathLike[str] | None = None,
    resume: bool = False,
    tensorboard: bool = False,
) -> History:
    """Train a classifier with Adam on cross-entropy; keep the best discrete weights.

    The same seed, data, model and thread count give the same weights, bit for bit, and so does a
    run that was interrupted and resumed.

    Under `torchrun`, every process calls this with the same arguments and all of the data. Each
    computes its share of every batch, gradients are averaged, and all end with the same weights;
    process 0 alone prints and writes. They sum through gloo on CPUs and nccl on CUDA devices.

    Args:
        model: scores [n, classes] of samples; it is left in evaluation mode, with the weights whose
            discrete accuracy was best at a check, of equals the one with the lower relaxed error.
        x: [n, ...], numpy or torch. y: integers [n].
        validation: (x, y) to check on; the training data itself, at most 4096 samples, if None.
        steps: batches to train on. epochs: the same in passes over the data. Give one of the two.
        batch_size: samples a step; the last batch of a pass is dropped unless it is the only one.
        lr: learning rate at the start.
        schedule: "constant", or "cosine" falling to 0.
        warmup: steps in which the learning rate rises to `lr`.
        weight_decay: of AdamW, which takes Adam's place where this is above 0 (arXiv:1711.05101).
        clip_norm: norm that the gradients of a step are scaled down to where theirs is larger.
        regularizer, regularization: penalty that layers have in `get_regularization_loss`, and its
            weight in the loss; it is averaged over a layer's gates and summed over layers.
        rescale: what layers do in `rescale_weights` after each step.
        temperature: of all gates: a number, (schedule, start, end) with a name of
            `gatewright.frontend.gates.schedules`, or a function of the share of training done,
            0 to 1.
        precision: "float32", or on CUDA devices "bfloat16", PyTorch's automatic mixed precision for
            layers such as Linear; gates compute in the dtype of their weights.
        augment: "shift", or a function (batch, torch.Generator) -> batch; training data only.
        check_every: steps between checks; if None, a pass over the data where epochs are given,
            and a twentieth of the run where steps are.
        patience: stop after so many checks in which neither accuracy rose.
        seed: of batches, augmentation and random modules; the global generator is left alone.
        threads: torch's threads meanwhile; if None, one for dense layers so small that threads
            would wait for each other, and for other networks as many as torch has.
        device: "cpu" or "cuda", where the model is moved and left; where it is if None. Data is
            moved batch by batch. Training takes place under `fused_pooling`.
        progress: show a bar with loss and accuracies (needs rich).
        folder: where `model.npz`, the best model so far, `log.csv`, `curve.svg` and `state.npz` are
            written at every check; made if needed.
        resume: continue the run in `folder` after its last check; a new one if there is none yet.
            `steps` or `epochs` may be more than they were, unless rate or temperature follow them.
        tensorboard: write event files into `folder` (needs tensorboard).

    Raises:
        InputError: unusable data or options, a folder that holds a run that is not resumed, or the
            loss is no longer a number.
        FileError: a file cannot be written, or the state is damaged or of another run.
        ExtraMissing: progress without rich, or tensorboard without tensorboard.
    """
    how = Optimization(
        lr, schedule, warmup, weight_decay, clip_norm,
        regularizer, regularization, rescale, temperature,
    )  # fmt: skip
    samples, labels = check_pair(x, y, "training")
    held = _part(samples, labels) if validation is None else _held(validation)
    plan = Plan.of(len(samples), batch_size, steps, epochs, check_every, patience)
    processes = join(find_device(model, device))
    _check_options(processes, precision, min(batch_size, len(samples)))
    if folder is None and (resume or tensorboard):
        raise InputError("fit: resume and tensorboard need folder= (--folder), where the files are")
    if folder is not None and not isinstance(folder, str | os.PathLike):
        raise InputError(f"fit: folder {folder!r}; allowed is a path")
    seed = check_whole("seed", seed, 0, _MOST_SEED)
    model.to(processes.device)
    for some, marks in ((samples, labels), held):
        limit_labels(model, some, marks)
    warn_of_spare_scores(model, samples, labels)
    check_bits(model, samples[:_TRIED])
    processes.spread(model)
    batches = Batches(samples, labels, batch_size, named(augment), seed)
    trainer = Trainer(model, batches, held, plan, how, processes, precision == "bfloat16")
    options = {"batch_size": batch_size, "augment": augment, "seed": seed, "precision": precision}
    with (
        _generators(processes.device, seed),
        _threads(model, batch_size, threads),
        fused_pooling(model),
        Reporter(plan.steps, progress and processes.rank == 0) as report,
    ):
        if folder is None and processes.size == 1:
            return trainer.run(report)
        run = _identity(trainer, (samples, labels, *held), options)
        disk = None
        if folder is not None:
            disk = RunFolder(folder, run, samples.shape[1:], plan.per_epoch, tensorboard)
            disk.find(trainer, resume)
        processes.agree(f"{run} {trainer.step}")
        report.begin(trainer.checks)
        return trainer.run(report, disk if processes.rank == 0 else None)


def _identity(
    trainer: Trainer, data: tuple[Tensor, ...], options: dict[str, Any]
) -> dict[str, Any]:
    """What a run must share with the one it resumes."""
    options = {**options, **asdict(trainer.how), **asdict(trainer.plan)}
    return {
        "model": digest_model(trainer.model),
        "data": digest_tensors(*data),
        "device": trainer.processes.device.type,
        "processes": trainer.processes.size,
        **{key: _plain(value) for key, value in options.items()},
    }


def _plain(value: Any) -> Any:
    """As JSON has it; a function or other callable by its name."""
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    if callable(value):
        return getattr(value, "__qualname__", type(value).__qualname__)
    return value.item() if hasattr(value, "item") else value


def _check_options(processes: Processes, precision: str, batch_size: int) -> None:
    check_choice("fit", "precision", precision, PRECISIONS)
    if precision == "bfloat16" and processes.device.type != "cuda":
        raise InputError(
            f"fit: precision 'bfloat16' on {processes.device.type}; allowed there is 'float32', "
            "mixed precision is for CUDA devices"
        )
    if batch_size < processes.size:
        raise InputError(
            f"fit: batches of {batch_size} samples for {processes.size} processes; "
            "allowed is one sample or more for each"
        )


@contextmanager
def _generators(device: torch.device, seed: int) -> Iterator[None]:
    """Torch's global generators, seeded meanwhile and restored afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


@contextmanager
def _threads(model: nn.Module, batch_size: int, threads: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    if threads is None:
        threads = 1 if _is_small(model, batch_size) else before
    torch.set_num_threads(check_whole("threads", threads, 1, _MOST_THREADS))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _is_small(model: nn.Module, batch_size: int) -> bool:
    layers = [m for m in model.modules() if isinstance(m, LogicDense)]
    if not layers or any(isinstance(m, LogicConvNd) for m in model.modules()):
        return False
    return max(layer.out_dim for layer in layers) * batch_size <= _SMALL


def _held(validation: Any) -> tuple[Tensor, Tensor]:
    if not isinstance(validation, tuple | list) or len(validation) != 2:
        raise InputError(
            f"fit: validation of {type(validation).__name__}; allowed is a pair (x, y) of samples "
            "and labels, or None"
        )
    x, y = validation
    return check_pair(x, y, "validation")


def _part(samples: Tensor, labels: Tensor, most: int = 4096) -> tuple[Tensor, Tensor]:
    return samples[:most], labels[:most]
