"""Data sets: bundled ones, well-known files that the user has, and the user's own arrays."""

from .dataset import Dataset, split_indices
from .load import load_dataset

__all__ = ["Dataset", "load_dataset", "split_indices"]
