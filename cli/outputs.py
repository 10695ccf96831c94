"""Where a command may write."""

from __future__ import annotations

import os
from pathlib import Path

from ..runtime.archive import check_folder
from ..runtime.cross import library_suffix, this_machine
from ..runtime.errors import FileError

_OURS = ".npz"
_EXAMPLES = {
    ".dll": "x86_64-windows-gnu",
    ".dylib": "aarch64-macos",
    ".wasm": "wasm32-freestanding",
}


def check_output(path: Path, *inputs: str | Path | None) -> None:
    """Refuse, before a command works, an output that cannot be, or would replace an input.

    Raises:
        FileError: no such folder, a folder, or one of the files that are read.
    """
    check_folder(path)
    if path.is_dir():
        raise FileError(f"{path}: a folder; name the file, such as {path / 'out.npz'}")
    for file in inputs:
        if file is not None and path.exists() and _same(path, file):
            raise FileError(
                f"{path}: it is read here too, as {file}, and would be lost; name another file"
            )


def check_emitted(folder: Path, name: str, source: Path) -> None:
    """Refuse to emit over the Verilog that is read.

    Raises:
        FileError: the module's file would be the source.
    """
    path = folder / f"{name}.v"
    if path.exists() and _same(path, source):
        raise FileError(
            f"{path}: it is read here too, and would be lost; name another folder, or another "
            "module (--name)"
        )


def check_library(path: Path, target: str, triple: str | None) -> None:
    """Refuse for a library the suffix of models and circuits, or of other machines' libraries.

    Raises:
        FileError: the library would be called like one.
    """
    if path.suffix == _OURS and target != "numpy":
        raise FileError(
            f"{path}: the suffix {_OURS} is that of models and circuits; a library of target "
            f"{target!r} takes another, such as {path.with_suffix('.so').name}"
        )
    if target != "numpy":
        _check_machine(path, triple or this_machine())


def _check_machine(path: Path, triple: str) -> None:
    """Refuse the suffix of another system's libraries; `.so` says little of one."""
    if path.suffix in _EXAMPLES and path.suffix != library_suffix(triple):
        other = path.with_suffix(library_suffix(triple)).name
        raise FileError(
            f"{path}: the suffix {path.suffix} is of libraries for another machine than {triple}; "
            f"name it {other}, or the machine: --triple {_EXAMPLES[path.suffix]} (extra cross)"
        )


def _same(path: Path, file: str | Path) -> bool:
    try:
        return os.path.samefile(path, file)
    except OSError:  # the input is the name of a data set, or is not there
        return False
