"""Circuits compiled for another machine or a device that is not here: to save, not to call."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from numpy.typing import NDArray

from .batch import Batch
from .compiled import CompiledCircuit
from .cross import library_suffix
from .errors import DeviceMissing, InputError

_SUFFIXES = (".so", ".dylib", ".dll", ".wasm")


@dataclass
class ForeignEngine:
    """A library that cannot answer here; see `runtime.compiled.Engine`.

    missing: what this machine lacks, if it is a device or driver.
    """

    manifest: dict[str, Any]
    triple: str
    library: bytes
    missing: str = ""

    @property
    def isa(self) -> str:
        """What is in the library, best first; none of it runs here."""
        return ", ".join(self.manifest.get("isas") or self.manifest["architectures"])

    def fill(self, batch: Batch, what: str, out: NDArray[Any]) -> NoReturn:
        if self.missing:
            raise DeviceMissing(self.missing)
        raise InputError(
            f"{self.manifest['name']}: built for {self.triple}, so it cannot answer here; save it "
            "and load it there, or compile without triple= for answers here"
        )

    def data(self) -> bytes:
        return self.library


class CrossCompiled(CompiledCircuit):
    """A circuit compiled for another machine or device, to be saved.

    Methods that answer raise InputError, or DeviceMissing where only a device is missing.
    """

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
        where = f"{self.triple}, {self.engine.isa}" if self.engine.missing else self.triple
        return f"<CrossCompiled {self.name} for {where}: {gates} gates, {levels} levels>"
