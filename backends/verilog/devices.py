"""What mapping and pipelining need to know of FPGA families."""

from __future__ import annotations

from dataclasses import dataclass

from .cuts import DelayModel


@dataclass(frozen=True)
class Device:
    """A family of FPGAs: the inputs of its LUTs, and how long signals take."""

    lut_inputs: int
    delays: DelayModel

    def compare_levels(self, bits: int) -> int:
        """Levels of a comparator of so many bits: none of one, a tree of LUTs of wider ones."""
        if bits <= 1:
            return 0
        parts = -(-bits // self.lut_inputs)  # each says above, and equal
        return 1 + (parts - 1).bit_length()


# On the safe side of what nextpnr says of a network of 1,200 LUTs (`benchmarks/fpga.py`): iCE40 HX,
# where the fit is 1.1 and 2.3, and ECP5 of speed grade 6, where it is 0.7 and 2.4; larger networks
# have longer wires. "xc7" is not fitted: no place and route here knows it.
DEVICES = {
    "ice40": Device(4, DelayModel(level=1.9, register=1.2)),
    "ecp5": Device(4, DelayModel(level=1.5, register=2.2)),
    "xc7": Device(6, DelayModel()),
}
