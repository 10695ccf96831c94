"""The folder of a run: its best model, its state, its log and its learning curve."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ...runtime.archive import make_folder, write_file
from ...runtime.errors import FileError, InputError
from ..extras import need
from ..saving.model_file import check_model, save_model
from .curve import curve
from .history import Check, csv
from .state import read_state, write_state

if TYPE_CHECKING:
    from .trainer import Trainer

MODEL, STATE, LOG, CURVE = "model.npz", "state.npz", "log.csv", "curve.svg"


class RunFolder:
    """What a run leaves on disk; every file is replaced in one step.

    Args:
        path: made if needed. run: what `read_state` compares. input_shape: of one sample.
        per_epoch: steps of a pass. events: write TensorBoard event files too.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        run: dict[str, Any],
        input_shape: Sequence[int],
        per_epoch: int,
        events: bool,
    ) -> None:
        self._path = make_folder(path)
        self._run, self._shape, self._per_epoch = run, input_shape, per_epoch
        self._events = events
        self._writer: Any = None
        self._keeps_model = True

    def find(self, trainer: Trainer, resume: bool) -> None:
        """Take up the run that is here, if there is one.

        Warns where the model is of a class that model files do not know; all else is written.

        Raises:
            InputError: the folder holds a run that is not to be resumed.
            FileError: the state is damaged, or of another run.
        """
        try:
            check_model(trainer.model, self._shape)
        except InputError as error:
            self._keeps_model = False
            warnings.warn(
                f"fit: {self._path} gets no {MODEL}: {error}",
                stacklevel=3,
            )
        path = self._path / STATE
        if not path.exists():
            return
        if not resume:
            raise InputError(
                f"fit: {self._path} holds a run; resume=True (--resume) continues it; "
                "take another folder for a new one"
            )
        trainer.restore(read_state(path, self._run), path)

    @contextmanager
    def events(self, step: int) -> Iterator[None]:
        """Open TensorBoard's event files, if they are wanted, for what follows `step`.

        Raises:
            ExtraMissing: tensorboard is not installed.
        """
        if not self._events:
            yield
            return
        need("tensorboard", "event files", extra="tensorboard")
        board = import_module("torch.utils.tensorboard")
        with board.SummaryWriter(str(self._path), purge_step=step + 1) as self._writer:
            yield

    def write(self, trainer: Trainer, best: bool) -> None:
        """After a check, whose weights are the best so far or not.

        Raises:
            FileError: a file cannot be written; the former ones stay.
        """
        if best and self._keeps_model:
            save_model(trainer.model, self._path / MODEL, input_shape=self._shape)
        write_file(self._path / LOG, csv(trainer.checks, self._per_epoch).encode())
        write_file(self._path / CURVE, curve(trainer.checks).encode())
        self._write_events(trainer.checks[-1])
        write_state(self._path / STATE, self._run, trainer.state())

    def _write_events(self, check: Check) -> None:
        if self._writer is None:
            return
        try:
            for name in ("loss", "relaxed", "discrete", "gap"):
                self._writer.add_scalar(name, getattr(check, name), check.step)
            self._writer.flush()
        except OSError as error:
            raise FileError(
                f"{self._path}: cannot write event files: {error.strerror or error}; free room"
            ) from None
