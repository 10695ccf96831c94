"""Models of torchlogix, difflogic and convlogic as models of this library."""

from .convert import convert
from .state import load_peer_state

__all__ = ["convert", "load_peer_state"]
