"""Training: `fit` and what it answers."""

from .history import Check, History
from .loop import fit

__all__ = ["Check", "History", "fit"]
