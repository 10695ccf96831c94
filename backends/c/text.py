"""The text of a C library: one file, or several of which many serve more than one circuit.

A path has three parts. Its interpreter is the same for all circuits. What packs rows and unpacks
answers depends on sizes, which are constants in it, or read from `struct network` where a block of
samples takes so long that nobody notices. Data, straight-line code and strips are a circuit's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..render import render
from .code import path_values
from .data import shared_tables
from .isa import Isa
from .operations import Case, all_cases
from .sets import ProgramSet

_OWN, _RUN, _BLOCK = "own", "run", "block"
_SMALL = 64  # features; how fewer are read is part of the code
_SIZES = (
    *("features", "outputs", "groups", "count_width", "class_width", "inputs"),
    *("blocks", "windows", "panel", "never", "tau", "beta"),
)


@dataclass(frozen=True)
class LibraryText:
    """What the templates need to know.

    values: of the whole library. sets: the program of each path. windows, tables: definitions in C
    of where rows are read, and of all else. literal: sizes are constants in what circuits share.
    """

    values: dict[str, Any]
    isas: list[Isa]
    sets: list[ProgramSet]
    narrow: bool
    windows: list[str]
    tables: list[str]
    literal: bool

    def whole(self) -> bytes:
        """All of it as one file."""
        parts = (_OWN, _RUN, _BLOCK)
        sections = [
            self._section(isa, found, parts)
            for isa, found in zip(self.isas, self.sets, strict=True)
        ]
        return self._library(shared_tables(self.windows + self.tables)[0], sections, parts)

    def apart(self) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """Files that are compiled apart and linked: this circuit's, and what others may share."""
        tables, declared = shared_tables(self.windows + self.tables)
        name = self.values["name"]
        own: dict[str, bytes] = {}
        sections: list[str] = []
        for isa, found in zip(self.isas, self.sets, strict=True):
            section = self._section(isa, found, (_OWN,))
            if found.programs.bodies or found.programs.rows.codes:
                title = f"What {name} has of its own on the path {isa.name}."
                own[f"{name}_{isa.name}.c"] = self._piece(
                    (_OWN,), isa, title, section, isa.ternary, declared_tables=declared
                )
                section = ""
            sections.append(section)
        own[f"{name}.c"] = self._library(tables, sections, (_OWN,))
        shared: dict[str, bytes] = {}
        for isa in self.isas:
            shared[f"run_{isa.name}.c"] = self._run(isa)
            shared[f"block_{isa.name}.c"] = self._block(isa)
        return own, shared

    def _run(self, isa: Isa) -> bytes:
        """The interpreter of a path."""
        parts = (_RUN,)
        section = render("c/isa.c.j2", parts=parts, **_interpreter(isa, self.narrow))
        title = f"What runs the programs of all networks on the path {isa.name}."
        return self._piece(parts, isa, title, section, isa.ternary, declared_tables="")

    def _block(self, isa: Isa) -> bytes:
        """What packs rows and unpacks answers on a path."""
        parts, values = (_BLOCK,), self.values
        sizes: dict[str, Any] = {size: values[size] for size in _SIZES}
        if not self.literal:
            features = min(values["features"], _SMALL)
            sizes |= {"features": features, "groups": 1, "outputs": 1, "blocks": 1, "never": True}
            sizes["windows"] = 0
        section = render("c/isa.c.j2", parts=parts, isa=isa, **sizes)
        intrinsics = bool(isa.features) or isa.name == "neon"
        title = f"What packs rows and unpacks answers on the path {isa.name}."
        more = {"literal": self.literal, "abi": values["abi"]}
        more["window_tables"] = "".join(self.windows)
        return self._piece(parts, isa, title, section, intrinsics, **sizes, **more)

    def _library(self, tables: str, sections: list[str], parts: tuple[str, ...]) -> bytes:
        return render(
            "c/library.c.j2",
            **self.values,
            **self._common(parts, intrinsics=len(parts) > 1),
            tables=tables,
            isas=sections,
            isa_rows=self.isas,
        ).encode()

    def _piece(
        self,
        parts: tuple[str, ...],
        isa: Isa,
        title: str,
        section: str,
        intrinsics: bool,
        **more: Any,
    ) -> bytes:
        common = self._common(parts, intrinsics)
        return render(
            "c/piece.c.j2", **common, **more, isa=isa, title=title, section=section
        ).encode()

    def _common(self, parts: tuple[str, ...], intrinsics: bool) -> dict[str, Any]:
        big = _OWN in parts and any("_data = {" in table for table in self.tables)
        return {
            "parts": parts,
            "intrinsics": intrinsics,
            "code_type": "uint16_t" if self.narrow else "uint32_t",
            "big_data": big,
        }

    def _section(self, isa: Isa, found: ProgramSet, parts: tuple[str, ...]) -> str:
        return render(
            "c/isa.c.j2",
            **{key: self.values[key] for key in _SIZES},
            **_interpreter(isa, self.narrow, found.programs.cases(isa)),
            **path_values(isa, found.programs, found.suffix),
            parts=parts,
            suffix=found.suffix,
        )


def _interpreter(isa: Isa, narrow: bool, cases: list[Case] | None = None) -> dict[str, Any]:
    """What the interpreter's template needs to know; it has all operations if `cases` is None."""
    cases = all_cases(isa) if cases is None else cases
    shift = (8 * isa.words).bit_length() - 1
    return {
        "isa": isa,
        "narrow": narrow,
        "shift": shift,
        "mask": f"UINT64_C(0x{0xFFFF << shift:X})",
        "uses_popcount": any(kind in ("popcount", "weighted") for _, kind, _, _ in cases),
        "cases": cases,
    }
