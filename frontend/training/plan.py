"""How long a run is, and when it is looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...runtime.errors import InputError
from .arguments import check_whole


@dataclass(frozen=True)
class Plan:
    """The arguments of `fit` that say how long it goes on, in steps.

    steps: in all. per_epoch: of one pass over the data. check_every: between checks. patience:
    checks without a rise of either accuracy before it stops; None for never.
    """

    steps: int
    per_epoch: int
    check_every: int
    patience: int | None

    @classmethod
    def of(
        cls,
        samples: int,
        batch_size: int,
        steps: int | None,
        epochs: int | None,
        check_every: int | None,
        patience: int | None,
    ) -> Plan:
        """The plan for so many samples.

        Raises:
            InputError: a number is out of range, or not exactly one of steps and epochs is given.
        """
        check_whole("batch_size", batch_size)
        if (steps is None) == (epochs is None):
            raise InputError(
                f"fit: steps {steps} and epochs {epochs}; allowed is exactly one of them, "
                "for example steps=2000"
            )
        per_epoch = max(1, samples // batch_size)
        if steps is not None:
            check_whole("steps", steps)
            total, every = steps, math.ceil(steps / 20)
        else:
            check_whole("epochs", epochs)
            assert epochs is not None
            total, every = epochs * per_epoch, per_epoch
        if check_every is not None:
            check_whole("check_every", check_every)
            every = check_every
        if patience is not None:
            check_whole("patience", patience)
        return cls(int(total), per_epoch, int(every), patience)

    def is_check(self, step: int) -> bool:
        """Whether the model is looked at after this step, counted from 1."""
        return step % self.check_every == 0 or step == self.steps
