"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..runtime.errors import InputError
from .augment import Augment, named
from .checks import check_pair
from .dense import LogicDense
from .measure import accuracy, limit_labels
from .progress import Reporter

SCHEDULES = ("constant", "cosine")
# Values of a layer, gates times batch. Below, a second thread saves a third of a step on an idle
# machine, and on a busy one the waiting takes ten times as long as the work.
_SMALL = 1 << 19


@dataclass(frozen=True)
class Check:
    """One look at a model: steps so far, mean loss since the last look, accuracies 0 to 1."""

    step: int
    loss: float
    relaxed: float
    discrete: float

    @property
    def gap(self) -> float:
        """Relaxed minus discrete accuracy."""
        return self.relaxed - self.discrete


@dataclass(frozen=True)
class History:
    """What `fit` saw: the checks in order, the one whose weights were kept, and seconds taken."""

    checks: tuple[Check, ...]
    best: Check
    seconds: float


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
    augment: str | Augment | None = None,
    check_every: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    progress: bool = True,
) -> History:
    """Train a classifier with Adam on cross-entropy; keep the best discrete weights.

    The same seed, data, model and thread count give the same weights, bit for bit.

    Args:
        model: scores [n, classes] of samples; it is left in evaluation mode, with the weights whose
            discrete accuracy was best at a check, of equals the one with the lower relaxed error.
        x: [n, ...], numpy or torch. y: integers [n].
        validation: (x, y) to check on; the training data itself, at most 4096 samples, if None.
        steps: batches to train on. epochs: the same in passes over the data. Give one of the two.
        batch_size: samples a step; the last batch of a pass is dropped unless it is the only one.
        lr: learning rate at the start.
        schedule: "constant", or "cosine" falling to 0.
        augment: "shift", or a function (batch, torch.Generator) -> batch; training data only.
        check_every: steps between checks; a twentieth of the run if None.
        seed: of batches, augmentation and random modules; the global generator is left alone.
        threads: torch's threads meanwhile; if None, one for networks so small that threads would
            wait for each other, and for the others as many as torch has.
        progress: show a bar with loss and accuracies (needs rich).

    Raises:
        InputError: unusable data or options, or the loss is no longer a number.
        ExtraMissing: progress, and rich is not installed.
    """
    samples, labels = check_pair(x, y, "training")
    held = check_pair(*validation, "validation") if validation else _part(samples, labels)
    for some, marks in ((samples, labels), held):
        limit_labels(model, some, marks)
    total = _steps(steps, epochs, len(samples), batch_size)
    every = math.ceil(total / 20) if check_every is None else check_every
    if every < 1:
        raise InputError(f"fit: check_every {every}; allowed is 1 or more")
    rate = _rates(schedule, lr, total)
    change = named(augment)
    with (
        torch.random.fork_rng(devices=[]),
        _threads(model, batch_size, threads),
        Reporter(total, progress) as report,
    ):
        torch.manual_seed(seed)
        trainer = _Trainer(model, held, rate, report)
        batches = _batches(samples, labels, batch_size, change, seed)
        return trainer.run(batches, total, every)


class _Trainer:
    """State of one run; the weights to keep among it."""

    def __init__(self, model: nn.Module, held: Any, rate: Any, report: Reporter) -> None:
        parameters = [p for p in model.parameters() if p.requires_grad]
        if not parameters:
            raise InputError("fit: the model has no trainable parameters; add a LogicDense")
        self.model, self.held, self.report = model, held, report
        self.optimizer = torch.optim.Adam(parameters, lr=rate(0), fused=True)
        self.rate = rate
        self.checks: list[Check] = []
        self.best: Check | None = None
        self.kept: dict[str, Tensor] = {}

    def run(self, batches: Any, total: int, every: int) -> History:
        start = time.perf_counter()
        losses: list[Tensor] = []
        self.model.train()
        for step in range(1, total + 1):
            losses.append(self._step(step, *next(batches)))
            self.report.advance()
            if step % every == 0 or step == total:
                self._check(step, losses)
                losses.clear()
        self.model.load_state_dict(self.kept)
        self.model.eval()
        assert self.best is not None
        return History(tuple(self.checks), self.best, time.perf_counter() - start)

    def _step(self, step: int, x: Tensor, y: Tensor) -> Tensor:
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate(step - 1)
        self.optimizer.zero_grad()
        loss = nn.functional.cross_entropy(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def _check(self, step: int, losses: list[Tensor]) -> None:
        loss = float(torch.stack(losses).mean())
        if not math.isfinite(loss):
            raise InputError(
                f"fit: the loss is {loss} before step {step}; use a lower learning rate, "
                "a larger tau, or look for NaN in the model's weights"
            )
        relaxed = accuracy(self.model, *self.held, mode="relaxed")
        check = Check(step, loss, relaxed, accuracy(self.model, *self.held, mode="discrete"))
        self.model.train()
        self.checks.append(check)
        self.report.show(check)
        best = self.best
        if best is None or (check.discrete, check.relaxed) >= (best.discrete, best.relaxed):
            self.best = check
            state = self.model.state_dict()
            self.kept = {name: value.detach().clone() for name, value in state.items()}


@contextmanager
def _threads(model: nn.Module, batch_size: int, threads: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    if threads is None:
        widest = max((m.out_dim for m in model.modules() if isinstance(m, LogicDense)), default=0)
        threads = 1 if widest * batch_size <= _SMALL else before
    if threads < 1:
        raise InputError(f"fit: threads {threads}; allowed is 1 or more")
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _part(samples: Tensor, labels: Tensor, most: int = 4096) -> tuple[Tensor, Tensor]:
    return samples[:most], labels[:most]


def _steps(steps: int | None, epochs: int | None, n: int, batch_size: int) -> int:
    if batch_size < 1:
        raise InputError(f"fit: batch_size {batch_size}; allowed is 1 or more")
    if (steps is None) == (epochs is None):
        raise InputError(
            f"fit: steps {steps} and epochs {epochs}; allowed is exactly one of them, "
            "for example steps=2000"
        )
    total = steps if steps is not None else (epochs or 0) * max(1, n // batch_size)
    if total < 1:
        raise InputError(f"fit: {total} steps; allowed is 1 or more")
    return total


def _rates(schedule: str, lr: float, total: int) -> Any:
    if not (math.isfinite(lr) and lr > 0):
        raise InputError(f"fit: lr {lr}; allowed is a positive number")
    if schedule == "constant":
        return lambda step: lr
    if schedule == "cosine":
        return lambda step: lr * 0.5 * (1 + math.cos(math.pi * step / total))
    raise InputError(f"fit: schedule {schedule!r}; allowed are {', '.join(SCHEDULES)}")


def _batches(x: Tensor, y: Tensor, size: int, change: Augment | None, seed: int) -> Any:
    """Endless (samples, labels) batches, shuffled anew at every pass."""
    generator = torch.Generator().manual_seed(seed)
    size = min(size, len(x))
    while True:
        order = torch.randperm(len(x), generator=generator)
        for start in range(0, len(x) - size + 1, size):
            some = order[start : start + size]
            batch = x[some] if change is None else change(x[some], generator)
            yield batch, y[some]
