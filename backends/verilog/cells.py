"""LUTs that synthesis takes as they are, as instances: kept modules, or primitives of a device."""

from __future__ import annotations

from typing import Protocol

from ..render import render

PRIMITIVES = {"xilinx": "LUT"}  # the names of LUTs without the number of inputs
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
            render("verilog/lut.j2", module=module, k=k, table=f"{table:x}", keep=True)
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
        return k > 0

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
                primitive=f"{self._primitive}{k}",
            )
            for k in sorted(self._used)
        ]


def _pins(k: int) -> str:
    return f"{{{{{', '.join(reversed(_PLACES[:k]))}}}}}"
