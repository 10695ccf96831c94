"""PTX text -> kernels of instructions, every register and label resolved."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import prod

WIDTHS = {"pred": 0, "16": 16, "32": 32, "64": 64}
_REGISTER = re.compile(r"([%$\w]+)(?:<(\d+)>)?")
_ENTRY = re.compile(r"\.visible\s+\.entry\s+(\w+)\s*\((.*?)\)([^{]*)\{", re.DOTALL)
_PARAMETER = re.compile(r"\.param(?:\s+\.align\s+\d+)?\s+\.(\w+)\s+(\w+)(?:\[(\d+)\])?")
_BYTES = {"b8": 1, "u8": 1, "u16": 2, "u32": 4, "b32": 4, "u64": 8, "b64": 8}


class PtxError(Exception):
    """Text that is not understood, or a kernel that does what a device forbids."""


@dataclass(frozen=True)
class Register:
    """number: within its kernel. width: bits, 0 for a predicate."""

    number: int
    width: int


@dataclass(frozen=True)
class Address:
    """[base + offset]; base: a register, or the name of a parameter or of a variable."""

    base: Register | str
    offset: int


Operand = Register | Address | str | tuple


@dataclass
class Instruction:
    """guard: a predicate, and whether it must be false. targets: numbers of instructions.

    An operand that is a str is an immediate value, a special register or the name of a variable.
    """

    parts: tuple[str, ...]
    operands: list[Operand]
    line: int
    guard: tuple[Register, bool] | None = None
    targets: list[int] = field(default_factory=list)

    @property
    def name(self) -> str:
        return ".".join(self.parts)


@dataclass
class Kernel:
    name: str
    parameters: dict[str, int]  # name -> byte offset of its value
    parameter_bytes: int
    most_threads: int
    code: list[Instruction]
    registers: int


class _Scope:
    """What names mean between { and }."""

    def __init__(self, outer: _Scope | None) -> None:
        self.outer = outer
        self.registers: dict[str, Register] = {}
        self.labels: dict[str, int] = {}
        self.lists: dict[str, list[str]] = {}

    def find(self, kind: str, name: str) -> object | None:
        scope: _Scope | None = self
        while scope:
            if name in (known := getattr(scope, kind)):
                return known[name]
            scope = scope.outer
        return None


class Module:
    """PTX text, whose kernels are read when they are asked for."""

    def __init__(self, text: str) -> None:
        self.text = re.sub(
            r"/\*.*?\*/|//[^\n]*", lambda m: "\n" * m[0].count("\n"), text, flags=re.DOTALL
        )
        self.entries = {entry[1]: entry for entry in _ENTRY.finditer(self.text)}
        self.kernels: dict[str, Kernel] = {}

    def kernel(self, name: str) -> Kernel:
        if name not in self.kernels:
            self.kernels[name] = _Reader(self.text, self.entries[name]).kernel()
        return self.kernels[name]


class _Reader:
    def __init__(self, text: str, entry: re.Match[str]) -> None:
        self.text, self.entry = text, entry
        self.scope = _Scope(None)
        self.code: list[Instruction] = []
        self.where: list[tuple[_Scope, list[str]]] = []  # of each instruction: scope, labels named
        self.count = 0

    def kernel(self) -> Kernel:
        at, depth = self.entry.end(), 1
        line = self.text.count("\n", 0, at) + 1
        for piece in re.finditer(r"[^;{}]*(?:\{[^;{}]*\}[^;{}]*)*[;{}]", self.text[at:]):
            depth += self._piece(piece[0], line)
            line += piece[0].count("\n")
            if not depth:
                break
        for instruction, (scope, names) in zip(self.code, self.where, strict=True):
            for name in names:
                target = scope.find("labels", name)
                if not isinstance(target, int):
                    raise PtxError(f"line {instruction.line}: label {name} is unknown")
                instruction.targets.append(target)
        parameters, size = self._parameters()
        limit = re.search(r"\.maxntid\s+(\d+)", self.entry[3])
        most = int(limit[1]) if limit else 1024
        return Kernel(self.entry[1], parameters, size, most, self.code, self.count)

    def _parameters(self) -> tuple[dict[str, int], int]:
        offsets, size = {}, 0
        for kind, name, length in _PARAMETER.findall(self.entry[2]):
            each = _BYTES[kind]
            size = -(-size // 8) * 8 if length else -(-size // each) * each
            offsets[name] = size
            size += each * int(length or 1)
        return offsets, size

    def _piece(self, piece: str, line: int) -> int:
        """One statement, or the brace after labels; the change of depth."""
        line += piece[: len(piece) - len(piece.lstrip())].count("\n")
        statement, end = piece[:-1].strip(), piece[-1]
        while label := re.match(r"([$\w]+):\s*", statement):
            self.scope.labels[label[1]] = len(self.code)
            statement = statement[label.end() :]
            if statement.startswith(".branchtargets"):
                names = statement[len(".branchtargets") :].split(",")
                self.scope.lists[label[1]] = [name.strip() for name in names]
                return 0
        if statement:
            if end != ";":
                raise PtxError(f"line {line}: {statement!r} before {end}")
            self._statement(" ".join(statement.split()), line)
        elif end == "{":
            self.scope = _Scope(self.scope)
            return 1
        elif end == "}":
            self.scope = self.scope.outer or self.scope
            return -1
        return 0

    def _statement(self, statement: str, line: int) -> None:
        if statement.startswith(".reg"):
            return self._declare(statement)
        if statement.startswith("."):
            if not statement.startswith((".loc", ".pragma")):
                raise PtxError(f"line {line}: directive {statement!r} is not understood")
            return None
        found = re.match(r"(?:@(!?)([%\w]+)\s+)?([\w.:]+)\s*(.*)$", statement)
        if not found:
            raise PtxError(f"line {line}: {statement!r} is not understood")
        guard = (self._register(found[2], line), bool(found[1])) if found[2] else None
        parts = tuple(found[3].split("."))
        words = _split(found[4])
        labels: list[str] = []
        if parts[0] == "bra":
            labels, words = words, []
        elif parts[0] == "brx":
            lists = self.scope.find("lists", words[1])
            labels, words = list(lists or ()), words[:1]  # pyright: ignore[reportArgumentType, reportCallIssue]
        operands = [self._operand(word, line) for word in words]
        self.code.append(Instruction(parts, operands, line, guard))
        self.where.append((self.scope, labels))
        return None

    def _declare(self, statement: str) -> None:
        _, kind, names = statement.split(None, 2)
        width = WIDTHS[kind.lstrip(".").lstrip("busf")] if kind != ".pred" else 0
        for name, many in _REGISTER.findall(names):
            each = [f"{name}{i}" for i in range(int(many))] if many else [name]
            for i, one in enumerate(each):
                self.scope.registers[one] = Register(self.count + i, width)
            self.count += len(each)

    def _register(self, word: str, line: int) -> Register:
        found = self.scope.find("registers", word)
        if not isinstance(found, Register):
            raise PtxError(f"line {line}: register {word} is unknown")
        return found

    def _operand(self, word: str, line: int) -> Operand:
        if word.startswith("{"):
            return tuple(self._operand(each, line) for each in _split(word[1:-1]))
        if word.startswith("["):
            base, _, offset = word[1:-1].partition("+")
            base, offset = base.strip(), prod(int(factor) for factor in (offset or "0").split("*"))
            found = self.scope.find("registers", base)
            return Address(found if isinstance(found, Register) else base, offset)
        if (found := self.scope.find("registers", word)) is not None:
            return found  # pyright: ignore[reportReturnType]
        return word


def _split(words: str) -> list[str]:
    """At commas that are not within braces."""
    return [word.strip() for word in re.findall(r"(?:\{[^}]*\}|[^,{])+", words) if word.strip()]
