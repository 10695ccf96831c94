"""The gate-graph IR, its judge and its passes: numpy and networkx, nothing else."""

from .builder import Builder
from .circuit import Circuit, Decoder, Encoder
from .netlist import Argmax, Cell, Luts, Netlist, Popcount, Tile
from .simulate import simulate
from .verify import verify

__all__ = [
    "Argmax",
    "Builder",
    "Cell",
    "Circuit",
    "Decoder",
    "Encoder",
    "Luts",
    "Netlist",
    "Popcount",
    "Tile",
    "simulate",
    "verify",
]
