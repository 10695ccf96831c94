"""Logic networks in PyTorch: layers, encoders, training, data and model files."""

from .extras import need

need("torch", "gatewright.frontend")

from .data import Dataset, load_dataset, split_indices  # noqa: E402
from .gates.raw_parametrization import RawLUTParametrization  # noqa: E402
from .gates.schedules import scheduled, set_temperature  # noqa: E402
from .gates.table_parametrization import LightLUTParametrization, WarpLUTParametrization  # noqa: E402
from .layers.binarization import Binarization, DummyBinarization, FixedBinarization  # noqa: E402
from .layers.binarization_choice import setup_binarization  # noqa: E402
from .layers.conv import LogicConv2d, LogicConv3d  # noqa: E402
from .layers.conv_transpose import (  # noqa: E402
    FixedConvTransposeConnections,
    LogicConvTranspose2d,
    LogicConvTranspose3d,
)
from .layers.dense import LogicDense  # noqa: E402
from .layers.fused_pooling import fused_pooling  # noqa: E402
from .layers.groupsum import GroupSum  # noqa: E402
from .layers.pool import OrPooling2d, OrPooling3d  # noqa: E402
from .layers.resblock import ResidualLogicBlock  # noqa: E402
from .layers.soft_binarization import LearnableBinarization, SoftBinarization  # noqa: E402
from .saving.model_file import load_model, save_model  # noqa: E402
from .training import Check, History, fit  # noqa: E402
from .training.augment import shift  # noqa: E402
from .training.measure import evaluate  # noqa: E402
from .training.recipes import RECIPES, Recipe, recipe  # noqa: E402
from .wiring.connections import FixedDenseConnections  # noqa: E402
from .wiring.conv_connections import FixedConvConnections  # noqa: E402
from .wiring.learned_connections import LearnableDenseConnections  # noqa: E402
from .wiring.learned_conv_connections import LearnableConvConnections  # noqa: E402
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
