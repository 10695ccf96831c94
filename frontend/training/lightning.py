"""Training with Lightning: a classifier as a LightningModule (needs the extra [lightning])."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from ...runtime.errors import InputError
from ..extras import need
from .measure import MODES, count_right
from .optimization import Optimization, Temperature

lightning = need("lightning.pytorch", "LogicModule", extra="lightning")


class LogicModule(lightning.LightningModule):
    """A classifier that Lightning trains as `fit` does.

    It logs `loss` in training and, in validation and testing, the accuracies `relaxed` and
    `discrete`, 0 to 1, and their difference `gap`. A checkpoint callback with `monitor="discrete"`
    and `mode="max"` keeps the weights that compile best. Devices, precision, epochs and
    checkpoints are the Trainer's.

    Args:
        model: scores [n, classes] of samples. Batches are (samples, labels).
        lr, schedule, warmup, weight_decay, clip_norm: as in `fit`.
        regularizer, regularization, rescale, temperature: as in `fit`.

    Raises:
        InputError: an option is out of range.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        lr: float = 0.01,
        schedule: str = "constant",
        warmup: int = 0,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        regularizer: str | None = None,
        regularization: float = 0.0,
        rescale: str | None = None,
        temperature: Temperature | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.how = Optimization(
            lr, schedule, warmup, weight_decay, clip_norm,
            regularizer, regularization, rescale, temperature,
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Scores [n, classes] of samples [n, ...]."""
        return self.model(x)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """The loss of a batch."""
        self.how.set_temperature(self.model, min(self.global_step, self._steps()), self._steps())
        loss = self.how.loss(self.model, *batch)
        self.log("loss", loss, prog_bar=True)
        return loss

    def on_train_batch_end(self, *_: Any) -> None:
        """Rescale weights after a step."""
        self.how.rescale_weights(self.model)

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log relaxed and discrete accuracy and the gap."""
        x, y = batch
        found = {mode: count_right(self.model, x, y, mode) / len(y) for mode in MODES}
        found["gap"] = found["relaxed"] - found["discrete"]
        self.log_dict(found, prog_bar=True, on_epoch=True, sync_dist=True, batch_size=len(y))

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """As in validation."""
        self.validation_step(batch, batch_idx)

    def configure_optimizers(self) -> dict[str, Any]:
        """Adam or AdamW, and the learning rate by step.

        Raises:
            InputError: nothing to train, options that do not suit the model, or an endless Trainer.
        """
        total = self._steps()
        optimizer = self.how.optimizer(self.how.check_model(self.model, total))
        rates = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: self.how.rate(min(step, total), total) / self.how.lr
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": rates, "interval": "step"},
        }

    def configure_gradient_clipping(self, optimizer: Any, *_: Any, **__: Any) -> None:
        """Clip to `clip_norm`."""
        self.how.clip(self.model.parameters())

    def _steps(self) -> int:
        total = self.trainer.estimated_stepping_batches
        if not math.isfinite(total):
            raise InputError(
                "LogicModule: a Trainer without end; allowed are max_epochs or max_steps, which "
                "say where schedules end"
            )
        return int(total)
