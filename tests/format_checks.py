"""What every netlist format must keep: the function, the names, and one kind of error."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from pass_checks import assert_same_function

import gatewright as gw
from gatewright.compiler import Circuit, Encoder, Netlist
from gatewright.compiler.names import Names
from gatewright.runtime.errors import FileError


def boolean(netlist: Netlist, names: Names | None = None) -> Circuit:
    return Circuit(Encoder.boolean(netlist.n_inputs), netlist, names=names)


def assert_round_trip(netlist: Netlist, path: Path) -> Circuit:
    """Write and read: the same function, and the same bytes when written again."""
    gw.write(boolean(netlist), path)
    first = path.read_bytes()
    circuit = gw.read(path)
    assert_same_function(netlist, circuit.netlist)
    gw.write(boolean(netlist), path)
    assert path.read_bytes() == first
    return circuit


def refused(path: Path, content: str | bytes, *parts: str) -> None:
    """Reading `content` is a FileError that names the file and says all of `parts`."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(FileError) as error:
        gw.read(path)
    for part in (str(path), *parts):
        assert part in str(error.value)


def fuzz(path: Path, contents: list[bytes], rounds: int, words: list[bytes]) -> None:
    """Damage files at random; nothing but FileError comes out.

    words: pieces of the format, to be put in at random places.
    """
    random = np.random.default_rng(0)
    for index in range(rounds):
        path.write_bytes(_damaged(random, contents[index % len(contents)], words))
        with contextlib.suppress(FileError):
            gw.read(path)


def _damaged(random: np.random.Generator, content: bytes, words: list[bytes]) -> bytes:
    found = bytearray(content)
    for _ in range(int(random.integers(1, 4))):
        at = int(random.integers(0, len(found) + 1))
        match int(random.integers(0, 5)):
            case 0:
                found[at : at + 1] = bytes([int(random.integers(0, 256))])
            case 1:
                del found[at:]
            case 2:
                found[at:at] = words[int(random.integers(0, len(words)))]
            case 3:
                del found[at : at + int(random.integers(1, 20))]
            case _:
                found[at:at] = found[: int(random.integers(0, 40))]
    return bytes(found)
