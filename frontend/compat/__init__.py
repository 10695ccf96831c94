"""Layers with the names and arguments of other libraries, so that their models need other imports
only."""

from ..layers.groupsum import GroupSum
from .convlogic import ConvLogicLayer
from .difflogic import LogicLayer
from .tree import PoolLogicLayer, TreeLogicLayer

__all__ = ["ConvLogicLayer", "GroupSum", "LogicLayer", "PoolLogicLayer", "TreeLogicLayer"]
