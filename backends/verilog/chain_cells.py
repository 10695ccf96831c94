"""What rows of adders cost on the carry chains of a device."""

from __future__ import annotations

from dataclasses import dataclass

from .rows import RowChain, paired, positions


@dataclass(frozen=True)
class ChainCells:
    """The carry chains of a device, in logic cells of one LUT each.

    pairs: cells go in pairs, and one pair more is taken at each end. longest: cells of a chain of
    several rows at most; 0 where rows cannot stand on each other. Timing analysis does not see that
    rows are independent, so a chain takes time for all of its cells.
    """

    pairs: bool
    longest: int

    def cost(self, chain: RowChain) -> int:
        """The logic cells that a chain takes."""
        return len(paired(chain).cells) + 4 if self.pairs else len(positions(chain))


CHAIN_CELLS = {"ice40": ChainCells(False, 0), "ecp5": ChainCells(True, 32)}
