"""What rows of adders cost on the carry chains of a device."""

from __future__ import annotations

from typing import NamedTuple

from .rows import RowChain, positions


class ChainCells(NamedTuple):
    """The carry chains of a device, in logic cells of one LUT each.

    together: cells that are used together. ends: more cells at the ends of a chain, where it is
    entered and left. longest: cells of a chain of several rows at most; one takes time for all of
    them, for timing analysis does not see that rows are independent.
    """

    together: int
    ends: int
    longest: int

    def cost(self, chain: RowChain) -> int:
        """The logic cells that a chain takes."""
        return -(-len(positions(chain)) // self.together) * self.together + self.ends


CHAIN_CELLS = {"ice40": ChainCells(1, 0, 0), "ecp5": ChainCells(2, 4, 32)}
