"""The registers of an elaborated module: whether they make a pipeline, and what they hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ...runtime.errors import NetlistError

_MUX = 0xCA  # inputs low, high, select


class Clocking(NamedTuple):
    """The registers that a module should have; see `Verilog`."""

    latency: int
    reset: bool
    enable: bool


class Registers:
    """The registers of a module, bit by bit, and how many of them lie before each net.

    `source` looks through registers. `begin`, `passed` and `end` count those on all paths, while
    the logic between is walked in order. resets: of what Yosys made a register with a reset by
    logic, the reads, output and table of a multiplexer instead.
    """

    KINDS = ("$dff", "$dffe", "$sdff", "$sdffe", "$sdffce")

    def __init__(self, module: dict[str, Any], clocking: Clocking) -> None:
        self._clocking = clocking
        ports = module["ports"]
        self._port = {name: port["bits"][0] for name, port in ports.items() if port["bits"]}
        self._held: dict[Any, Any] = {}  # what each register takes, by what it drives
        self._sources: dict[Any, tuple[Any, int]] = {}
        self._before: dict[Any, int | None] = {"0": None, "1": None}
        self.resets: list[tuple[tuple[Any, ...], tuple[Any, ...], int]] = []
        valid = self._valid(module) if clocking.latency else set()
        for name, cell in module["cells"].items():
            if cell["type"] in self.KINDS:
                self._hold(name, cell, valid)

    def source(self, bit: Any) -> Any:
        """What drives a bit, registers left out."""
        return self._through(bit)[0]

    def begin(self, inputs: Iterable[Any]) -> None:
        """No register is before an input; a constant may be behind any number."""
        self._before.update(dict.fromkeys(inputs, 0))

    def passed(self, reads: Iterable[Any], drives: Iterable[Any]) -> None:
        """Count for what is driven by logic that reads these bits.

        Raises:
            NetlistError: paths to it pass different numbers of registers.
        """
        self._before.update(dict.fromkeys(drives, self._together(reads)))

    def end(self, outputs: Iterable[Any]) -> None:
        """Check that the outputs are behind as many registers as there should be.

        Raises:
            NetlistError: one is not.
        """
        found = self._together(outputs)
        if found is not None and found != self._clocking.latency:
            raise NetlistError(
                f"verilog: answers come after {found} clocks; allowed are {self._clocking.latency}"
            )

    def _together(self, bits: Iterable[Any]) -> int | None:
        counts = set()
        for bit in bits:
            source, passed = self._through(bit)
            before = self._before[source]
            if before is not None:
                counts.add(before + passed)
        if len(counts) > 1:
            few, *_, many = sorted(counts)
            raise NetlistError(
                f"verilog: paths of {few} and of {many} registers meet; allowed are as many on all"
            )
        return counts.pop() if counts else None

    def _through(self, bit: Any) -> tuple[Any, int]:
        found = self._sources.get(bit)
        if found is None:
            source, passed = bit, 0
            while source in self._held:
                source, passed = self._held[source], passed + 1
                if passed > self._clocking.latency:
                    raise NetlistError(
                        f"verilog: more than {self._clocking.latency} registers in a row"
                    )
            found = self._sources[bit] = source, passed
        return found

    def _hold(self, name: str, cell: dict[str, Any], valid: set[Any]) -> None:
        """Take a register that holds data, or one of those that say what is valid."""
        pins, facts = cell["connections"], cell["parameters"]
        own = [i for i, bit in enumerate(pins["Q"]) if bit not in valid]
        if not own:
            return
        plain, reset = ("$dffe", "$sdffce") if self._clocking.enable else ("$dff", "$sdff")
        if cell["type"] not in (plain, reset) or not self._clocked(cell):
            raise NetlistError(f"verilog: register {name} has another clock, enable or reset")
        for i in own:
            taken = pins["D"][i]
            if cell["type"] == reset:  # by logic: a multiplexer with a constant
                value, on = facts["SRST_VALUE"][::-1][i], facts["SRST_POLARITY"]
                low, high = (taken, value) if int(on, 2) else (value, taken)
                taken = f"{pins['Q'][i]} before its reset"
                self.resets.append(((low, high, pins["SRST"][0]), (taken,), _MUX))
            self._held[pins["Q"][i]] = taken

    def _clocked(self, cell: dict[str, Any]) -> bool:
        """Whether a register has the clock and enable of the module, both positive."""
        pins, facts = cell["connections"], cell["parameters"]
        good = pins["CLK"] == [self._port.get("clk")] and int(facts["CLK_POLARITY"], 2) == 1
        if "EN" in pins:
            enable = pins["EN"] == [self._port.get("enable")]
            good = good and enable and int(facts["EN_POLARITY"], 2) == 1
        return good

    def _valid(self, module: dict[str, Any]) -> set[Any]:
        """The registers from valid_in to valid_out, which must be a chain of them."""
        reset, enable = self._clocking.reset, self._clocking.enable
        kind = ("$sdff" if reset else "$dff") + ("e" if enable else "")
        by_bit = {
            bit: (cell, i)
            for cell in module["cells"].values()
            if cell["type"] in self.KINDS
            for i, bit in enumerate(cell["connections"]["Q"])
        }
        start = _initial(module)
        bit, chain = self._port.get("valid_out"), []
        while bit in by_bit and len(chain) <= self._clocking.latency:
            cell, i = by_bit[bit]
            chain.append(bit)
            good = cell["type"] == kind and self._clocked(cell)
            if reset:
                facts = cell["parameters"]
                good = good and cell["connections"]["SRST"] == [self._port.get("rst")]
                good = good and int(facts["SRST_POLARITY"], 2) == 1
                good = good and facts["SRST_VALUE"][::-1][i] == "0"
            elif start.get(bit) != "0":
                good = False
            if not good:
                raise NetlistError("verilog: what is valid has another clock, enable or reset")
            bit = cell["connections"]["D"][i]
        if bit != self._port.get("valid_in") or len(chain) != self._clocking.latency:
            raise NetlistError(
                f"verilog: {len(chain)} registers from valid_in to valid_out; allowed are "
                f"{self._clocking.latency}, and nothing between them"
            )
        return set(chain)


def _initial(module: dict[str, Any]) -> dict[Any, str]:
    """The value that registers begin with, by bit, where the text says so."""
    return {
        bit: value
        for net in module["netnames"].values()
        if "init" in net["attributes"]
        for bit, value in zip(net["bits"], reversed(net["attributes"]["init"]), strict=False)
    }
