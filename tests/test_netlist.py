"""Cells and netlists: shapes, immutability, equality; the verifier's messages; truth tables."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.compiler import Argmax, Builder, Luts, Netlist, Popcount, Tile, tables, verify
from gatewright.compiler.netlist import renumbered
from gatewright.runtime.errors import NetlistError

AND = Luts(np.array([[2, 3]]), np.array([8]))


def test_cells_say_what_they_drive():
    assert AND.k == 2
    assert AND.n_nets == 1
    assert [Popcount(np.zeros((3, m), int)).width for m in (1, 2, 3, 4, 7, 8)] == [1, 2, 2, 3, 3, 4]
    assert Popcount(np.zeros((3, 4), int)).n_nets == 9
    assert [Argmax(np.zeros((c, 2), int)).width for c in (1, 2, 3, 4, 5, 8, 9)] == [
        *(1, 1, 2, 2, 3, 3, 4)
    ]
    tile = Tile(Netlist(2, (AND,), np.array([4, 2])), np.zeros((5, 2), int))
    assert (tile.places, tile.n_nets) == (5, 10)
    netlist = Netlist(3, (AND, Popcount(np.array([[2, 3]]))), np.array([5]))
    assert netlist.n_nets == 8
    assert [first for first, _ in netlist.placed()] == [5, 6]
    assert repr(netlist) == "<Netlist 3 inputs, 2 cells, 8 nets, 1 outputs>"


def test_arrays_are_compact_and_read_only():
    assert AND.fanin.dtype == np.int32
    assert [Luts(np.zeros((1, k), int), np.array([0])).table.itemsize for k in range(1, 7)] == [
        *(1, 1, 1, 2, 4, 8)
    ]
    for array in (AND.fanin, AND.table, Netlist(0, (), np.array([1])).outputs):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0
    mine = np.array([[2, 3]], np.int32)
    cell = Popcount(mine)
    mine[:] = 0
    assert cell.fanin.tolist() == [[2, 3]]
    assert Popcount(cell.fanin).fanin is cell.fanin, "a read-only array is shared"


def test_equality_is_structural():
    same = Luts(np.array([[2, 3]]), np.array([8]))
    assert same == AND
    assert hash(same) == hash(AND)
    assert Luts(np.array([[2, 3]]), np.array([6])) != AND
    assert Popcount(np.array([[2, 3]])) != AND
    assert Popcount(np.array([[2, 3]])) != Argmax(np.array([[2, 3]]))
    a, b = (Netlist(2, (cell,), np.array([4])) for cell in (AND, same))
    assert a == b
    assert hash(a) == hash(b)
    assert Tile(a, np.array([[2, 3]])) == Tile(b, np.array([[2, 3]]))
    assert a != Netlist(2, (AND,), np.array([2]))
    assert a != "netlist"


def test_renumbered_reads_other_nets():
    assert renumbered(AND, np.arange(4, dtype=np.int32)[::-1]).fanin.tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Luts(np.zeros((2, 7), int), np.zeros(2, int)), "7 columns; allowed are 1 to 6"),
        (lambda: Luts(np.zeros((2, 0), int), np.zeros(2, int)), "0 columns; allowed are 1 to 6"),
        (lambda: Luts(np.zeros((2, 2), int), np.zeros(3, int)), "2 fanin rows, 3 tables; allowed"),
        (lambda: Luts(np.zeros(2, int), np.zeros(2, int)), r"expected 2 dimensions, found shape"),
        (lambda: Luts(np.zeros((1, 2)), np.zeros(1, int)), "expected integers, found dtype float"),
        (lambda: Luts(np.zeros((1, 3), int), np.array([256])), "values do not fit uint8"),
        (lambda: Popcount(np.array([[1 << 31]])), "values do not fit int32"),
        (lambda: Popcount(np.zeros((2, 0), int)), "groups of 0 addends; allowed is 1 or more"),
        (lambda: Argmax(np.zeros((0, 2), int)), r"shape \(0, 2\); allowed is at least one cand"),
        (lambda: Argmax(np.zeros((2, 0), int)), r"shape \(2, 0\); allowed is at least one cand"),
        (
            lambda: Tile(Netlist(2, (), np.array([2])), np.zeros((1, 3), int)),
            "fanin has 3 columns; the body takes 2",
        ),
        (lambda: Netlist(-1, (), np.array([1])), "n_inputs is -1; allowed is 0 or more"),
    ],
)
def test_wrong_shapes_are_refused(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def of(*cells, inputs=2, outputs=(2,)):
    return Netlist(inputs, cells, np.array(outputs, int))


BODY = Netlist(1, (Luts(np.array([[3]]), np.array([1])),), np.array([3]))


@pytest.mark.parametrize(
    ("netlist", "message"),
    [
        (
            of(Luts(np.array([[2, 3], [2, 4]]), np.array([8, 8]))),
            r"cell 0 \(Luts\), row 1, column 1: reads net 4; allowed are 0 to 3, the nets driven "
            "before it; order the cells by dependence",
        ),
        (of(AND, Popcount(np.array([[2, -1]]))), r"cell 1 \(Popcount\), row 0, column 1: reads ne"),
        (of(Argmax(np.array([[9], [2]]))), r"cell 0 \(Argmax\), row 0, column 0: reads net 9; all"),
        (
            of(Tile(BODY, np.array([[2]]))),
            r"cell 0 \(Tile\), body: cell 0 \(Luts\), row 0, column 0: reads net 3; allowed are 0",
        ),
        (of(outputs=[2, 4]), "outputs, row 0, column 1: reads net 4; allowed are 0 to 3"),
        (of(Luts(np.array([[2]]), np.array([4]))), r"cell 0 \(Luts\), row 0: table 0x4 of 1 inp"),
        (
            of(Luts(np.array([[2, 3]] * 2), np.array([3, 16]))),
            r"cell 0 \(Luts\), row 1: table 0x10 of 2 inputs; allowed are 0 to 0xf",
        ),
        (
            of(AND, Luts(np.zeros((0, 2), int), np.zeros(0, int))),
            r"cell 1 \(Luts\): drives no net; allowed is one or more; leave the cell out",
        ),
        (
            of(Tile(Netlist(0, (), np.zeros(0, int)), np.zeros((3, 0), int))),
            r"cell 0 \(Tile\): drives no net",
        ),
        (
            of(Tile(Netlist(0, (), np.ones(1 << 16, int)), np.zeros((1 << 15, 0), int))),
            "netlist: 2147483652 nets; allowed are 2147483647; keep repeated parts as tiles",
        ),
        (
            of(Tile(Netlist(0, (), np.ones(1, int)), np.zeros(((1 << 16) + 1, 0), int))),
            r"cell 0 \(Tile\): 65537 places of a body without inputs; allowed are 65536; all",
        ),
    ],
)
def test_verify_names_the_place(netlist, message):
    with pytest.raises(NetlistError, match=message):
        verify(netlist)


def test_verify_returns_its_argument():
    netlist = of(AND, outputs=[4, 0, 1, 2, 2])
    assert verify(netlist) is netlist


def test_builder_adds_inputs_at_any_time():
    builder = Builder()
    a = builder.inputs(2)
    both = builder.luts([a], 0x8)
    b = builder.inputs(1)
    count = builder.popcount([[both[0], b[0], a[1]]])
    best = builder.argmax(count.reshape(2, 1))
    placed = builder.tile(of(AND, outputs=[4, 2]), [[a[0], b[0]], [best[0], 1]])
    assert (count.shape, best.shape, placed.shape) == ((1, 2), (1,), (2, 2))
    assert builder.n_inputs == 3
    assert str(builder.build([placed, placed])) == (
        "netlist inputs=3\n"
        "  %5 = lut 0x8 %2 %3\n"
        "  %6..%7 = popcount %5 %4 %3\n"
        "  %8 = argmax (%6) (%7)\n"
        "  tile\n"
        "    netlist inputs=2\n"
        "      %4 = lut 0x8 %2 %3\n"
        "      output %4 %2\n"
        "  %9..%10 = place %2 %4\n"
        "  %11..%12 = place %8 %1\n"
        "  output %9 %10 %11 %12 %9 %10 %11 %12\n"
    )


def test_builder_refuses_nets_to_come():
    with pytest.raises(NetlistError, match=r"builder, Luts, row 0, column 1: reads net 4; allowed"):
        Builder(2).luts([[2, 4]], 0x8)
    for net in (-1, 4):
        with pytest.raises(NetlistError, match=f"outputs, .*reads net {net}; allowed are 0 to 3"):
            Builder(2).build([net])


# truth tables, each function against what it says, pattern by pattern


@st.composite
def functions(draw):
    """A table of k inputs, k, and two inputs of it."""
    k = draw(st.integers(1, 6))
    table = draw(st.integers(0, (1 << (1 << k)) - 1))
    return np.array([table], np.uint64), k, draw(st.integers(0, k - 1)), draw(st.integers(0, k - 1))


def values(table, k):
    return [int(table[0]) >> j & 1 for j in range(1 << k)]


def without(j, i):
    """Pattern j with input i removed."""
    return j & (1 << i) - 1 | (j >> i + 1) << i


@given(functions())
def test_tables(case):
    table, k, i, j = case
    f = values(table, k)
    patterns = range(1 << k)
    assert values(tables.flip(table, i), k) == [f[p ^ 1 << i] for p in patterns]
    assert values(tables.cofactor(table, i, True), k) == [f[p | 1 << i] for p in patterns]
    assert values(tables.cofactor(table, i, False), k) == [f[p & ~(1 << i)] for p in patterns]
    assert tables.depends(table, i)[0] == any(f[p] != f[p ^ 1 << i] for p in patterns)
    exchanged = [p & ~(1 << i | 1 << j) | (p >> i & 1) << j | (p >> j & 1) << i for p in patterns]
    assert values(tables.swap(table, i, j), k) == [f[p] for p in exchanged]
    if i != j:
        joined = [p & ~(1 << j) | (p >> i & 1) << j for p in patterns]
        assert values(tables.merge(table, i, j), k) == [f[p] for p in joined]
    for to in range(k, 7):
        wide = values(tables.extend(table, k, to), to)
        assert wide == [f[p & (1 << k) - 1] for p in range(1 << to)]
    if k > 1:
        held = tables.cofactor(table, i, True)
        narrow = values(tables.remove(held, i, k), k)
        assert all(narrow[without(p, i)] == f[p | 1 << i] for p in patterns)
        assert not any(narrow[1 << k - 1 :])
