"""What a command is given: a model, a circuit or a compiled library, told apart by content."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiler import Circuit
from ..compiler.files import READERS
from ..compiler.formats.sniff import sniff
from ..compiler.store import read_circuit
from ..compiler.torchlogix_json import read_torchlogix
from ..runtime.archive import check_file, parse_archive, read_file, write_file
from ..runtime.compiled import CompiledCircuit, load
from ..runtime.errors import FileError, InputError

NETLISTS = {
    ".aig": "AIGER circuit",
    ".aag": "AIGER circuit",
    ".blif": "BLIF circuit",
    ".bench": "BENCH circuit",
    ".v": "Verilog circuit",
}


@dataclass(frozen=True)
class Source:
    """A model or circuit file: the circuit, and the module if it came from one."""

    path: Path
    circuit: Circuit
    module: Any = None


def kind_of(path: Path) -> str:
    """ "model", "circuit", "plan" (numpy target), "torchlogix circuit" (JSON), else "library".

    Netlist files are "AIGER circuit", "BLIF circuit", "BENCH circuit" and "Verilog circuit", by
    content, or by suffix where the content says nothing. Only loading tells whether a library is
    one. Raises FileError for a foreign archive.
    """
    data = read_file(path)
    if data.startswith(b"PK"):
        return parse_archive(data, str(path))[0]["gatewright"]
    if data.lstrip()[:1] == b"{":
        return "torchlogix circuit"
    return NETLISTS.get(sniff(data) or path.suffix, "library")


def open_source(path: Path) -> Source:
    """A model file (traced) or a circuit file: ours, torchlogix's or a netlist.

    Raises:
        FileError: the file is neither, or damaged.
        ExtraMissing: it is a model and PyTorch is not installed.
    """
    kind = kind_of(path)
    if kind == "circuit":
        return Source(path, read_circuit(path))
    if kind == "torchlogix circuit":
        return Source(path, read_torchlogix(path))
    if kind in NETLISTS.values():
        suffix = next(suffix for suffix, name in NETLISTS.items() if name == kind)
        return Source(path, READERS[suffix](path))
    if kind == "model":
        from ..frontend import load_model
        from ..frontend.tracing.trace import trace

        module = load_model(path)
        shape: Any = module.input_shape
        return Source(path, trace(module, shape), module)
    found = {
        "plan": "a compiled plan",
        "training state": "the state of a run, whose model is model.npz beside it",
    }.get(kind, "a compiled library or a foreign file")
    raise FileError(f"{path}: {found}; a model or circuit file is needed here")


def open_compiled(path: Path, name: str | None = None) -> CompiledCircuit:
    """A compiled file, or a model or circuit compiled now."""
    if kind_of(path) in ("plan", "library"):
        return load(path)
    from .. import compile

    return compile(open_source(path).circuit, name=name or c_name(path))


def c_name(path: Path) -> str:
    """A name for functions and modules, from a file's name."""
    letters = "".join(c if c.isalnum() and c.isascii() else "_" for c in path.stem.lower())
    return (letters if letters[:1].isalpha() else f"c_{letters}")[:63]


PARTS = ("test", "train", "all")


@dataclass(frozen=True)
class Samples:
    """Samples of a file or data set, [n, ...], their classes if known, and which they are."""

    x: NDArray[Any]
    classes: NDArray[Any] | None
    about: str

    def reached(self, found: NDArray[Any]) -> str:
        """Which samples they are, and the accuracy of what was found, where classes are known."""
        if self.classes is None or not len(found):
            return self.about
        right = int((found == self.classes[: len(found)]).sum())
        return f"{self.about}: accuracy {right / len(found):.2%} ({right:,} of {len(found):,})"


def read_samples(name: str, part: str = "test") -> Samples:
    """Samples from a `.npy` file, or a part of a data set or `.npz`.

    Raises:
        FileError: the file is missing, damaged or holds no plain array.
        InputError: no such data set, or a part of a `.npy`, which has none.
    """
    path = Path(name)
    if path.suffix == ".npy":
        if part != "test":
            raise InputError(f"--part {part}: {name} is one array without parts; leave it out")
        x = _read_npy(path)
        return Samples(x, None, f"{name}, {len(x):,} samples")
    from ..frontend import load_dataset

    data = load_dataset(name)
    parts = {"test": (data.x_test, data.y_test), "train": (data.x_train, data.y_train)}
    parts["all"] = (
        np.concatenate([data.x_train, data.x_test]),
        np.concatenate([data.y_train, data.y_test]),
    )
    x, y = parts[part]
    which = "all" if part == "all" else f"the {part} part"
    return Samples(x, y, f"{which} of {data.name}, {len(x):,} of {len(parts['all'][0]):,} samples")


def _read_npy(path: Path) -> NDArray[Any]:
    check_file(path)
    try:
        # Mapped first: a header that claims more than the file holds allocates nothing.
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise FileError(
            f"{path}: not a plain .npy array, or damaged: {error}; write it with numpy.save"
        ) from None
    if not isinstance(found, np.ndarray):
        raise FileError(f"{path}: several arrays; one array in a .npy is needed here")
    if found.ndim == 0:
        raise FileError(f"{path}: a single number; an array of samples is needed here")
    return np.array(found)


def first_samples(x: NDArray[Any], n: int) -> NDArray[Any]:
    """At most n samples; InputError if that leaves none."""
    if n < 1:
        raise InputError(f"samples {n}; allowed is 1 or more")
    if len(x) == 0:
        raise InputError("no samples; 1 or more are needed here")
    return x[:n]


def write_npy(path: Path, array: NDArray[Any]) -> None:
    """Write an array; FileError if it cannot be written."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_file(path, buffer.getvalue())


def random_samples(
    circuit_shape: tuple[int, ...], n: int, seed: int = 0, most: int = 255
) -> NDArray[Any]:
    """Random bytes up to `most` of a circuit's shape, n samples or one, where there is no data."""
    random = np.random.default_rng(seed)
    return random.integers(0, most, (max(1, n), *circuit_shape), dtype=np.uint8, endpoint=True)
