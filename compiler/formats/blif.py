"""BLIF files: models of covers.

"Berkeley Logic Interchange Format (BLIF)", University of California, Berkeley (1992). Circuits are
combinational here: covers (`.names`) of any width, and models of the same file (`.subckt`), which
are flattened.
"""

from __future__ import annotations

import os

from ..circuit import Circuit
from ..netlist import MAX_FANIN
from .definitions import BUFFER, Definitions
from .hierarchy import Module, Part, flattened
from .lines import statements
from .reading import Source, short
from .wide import drive_cover

_CURES = {
    ".latch": "cut it into an input and an output, for example with ABC's `comb`",
    ".gate": "write it without a cell library, for example with ABC's `unmap`",
}
_REFUSED = {
    ".latch": "a latch; this is no combinational circuit",
    ".mlatch": "a latch of a library; this is no combinational circuit",
    ".clock": "a clock; this is no combinational circuit",
    ".gate": "a gate of a library that is not in the file",
    ".blackbox": "a model without content",
    ".exdc": "don't-cares, which a netlist does not keep",
    ".search": "another file",
    ".start_kiss": "a state machine",
}
# What says nothing of the function: delays, areas, and Yosys's remarks.
_IGNORED = {
    *(".area .delay .wire_load_slope .wire .input_arrival .output_required .input_drive").split(),
    *(".output_load .max_input_load .default_input_arrival .default_output_required").split(),
    *(".default_input_drive .default_output_load .default_max_input_load .cname .attr").split(),
    *(".param .cycle .clock_event .latch_order").split(),
}


def read_blif(path: str | os.PathLike[str]) -> Circuit:
    """Read the first model of a combinational BLIF file; inputs are Boolean.

    A cover of up to six inputs is one LUT, a wider one several; buffers, inverters and constants
    go into what reads them. Models that `.subckt` names are flattened.

    Raises:
        FileError: no such file, latches or library gates, or it is damaged; the message gives the
            line.
    """
    source = Source.read(path)
    models = _Reader(source).models()
    for model in models.values():
        nets = model.nets
        model.ports = {nets.names[net] or "": [net] for net in (*nets.inputs, *nets.outputs)}
    return flattened(next(iter(models.values())), models, ".subckt").circuit()


class _Reader:
    """Statement by statement; a cover ends where the next directive stands."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.found: dict[str, Module] = {}
        self.model: Module | None = None
        self.names: list[str] | None = None  # of the cover that is open
        self.rows: list[str] = []
        self.tables: dict[tuple[int, str], int] = {}  # by width and rows

    def models(self) -> dict[str, Module]:
        """The models, the main one first."""
        for line, text in statements(self.source):
            if text[0] != ".":
                if self.names is None:
                    raise self.source.error(line, short(text), "a row only in a cover of .names")
                self.rows.append(text)
                continue
            if self.names is not None:
                self._cover()
            self._directive(line, text.split())
        if self.names is not None:
            self._cover()
        if not self.found:
            raise self.source.error(None, "no model", "BLIF, with a .model or .names")
        return self.found

    def _directive(self, line: int, words: list[str]) -> None:
        match words[0]:
            case ".names" if len(words) > 1:
                self._open(line)
                self.names = words[1:]
            case ".inputs":
                nets = self._open(line)
                for name in words[1:]:
                    nets.input(nets.number[name])
            case ".outputs":
                nets = self._open(line)
                nets.outputs += [nets.number[name] for name in words[1:]]
            case ".model":
                self._begin(line, words[1] if len(words) > 1 else "")
            case ".end":
                self.model = None
            case ".subckt" if len(words) > 1:
                self._subckt(line, words)
            case ".conn" if len(words) == 3:
                nets = self._open(line)
                nets.drive(nets.number[words[2]], [nets.number[words[1]]], BUFFER)
            case word if word in _REFUSED:
                raise self.source.error(
                    line,
                    f"{short(' '.join(words[:2]))}: {_REFUSED[word]}",
                    "covers",
                    _CURES.get(word, ""),
                )
            case word if word not in _IGNORED:
                raise self.source.error(
                    line, short(" ".join(words)), ".names, .subckt and what declares a model"
                )

    def _open(self, line: int) -> Definitions:
        """The nets of the model that statements belong to; the first may lack its `.model`."""
        if self.model is None:
            if self.found:
                raise self.source.error(line, "a statement behind .end", "another .model")
            self._begin(line, "")
        assert self.model is not None
        self.model.nets.line = line
        return self.model.nets

    def _begin(self, line: int, name: str) -> None:
        if name in self.found:
            raise self.source.error(line, f"a second model {short(name)}", "one of each name")
        self.model = self.found[name] = Module(name, line, Definitions(self.source))

    def _cover(self) -> None:
        """Define what the open cover says."""
        assert self.model is not None
        assert self.names is not None
        nets = self.model.nets
        fanin = list(map(nets.number.__getitem__, self.names))
        net, k = fanin.pop(), len(fanin)
        key = (k, "\n".join(self.rows))
        if key in self.tables:
            nets.drive(net, fanin, self.tables[key])
        else:
            cubes, value = self._cubes(nets.line, k)
            drive_cover(nets, net, fanin, cubes, value == "0")
            if k <= MAX_FANIN:
                self.tables[key] = nets.tables[-1]
        self.names, self.rows = None, []

    def _cubes(self, line: int, k: int) -> tuple[list[str], str]:
        """The cubes of the open cover, and whether they are the on-set, "1", or off-set, "0"."""
        cubes: list[str] = []
        values: set[str] = set()
        for text in self.rows:
            *cube, value = text.split()
            cubes.append("".join(cube))
            values.add(value)
            wrong = len(cube) > 1 or value not in ("0", "1") or cubes[-1].strip("01-")
            if wrong or len(cubes[-1]) != k:
                allowed = f"{k} of 0, 1 and -, and then 0 or 1"
                raise self.source.error(line, f"row {short(text)} of this cover", allowed)
        if len(values) > 1:
            raise self.source.error(line, "rows of 0 and of 1", "on-set or off-set, not both")
        return cubes, values.pop() if values else "1"

    def _subckt(self, line: int, words: list[str]) -> None:
        nets = self._open(line)
        pins: dict[str, list[int]] = {}
        for word in words[2:]:
            formal, _, actual = word.partition("=")
            if not (formal and actual) or formal in pins:
                raise self.source.error(line, f"pin {short(word)}", "formal=actual, each once")
            pins[formal] = [nets.number[actual]]
        assert self.model is not None
        self.model.parts.append(Part(line, words[1], pins))
