"""One run: steps, checks, and the weights to keep."""

from __future__ import annotations

import math
import time
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import Tensor, nn

from ...runtime.errors import FileError, InputError
from .batches import Batches
from .folder import RunFolder
from .history import Check, History, exhausted
from .measure import count_right
from .optimization import Optimization
from .plan import Plan
from .processes import Processes
from .progress import Reporter
from .state import State


class Trainer:
    """State of one run; the weights to keep among it."""

    def __init__(
        self,
        model: nn.Module,
        batches: Batches,
        held: tuple[Tensor, Tensor],
        plan: Plan,
        how: Optimization,
        processes: Processes,
        half: bool,
    ) -> None:
        self.model, self.batches, self.held = model, batches, held
        self.plan, self.how, self.processes, self.half = plan, how, processes, half
        self.parameters = how.check_model(model, plan.steps)
        self.optimizer = how.optimizer(self.parameters)
        self.checks: list[Check] = []
        self.best: Check | None = None
        self.kept: dict[str, Tensor] = {}
        self.seconds = 0.0

    @property
    def step(self) -> int:
        """Steps taken at the last check."""
        return self.checks[-1].step if self.checks else 0

    def run(self, report: Reporter, disk: RunFolder | None = None) -> History:
        """Train to the end from where the run is; every check is shown and written."""
        before, start = self.seconds, time.perf_counter()
        with disk.events(self.step) if disk else nullcontext():
            while self.step < self.plan.steps and not exhausted(self.checks, self.plan.patience):
                best = self._check(self._train(report))
                self.seconds = before + time.perf_counter() - start
                report.show(self.checks[-1])
                if disk:
                    disk.write(self, best)
        self.model.load_state_dict(self.kept)
        self.model.eval()
        assert self.best is not None
        return History(tuple(self.checks), self.best, self.seconds)

    def _train(self, report: Reporter) -> tuple[int, float]:
        """Go on to the next check: its step, and the mean loss meanwhile."""
        self.model.train()
        # One number, not a list: kept tensors would split the memory that every step reuses.
        total = torch.zeros((), dtype=torch.float64, device=self.processes.device)
        step = self.step
        while step == self.step or not self.plan.is_check(step):
            step += 1
            total += self._step(step)
            report.advance()
        return step, self.processes.total(float(total) / (step - self.step))

    def _step(self, step: int) -> Tensor:
        for group in self.optimizer.param_groups:
            group["lr"] = self.how.rate(step - 1, self.plan.steps)
        self.how.set_temperature(self.model, step - 1, self.plan.steps)
        x, y = self.batches.next()
        part = self.processes.share(y)
        with torch.autocast(self.processes.device.type, torch.bfloat16, enabled=self.half):
            device = self.processes.device
            loss = self.how.loss(self.model, self.processes.share(x).to(device), part.to(device))
        if self.processes.size > 1:
            loss = loss * (len(part) / len(y))
        self.optimizer.zero_grad()
        loss.backward()
        self.processes.add([p.grad for p in self.parameters if p.grad is not None])
        self.how.clip(self.parameters)
        self.optimizer.step()
        self.how.rescale_weights(self.model)
        return loss.detach()

    def _check(self, trained: tuple[int, float]) -> bool:
        """Look at the model; whether its weights are the best so far."""
        step, loss = trained
        if not math.isfinite(loss):
            raise InputError(
                f"fit: the loss is {loss} before step {step}; use a lower learning rate, "
                "a larger tau, or look for NaN in the model's weights"
            )
        device = self.processes.device
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            check = Check(step, loss, self._accuracy("relaxed"), self._accuracy("discrete"))
        self.checks.append(check)
        if not check.beats(self.best):
            return False
        self.best = check
        self.kept = {name: value.clone() for name, value in self._weights().items()}
        return True

    def _accuracy(self, mode: str) -> float:
        x, y = map(self.processes.share, self.held)
        return self.processes.total(count_right(self.model, x, y, mode)) / len(self.held[0])

    def _weights(self) -> dict[str, Tensor]:
        return {name: value.detach() for name, value in self.model.state_dict().items()}

    def state(self) -> State:
        """Everything that the run continues from after its last check."""
        tensors = {f"model/{name}": value for name, value in self._weights().items()}
        tensors |= {f"best/{name}": value for name, value in self.kept.items()}
        tensors |= {f"batches/{name}": value for name, value in self.batches.state().items()}
        for number, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{number}/{key}": value for key, value in state.items()}
        tensors["generator"] = torch.get_rng_state()
        if self.processes.device.type == "cuda":
            tensors["cuda"] = torch.cuda.get_rng_state(self.processes.device)
        return State(self.checks, self.seconds, tensors)

    def restore(self, state: State, path: Path) -> None:
        """Take up a run where `state` was taken; `path` is for messages.

        Raises:
            FileError: the state is damaged.
        """
        try:
            self._restore(state)
        except (KeyError, IndexError, ValueError, TypeError, RuntimeError) as error:
            raise FileError(f"{path}: damaged: {error}; train from the start") from None

    def _restore(self, state: State) -> None:
        if not state.checks:
            raise ValueError("no checks")
        self.checks, self.seconds = list(state.checks), state.seconds
        for check in self.checks:
            self.best = check if check.beats(self.best) else self.best
        parts: dict[str, dict[str, Tensor]] = {}
        for name, tensor in state.tensors.items():
            part, _, rest = name.partition("/")
            parts.setdefault(part, {})[rest] = tensor
        own = self._weights()
        self.model.load_state_dict(_like(own, parts["model"]))
        self.kept = _like(own, parts["best"])
        slots: dict[int, dict[str, Tensor]] = {}
        for name, tensor in parts.get("optimizer", {}).items():
            number, _, key = name.partition("/")
            slots.setdefault(int(number), {})[key] = tensor
        for number, slot in slots.items():
            for key, tensor in slot.items():
                if key != "step" and tensor.shape != self.parameters[number].shape:
                    raise ValueError(f"optimizer/{number}/{key} of shape {list(tensor.shape)}")
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": slots, "param_groups": groups})
        self.batches.restore(parts["batches"])
        device = self.processes.device
        torch.set_rng_state(parts["generator"][""])
        if device.type == "cuda":
            torch.cuda.set_rng_state(parts["cuda"][""], device)


def _like(own: dict[str, Tensor], found: dict[str, Tensor]) -> dict[str, Tensor]:
    """What was found, where a model's own tensors are; ValueError if shapes or dtypes differ."""
    for name, tensor in own.items():
        if found[name].shape != tensor.shape or found[name].dtype != tensor.dtype:
            raise ValueError(f"{name} is {found[name].dtype} {list(found[name].shape)}")
    return {name: found[name].to(tensor.device) for name, tensor in own.items()}
