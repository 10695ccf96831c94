"""Every error the package raises on purpose.

Each message says where, what was found, what was allowed, and the cure. All of them share one
base, so ``except GatewrightError`` catches what a user can mend and lets our own bugs through.
"""

_SHOWN = 1000


class GatewrightError(Exception):
    """Base of every error a user can act on."""


class InputError(GatewrightError, ValueError):
    """Data handed to a circuit has the wrong shape, dtype or content."""


class NetlistError(GatewrightError, ValueError):
    """A netlist or circuit breaks the rules of the IR."""


class FileError(GatewrightError, ValueError):
    """A file is missing, truncated, hostile, or of another kind or version."""

    def __str__(self) -> str:
        text = super().__str__()  # it may repeat what a hostile file holds
        return text if len(text) <= 2 * _SHOWN else f"{text[:_SHOWN]} ... {text[-_SHOWN:]}"


class TraceError(GatewrightError, TypeError):
    """A module does something that has no Boolean meaning."""


class EmitError(GatewrightError, ValueError):
    """A backend cannot express this circuit."""


class BuildError(GatewrightError, RuntimeError):
    """A toolchain failed, or its output could not be stored or loaded."""


class ToolMissing(BuildError):
    """A program that a build or a simulation needs is not installed."""


class DeviceMissing(BuildError):
    """A library is for a device, or its driver, that this machine lacks."""


class ExtraMissing(GatewrightError, ImportError):
    """An optional Python dependency is not installed; the message names the extra."""


class AccuracyLoss(GatewrightError, ValueError):
    """What was learnt from data costs more accuracy than was allowed."""
