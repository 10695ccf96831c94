"""A circuit file to damage, and ways to rewrite it with right checksums."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
from pass_checks import parse

from gatewright.compiler import Circuit, Decoder, Encoder, Netlist
from gatewright.compiler.store import write_circuit

TEXT = """
netlist inputs=4
  %6 = lut 0x8 %2 %3
  %7 = lut 0x6 %4 %5
  tile
    netlist inputs=2
      %4 = lut 0x6 %2 %3
      output %4
  %8 = place %6 %7
  %9 = place %2 %7
  %10..%11 = popcount %8 %9 %7
  output %10 %11
"""


def circuit(netlist: Netlist | None = None, decoder: Decoder | None = None) -> Circuit:
    netlist = parse(TEXT) if netlist is None else netlist
    n = netlist.n_inputs
    feature = np.arange(n) % 3
    return Circuit(
        Encoder((3,), feature, np.linspace(-1, 1, n, dtype=np.float32)), netlist, decoder
    )


def written(path: Path) -> Path:
    """A circuit file with a decoder."""
    write_circuit(circuit(decoder=Decoder(1, 0.5, -1.0)), path)
    return path


def same(a: Circuit, b: Circuit) -> bool:
    return a.digest() == b.digest() and a.netlist == b.netlist and a.decoder == b.decoder


def array(header: str, payload: bytes, version: bytes = b"\x01\x00") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text + payload


def numpy_header(descr: str, shape: str, fortran: str = "False") -> str:
    return f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}"


def rewritten(path, replace=None, manifest=None, compression=zipfile.ZIP_STORED):
    """Write `path` anew with members replaced (name to bytes) or with another manifest."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    if manifest is not None:
        facts = manifest(json.loads(members["manifest.npy"][128:]))
        text = facts if isinstance(facts, bytes) else json.dumps(facts).encode()
        buffer = io.BytesIO()
        np.save(buffer, np.frombuffer(text, np.uint8))
        members["manifest.npy"] = buffer.getvalue()
    members |= replace or {}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
