"""The families of FPGAs that Yosys, and some of which nextpnr, know here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import BuildError


@dataclass(frozen=True)
class Part:
    """A device of a family: its packages, the default one first, and its speed grades.

    option: what nextpnr calls it.
    """

    option: str
    packages: tuple[str, ...]
    speeds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Family:
    """A family of FPGAs.

    synth: the command of Yosys. luts, registers, carries: patterns of the names of cells. nextpnr:
    the program that places and routes, or None. parts: by name, the default one first. mhz: the
    clock that place and route works for if none is named.
    """

    synth: str
    luts: str
    registers: str
    carries: str
    nextpnr: str | None = None
    parts: Mapping[str, Part] = field(default_factory=dict)
    mhz: float = 0.0

    def choose(
        self, part: str | None, package: str | None, speed: str | None
    ) -> tuple[str, str, str]:
        """Part, package and speed grade, where None stands for the default; "" for no grade.

        Raises:
            BuildError: not one of the family.
        """
        part = _one_of("part", part, tuple(self.parts))
        known = self.parts[part]
        package = _one_of(f"package of part {part}", package, known.packages)
        return part, package, _one_of(f"speed of part {part}", speed, known.speeds or ("",))


def _one_of(what: str, asked: str | None, allowed: tuple[str, ...]) -> str:
    if asked is None:
        return allowed[0]
    if asked not in allowed:
        listed = ", ".join(name for name in allowed if name) or "none; leave it out"
        raise BuildError(f"{what}: {asked!r}; allowed are {listed}")
    return asked


def family_of(device: str) -> Family:
    """The family of that name.

    Raises:
        BuildError: there is none.
    """
    if device not in FAMILIES:
        raise BuildError(f"device {device!r}; allowed are {', '.join(FAMILIES)}")
    return FAMILIES[device]


_ECP5_SMALL = ("CABGA381", "CABGA256", "CSFBGA285", "TQFP144")
_ECP5_LARGE = ("CABGA381", "CABGA554", "CSFBGA285")
_SPEEDS = ("6", "7", "8")

FAMILIES = {
    "ice40": Family(
        synth="synth_ice40",
        luts="SB_LUT4",
        registers="SB_DFF.*",
        carries="SB_CARRY",
        nextpnr="nextpnr-ice40",
        parts={
            "hx8k": Part("hx8k", ("ct256", "cb132", "bg121", "cm225")),
            "hx4k": Part("hx4k", ("tq144", "cb132", "bg121")),
            "hx1k": Part("hx1k", ("tq144", "cb132", "vq100")),
            "lp8k": Part("lp8k", ("cm81", "cm121", "cm225")),
            "lp4k": Part("lp4k", ("cm81", "cm121", "cm225")),
            "lp1k": Part("lp1k", ("cm81", "cm121", "qn84", "cb81", "swg16tr")),
            "lp384": Part("lp384", ("qn32", "cm36", "cm49")),
            "up5k": Part("up5k", ("sg48", "uwg30")),
            "up3k": Part("up3k", ("sg48", "uwg30")),
            "u4k": Part("u4k", ("sg48",)),
        },
        mhz=100.0,
    ),
    "ecp5": Family(
        synth="synth_ecp5",
        luts="LUT4",
        registers="TRELLIS_FF",
        carries="CCU2C",
        nextpnr="nextpnr-ecp5",
        parts={
            "25k": Part("25k", _ECP5_SMALL, _SPEEDS),
            "12k": Part("12k", _ECP5_SMALL, _SPEEDS),
            "45k": Part("45k", (*_ECP5_LARGE, "CABGA256", "TQFP144"), _SPEEDS),
            "85k": Part("85k", ("CABGA381", "CABGA554", "CABGA756", "CSFBGA285"), _SPEEDS),
            "um-45k": Part("um-45k", _ECP5_LARGE, _SPEEDS),
            "um-85k": Part("um-85k", ("CABGA381", "CABGA554", "CABGA756"), _SPEEDS),
            "um5g-85k": Part("um5g-85k", ("CABGA381", "CABGA554", "CABGA756"), ("8",)),
        },
        mhz=200.0,
    ),
    "xc7": Family(
        synth="synth_xilinx -family xc7 -flatten -noiopad -noclkbuf",
        luts="LUT[1-6]|LUT6_2|INV",
        registers="FD[RSCP]E.*",
        carries="CARRY4",
    ),
}
