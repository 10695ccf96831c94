"""Logic networks in PyTorch: layers, encoders, training, data and model files."""

from .extras import need

need("torch", "gatewright.frontend")

from .augment import shift  # noqa: E402
from .binarization import Binarization, DummyBinarization, FixedBinarization  # noqa: E402
from .binarization_choice import setup_binarization  # noqa: E402
from .connections import FixedDenseConnections  # noqa: E402
from .conv import LogicConv2d, LogicConv3d  # noqa: E402
from .conv_connections import FixedConvConnections  # noqa: E402
from .conv_transpose import (  # noqa: E402
    FixedConvTransposeConnections,
    LogicConvTranspose2d,
    LogicConvTranspose3d,
)
from .cuda.fuse import fused_pooling  # noqa: E402
from .data import Dataset, load_dataset, split_indices  # noqa: E402
from .dense import LogicDense  # noqa: E402
from .groupsum import GroupSum  # noqa: E402
from .learned_connections import LearnableDenseConnections  # noqa: E402
from .learned_conv_connections import LearnableConvConnections  # noqa: E402
from .measure import evaluate  # noqa: E402
from .model_file import load_model, save_model  # noqa: E402
from .parametrization import RawLUTParametrization  # noqa: E402
from .pool import OrPooling2d, OrPooling3d  # noqa: E402
from .recipes import RECIPES, Recipe, recipe  # noqa: E402
from .resblock import ResidualLogicBlock  # noqa: E402
from .schedules import scheduled, set_temperature  # noqa: E402
from .soft_binarization import LearnableBinarization, SoftBinarization  # noqa: E402
from .table_parametrization import (  # noqa: E402
    LightLUTParametrization,
    WarpLUTParametrization,
)
from .training import Check, History, fit  # noqa: E402
from .zoo import MODELS, ModelSpec, build_model  # noqa: E402

__all__ = [
    "MODELS",
    "RECIPES",
    "Binarization",
    "Check",
    "Dataset",
    "DummyBinarization",
    "FixedBinarization",
    "FixedConvConnections",
    "FixedConvTransposeConnections",
    "FixedDenseConnections",
    "GroupSum",
    "History",
    "LearnableBinarization",
    "LearnableConvConnections",
    "LearnableDenseConnections",
    "LightLUTParametrization",
    "LogicConv2d",
    "LogicConv3d",
    "LogicConvTranspose2d",
    "LogicConvTranspose3d",
    "LogicDense",
    "ModelSpec",
    "OrPooling2d",
    "OrPooling3d",
    "RawLUTParametrization",
    "Recipe",
    "ResidualLogicBlock",
    "SoftBinarization",
    "WarpLUTParametrization",
    "build_model",
    "evaluate",
    "fit",
    "fused_pooling",
    "load_dataset",
    "load_model",
    "recipe",
    "save_model",
    "scheduled",
    "set_temperature",
    "setup_binarization",
    "shift",
    "split_indices",
]
