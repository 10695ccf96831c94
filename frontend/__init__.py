"""Logic networks in PyTorch: layers, encoders, training, data and model files."""

from .extras import need

need("torch", "gatewright.frontend")

from .binarization import FixedBinarization  # noqa: E402
from .connections import FixedDenseConnections  # noqa: E402
from .dense import LogicDense  # noqa: E402
from .groupsum import GroupSum  # noqa: E402
from .parametrization import RawLUTParametrization  # noqa: E402

__all__ = [
    "FixedBinarization",
    "FixedDenseConnections",
    "GroupSum",
    "LogicDense",
    "RawLUTParametrization",
]
