"""The one place that names the optional dependencies of this folder."""

from __future__ import annotations

import importlib
from types import ModuleType

from ..runtime.errors import ExtraMissing


def need(module: str, purpose: str, extra: str = "train") -> ModuleType:
    """Import `module`, or say what installs it.

    Args:
        module: its import name, such as "torch".
        purpose: what it is needed for; the message begins with it.
        extra: of our package, which installs it.

    Raises:
        ExtraMissing: it is not installed; the message names the extra.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        raise ExtraMissing(
            f"{purpose}: the Python package {module} is not installed; "
            f"install the extra [{extra}], in Gatewright's checkout: pip install '.[{extra}]'"
        ) from None
