"""What the C library does behind the counts: the templates compare and unpack them."""

from __future__ import annotations

from dataclasses import replace

from ...compiler import Circuit


def without_classes(circuit: Circuit) -> Circuit:
    """The circuit up to its counts, since the library finds the largest by itself."""
    return replace(circuit, decoder=None)


def class_width(circuit: Circuit) -> int:
    """Bits of the highest class; 0 without a decoder."""
    return (circuit.decoder.groups - 1).bit_length() if circuit.decoder else 0
