"""Circuits compiled for another machine: to save, not to call."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from numpy.typing import NDArray

from .batch import Batch
from .compiled import CompiledCircuit
from .cross import library_suffix
from .errors import InputError

_SUFFIXES = (".so", ".dylib", ".dll", ".wasm")


@dataclass
class ForeignEngine:
    """A library that this machine cannot load; see `runtime.compiled.Engine`."""

    manifest: dict[str, Any]
    triple: str
    library: bytes

    @property
    def isa(self) -> str:
        """What is in the library, best first; none of it runs here."""
        return ", ".join(self.manifest["isas"])

    def fill(self, batch: Batch, what: str, out: NDArray[Any]) -> NoReturn:
        raise InputError(
            f"{self.manifest['name']}: built for {self.triple}, so it cannot answer here; save it "
            "and load it there, or compile without triple= for answers here"
        )

    def data(self) -> bytes:
        return self.library


class CrossCompiled(CompiledCircuit):
    """A circuit compiled for another machine, to be saved. Methods that answer raise InputError."""

    engine: ForeignEngine

    @property
    def triple(self) -> str:
        """The machine that it is for."""
        return self.engine.triple

    @property
    def library(self) -> bytes:
        """The shared library, or WebAssembly module."""
        return self.engine.library

    @property
    def suffix(self) -> str:
        """Of such libraries there: .so, .dylib, .dll or .wasm."""
        return library_suffix(self.triple)

    def save(self, path: str | os.PathLike[str], *, header: bool = False) -> Path:
        """As `CompiledCircuit.save`; a path without suffix gets the right one.

        Raises:
            InputError: the suffix is that of another system's libraries.
            FileError: it cannot be written.
        """
        target = Path(path)
        if not target.suffix:
            target = target.with_name(target.name + self.suffix)
        if target.suffix in _SUFFIXES and target.suffix != self.suffix:
            raise InputError(
                f"{path}: suffix {target.suffix}; a library for {self.triple} has {self.suffix}"
            )
        return super().save(target, header=header)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.engine, self.header)

    def __repr__(self) -> str:
        gates, levels = self.manifest["gates"], self.manifest["levels"]
        return f"<CrossCompiled {self.name} for {self.triple}: {gates} gates, {levels} levels>"
