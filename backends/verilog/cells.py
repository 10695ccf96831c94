"""LUTs that synthesis takes as they are, as instances: kept modules, or primitives of a device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from ..render import render
from .text import ZERO


class Primitive(NamedTuple):
    """A LUT of a device.

    device: a name of `devices.DEVICES`. most: its inputs at most. name: with a place for how many
    it has, where the device has a LUT for each number; others have inputs that stay at 0. table:
    its parameter. pins: inputs, and output.
    """

    device: str
    most: int
    name: str
    table: str
    pins: tuple[str, ...]
    out: str

    def made(self, kind: str, pins: Mapping[str, Any]) -> bool:
        """Whether a cell of this kind with these pins is such a LUT."""
        inputs = sum(pin in pins for pin in self.pins)
        return self.out in pins and kind == self.name.format(inputs)

    def instance(self, k: int) -> dict[str, str]:
        """The name, the table as `INIT` of `k` inputs is, and the pins, as text."""
        one_of_each = "{" in self.name
        wide = k if one_of_each else self.most
        above = (1 << wide) - (1 << k)
        nets = [f"in[{i}]" if i < k else ZERO for i in range(wide)]
        pins = [f".{pin}({net})" for pin, net in zip(self.pins, nets, strict=False)]
        return {
            "primitive": self.name.format(wide),
            "table": f".{self.table}({f'{{{above}{chr(39)}d0, INIT}}' if above else 'INIT'})",
            "pins": ", ".join([*pins, f".{self.out}(out)"]),
        }


_NUMBERED = tuple(f"I{i}" for i in range(6))
PRIMITIVES = {
    "xilinx": Primitive("xc7", 6, "LUT{}", "INIT", _NUMBERED, "O"),
    "ice40": Primitive("ice40", 4, "SB_LUT4", "LUT_INIT", _NUMBERED, "O"),
    "ecp5": Primitive("ecp5", 4, "LUT4", "INIT", ("A", "B", "C", "D"), "Z"),
}
CHAINED = "xilinx"  # whose slices have the carry chains of `carries`
_PLACES = tuple(f"{{{i}}}" for i in range(6))


class Cells(Protocol):
    """What LUTs are instances of."""

    def takes(self, k: int) -> bool:
        """Whether LUTs of so many inputs are instances."""
        ...

    def instance(self, k: int, table: int) -> str:
        """The text of one, with places {0} to {5} for its inputs and {net} for its output."""
        ...

    def texts(self) -> list[str]:
        """The modules that instances so far are of."""
        ...


class KeptLuts:
    """A module for each table of four to six inputs, which synthesis shall not flatten."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._used: dict[tuple[int, int], str] = {}

    def takes(self, k: int) -> bool:
        return k > 3

    def instance(self, k: int, table: int) -> str:
        module = f"{self._name}_lut{k}_{table:0{(1 << k) // 4}x}"
        self._used[k, table] = module
        return f"wire {{net}}; {module} lut_{{net}} (.in({_pins(k)}), .out({{net}}));"

    def texts(self) -> list[str]:
        return [
            render("verilog/lut.j2", module=module, k=k, value=f"{table:x}", keep=True)
            for (k, table), module in self._used.items()
        ]


class Primitives:
    """The LUTs of a device, in a module for each number of inputs.

    That module is the primitive where SYNTHESIS is defined, as synthesis tools do, and Verilog that
    any simulator takes elsewhere.
    """

    def __init__(self, name: str, device: str) -> None:
        self._name, self._primitive = name, PRIMITIVES[device]
        self._used: set[int] = set()

    def takes(self, k: int) -> bool:
        return 0 < k <= self._primitive.most

    def instance(self, k: int, table: int) -> str:
        self._used.add(k)
        table &= (1 << (1 << k)) - 1
        value = f"{1 << k}'h{table:0{-(-(1 << k) // 4)}x}"
        head = f"wire {{net}}; {self._name}_lut{k} #({value}) lut_{{net}}"
        return f"{head} (.in({_pins(k)}), .out({{net}}));"

    def texts(self) -> list[str]:
        return [
            render(
                "verilog/lut.j2",
                module=f"{self._name}_lut{k}",
                k=k,
                keep=False,
                **self._primitive.instance(k),
            )
            for k in sorted(self._used)
        ]


def _pins(k: int) -> str:
    return f"{{{{{', '.join(reversed(_PLACES[:k]))}}}}}"
