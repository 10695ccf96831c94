"""What a Verilog module declares: ports, wires and vectors."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .definitions import Definitions
from .expressions import BadExpression
from .reading import Source, short

Tokens = list[str]
_INDEX = re.compile(r"\[\s*(\d+)\s*\]\Z")
_NAME = re.compile(r"\\|[A-Za-z_]")
# Signs say nothing of bits where all operands are of one width.
_TYPES = ("wire", "tri", "signed")


def is_name(token: str) -> bool:
    """Whether a token is an identifier, with or without an index."""
    return _NAME.match(token) is not None


def is_constant(token: str) -> bool:
    """Whether a token is a number with a width."""
    return "'" in token and token[0] != "\\"


def split_at_commas(tokens: Tokens) -> Iterator[Tokens]:
    """The parts of a list; commas in parentheses and braces do not divide it."""
    depth, part = 0, []
    for token in [*tokens, ","] if tokens else []:
        if token == "," and depth <= 0:
            if not part:
                raise BadExpression("nothing between commas")
            yield part
            part = []
            continue
        depth += token in "([{"
        depth -= token in ")]}"
        part.append(token)
    if part:
        raise BadExpression("a parenthesis or brace without its other")


class Room:
    """How many bits the vectors of a file may have, which its size warrants."""

    def __init__(self, source: Source) -> None:
        self._left = (1 << 20) + len(source.data)

    def take(self, name: str, bits: int) -> None:
        """Refuse what is wider than what is left."""
        self._left -= bits
        if self._left < 0:
            raise BadExpression(f"{short(name)}: more bits of vectors than such a file may have")


class Nets:
    """The nets of a module by what its text calls them.

    vectors: (msb, lsb) of what has a range. scalars: names declared without one.
    """

    def __init__(self, definitions: Definitions, room: Room) -> None:
        self.definitions = definitions
        self._room = room
        self.vectors: dict[str, tuple[int, int]] = {}
        self.scalars: set[str] = set()
        self.directions: dict[str, str] = {}
        self.order: dict[str, None] = {}  # the ports
        self._known: dict[str, int] = {}  # the net of each token that is one bit

    def ports(self, parts: Iterator[Tokens]) -> None:
        """The module's ports, in order, with or without their directions."""
        shape: Tokens = []
        for part in parts:
            if part[0] in ("input", "output"):
                shape = part[:-1]
            *own, name = part
            if own and own != shape:
                raise BadExpression(f"port {short(' '.join(part))}")
            if shape:
                self._declare(shape[0], *self._range(shape[1:]), name)
            name = self.plain(name)
            if name in self.order:
                raise BadExpression(f"a second port {short(name)}")
            self.order[name] = None

    def declare(self, tokens: Tokens) -> Iterator[Tokens]:
        """Declare the names of a statement; yields those that are assigned to as well."""
        kind = tokens[0]
        start = 1
        while start < len(tokens) and not (is_name(tokens[start]) and tokens[start] not in _TYPES):
            start += 1
        bounds = self._range(tokens[1:start])
        for part in split_at_commas(tokens[start:]):
            self._declare(kind, *bounds, part[0])
            if part[1:2] == ["="]:
                yield part
            elif len(part) > 1:
                raise BadExpression(f"{short(' '.join(part))} declared")

    def _range(self, tokens: Tokens) -> tuple[int, int] | tuple[None, None]:
        """The bounds of `wire [msb:lsb]`, or two times None."""
        tokens = [token for token in tokens if token not in _TYPES]
        if not tokens:
            return None, None
        marks = [*tokens[0:1], *tokens[2:3], *tokens[4:]]
        if marks != ["[", ":", "]"] or not all(map(str.isdecimal, tokens[1:4:2])):
            raise BadExpression(f"range {short(' '.join(tokens))}")
        if max(map(len, tokens[1:4:2])) > 9:
            raise BadExpression(f"range {short(' '.join(tokens))}")
        return int(tokens[1]), int(tokens[3])

    def _declare(self, kind: str, msb: int | None, lsb: int | None, token: str) -> None:
        name = self.plain(token)
        if kind in ("input", "output"):
            if self.directions.setdefault(name, kind) != kind:
                raise BadExpression(f"{short(name)} declared as input and output")
            if msb is not None and lsb is not None:
                self._room.take(name, abs(msb - lsb) + 1)
        if msb is None or lsb is None:
            self.scalars.add(name)
            clash = name in self.vectors
        else:
            clash = name in self.scalars
            clash = clash or self.vectors.setdefault(name, (msb, lsb)) != (msb, lsb)
        if clash:
            raise BadExpression(f"{short(name)} declared again with another range")

    @staticmethod
    def plain(token: str) -> str:
        """The name that a token stands for."""
        if (
            not is_name(token)
            or (token[0] != "\\" and token.endswith("]"))
            or len(token.split()) > 1
        ):
            raise BadExpression(f"{short(token)} where a name is needed")
        return token[1:] if token[0] == "\\" else token

    def scalar(self, token: str) -> int | None:
        """The net that a token names; None if it is a vector or no name."""
        net = self._known.get(token)
        if net is None and is_name(token) and (net := self._bit(token)) is not None:
            self._known[token] = net
        return net

    def _one(self, name: str) -> int:
        """The net of a name without a range; one that ends like a bit of a vector is none."""
        if not name.endswith("]"):
            return self.definitions.number[name]
        net = self.definitions.number[f"\\{name} "]
        self.definitions.names[net] = name
        return net

    def _bit(self, token: str) -> int | None:
        """The net of the bit that a token names; None for a whole vector."""
        escaped = token[0] == "\\"
        found = _INDEX.search(token)
        if found is None or (escaped and len(token.split()) == 1):
            name = token[1:] if escaped else token
            return None if name in self.vectors else self._one(name)
        base, index = token[escaped : found.start()].rstrip(), int(found[1][:10])
        if base not in self.vectors:
            raise BadExpression(f"{short(token)}: {short(base)} is no vector")
        if not min(self.vectors[base]) <= index <= max(self.vectors[base]):
            raise BadExpression(f"{short(token)}: outside of its range")
        return self.definitions.number[f"{base}[{index}]"]

    def bits(self, tokens: Tokens, at: int) -> tuple[list[int], int]:
        """The nets of a name, bit, vector or slice at `at`, and the place of its last token."""
        token = tokens[at]
        if not is_name(token):
            raise BadExpression(f"{short(token)} where a value is needed")
        net = self.scalar(token)
        if net is not None:
            return [net], at
        name = token[1:] if token[0] == "\\" else token
        msb, lsb = self.vectors[name]
        if tokens[at + 1 : at + 2] == ["["]:
            high, low = self._range(tokens[at + 1 : at + 6])
            assert high is not None
            assert low is not None
            inside = min(msb, lsb) <= min(high, low) and max(high, low) <= max(msb, lsb)
            if not inside or (high - low) * (msb - lsb) < 0:
                raise BadExpression(f"{short(''.join(tokens[at : at + 6]))}: outside of its range")
            msb, lsb, at = high, low, at + 5
        self._room.take(name, abs(msb - lsb) + 1)
        return [self.definitions.number[bit] for bit in self.names(name, msb, lsb)], at

    @staticmethod
    def names(name: str, msb: int, lsb: int) -> Iterator[str]:
        """The bits of a vector, least significant first."""
        step = 1 if msb >= lsb else -1
        return (f"{name}[{index}]" for index in range(lsb, msb + step, step))

    def connect_ports(self) -> dict[str, list[int]]:
        """Make the bits of the ports inputs and outputs, in order; the nets of each port."""
        ports: dict[str, list[int]] = {}
        for name in self.order:
            if name not in self.directions:
                raise BadExpression(f"port {short(name)} is neither input nor output")
            number = self.definitions.number
            if name in self.scalars:
                bits = [self._one(name)]
            else:
                bits = [number[bit] for bit in self.names(name, *self.vectors[name])]
            ports[name] = bits
            if self.directions[name] == "output":
                self.definitions.outputs += bits
                continue
            for bit in bits:
                self.definitions.input(bit)
        if len(self.directions) > len(self.order):
            extra = next(name for name in self.directions if name not in self.order)
            raise BadExpression(f"{short(extra)} is declared and no port")
        return ports
