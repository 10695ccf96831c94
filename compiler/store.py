"""Circuits on disk: `.npz`, versioned, verified on load, never unpickled."""

from __future__ import annotations

import os
from typing import Any

from numpy.typing import NDArray

from ..runtime.archive import read_archive, write_archive
from ..runtime.errors import FileError
from .circuit import Circuit, Decoder, Encoder
from .names import Names
from .netlist import Argmax, Cell, Luts, Netlist, Popcount, Tile
from .verify import verify

_MAX_NESTING = 16
Arrays = dict[str, NDArray[Any]]


def write_circuit(circuit: Circuit, path: str | os.PathLike[str]) -> None:
    """Write `circuit` to `path`.

    Raises:
        FileError: it cannot be written, or its tiles are nested over 16 deep.
    """
    arrays: Arrays = {"feature": circuit.encoder.feature, "threshold": circuit.encoder.threshold}
    decoder = circuit.decoder
    manifest = {
        "shape": list(circuit.encoder.shape),
        "decoder": [decoder.groups, decoder.tau, decoder.beta] if decoder else None,
        "netlist": _pack(circuit.netlist, "n", arrays, path, 0),
    }
    if circuit.names:
        manifest["names"] = [list(names) for names in vars(circuit.names).values()]
    write_archive(path, "circuit", manifest, arrays)


def _pack(
    netlist: Netlist, prefix: str, arrays: Arrays, path: str | os.PathLike[str], depth: int
) -> dict[str, Any]:
    """Put the arrays of `netlist` under `prefix`; return its description."""
    if depth > _MAX_NESTING:
        raise FileError(
            f"{path}: tiles nested over {_MAX_NESTING} deep; allowed are {_MAX_NESTING}; "
            "unroll some of them first"
        )
    arrays[f"{prefix}.outputs"] = netlist.outputs
    cells: list[Any] = []
    bodies: dict[int, int] = {}
    for index, cell in enumerate(netlist.cells):
        key = f"{prefix}.{index}"
        arrays[f"{key}.fanin"] = cell.fanin
        entry: dict[str, Any] = {"kind": type(cell).__name__}
        if isinstance(cell, Luts):
            arrays[f"{key}.table"] = cell.table
        if isinstance(cell, Popcount) and cell.shift is not None:
            entry["kind"] = "WeightedPopcount"  # so that readers that know no weights refuse it
            arrays[f"{key}.shift"] = cell.shift
        if isinstance(cell, Tile):
            if id(cell.body) in bodies:
                entry["same"] = bodies[id(cell.body)]
            else:
                bodies[id(cell.body)] = index
                entry["body"] = _pack(cell.body, key, arrays, path, depth + 1)
        cells.append(entry)
    return {"inputs": netlist.n_inputs, "cells": cells}


def read_circuit(path: str | os.PathLike[str]) -> Circuit:
    """Read and verify a circuit.

    Raises:
        FileError: not a circuit file, damaged, or the circuit in it is invalid.
    """
    manifest, arrays = read_archive(path, "circuit")
    try:
        decoder = manifest["decoder"]
        return Circuit(
            Encoder(tuple(manifest["shape"]), arrays["feature"], arrays["threshold"]),
            verify(_unpack(manifest["netlist"], "n", arrays, 0)),
            Decoder(int(decoder[0]), float(decoder[1]), float(decoder[2])) if decoder else None,
            Names(*map(tuple, manifest["names"])) if "names" in manifest else None,
        )
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise FileError(
            f"{path}: damaged circuit: {what}; write it again with gatewright"
        ) from None


def _unpack(entry: Any, prefix: str, arrays: Arrays, depth: int) -> Netlist:
    if depth > _MAX_NESTING:
        raise ValueError(f"tiles nested over {_MAX_NESTING} deep")
    cells: list[Cell] = []
    for index, found in enumerate(entry["cells"]):
        key = f"{prefix}.{index}"
        fanin = arrays[f"{key}.fanin"]
        match found["kind"]:
            case "Luts":
                cells.append(Luts(fanin, arrays[f"{key}.table"]))
            case "Popcount":
                cells.append(Popcount(fanin))
            case "WeightedPopcount":
                cells.append(Popcount(fanin, arrays[f"{key}.shift"]))
            case "Argmax":
                cells.append(Argmax(fanin))
            case "Tile" if "same" in found:
                earlier = cells[found["same"]]
                if not isinstance(earlier, Tile):
                    raise ValueError(f"{key}: shares the body of a cell that has none")
                cells.append(Tile(earlier.body, fanin))
            case "Tile":
                cells.append(Tile(_unpack(found["body"], key, arrays, depth + 1), fanin))
            case kind:
                raise ValueError(f"{key}: unknown cell {kind!r}")
    return Netlist(int(entry["inputs"]), tuple(cells), arrays[f"{prefix}.outputs"])
