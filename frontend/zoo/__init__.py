"""Published networks by name."""

from .build import build_model, model_spec
from .published import MODELS
from .spec import Block, ModelSpec

__all__ = ["MODELS", "Block", "ModelSpec", "build_model", "model_spec"]
