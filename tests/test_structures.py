"""The table of small circuits holds what it says, and nothing smaller exists."""

import numpy as np
import pytest

from gatewright.compiler.structure_search import enumerate_structures
from gatewright.compiler.structures import (
    INPUTS,
    Structures,
    classes,
    structures,
    substituted,
    table_of,
)


def check(table: Structures) -> None:
    """Every circuit computes the representative of its class, in order, with equal sizes."""
    for index, target in enumerate(classes().representative.tolist()):
        rows = range(table.start[index], table.start[index + 1])
        assert len(rows)
        assert len(set(table.size[rows].tolist())) == 1
        for row in rows:
            size = int(table.size[row])
            nodes = table.gates[row, :size] >> 1
            assert (nodes <= INPUTS + np.arange(size)[:, None]).all()
            assert table_of(table.gates[row], size, int(table.output[row])) == target


def test_every_circuit_computes_its_class():
    check(structures())


@pytest.mark.parametrize("row", [5, 100, 2000])
def test_a_wrong_circuit_is_found(row):
    table = structures()
    gates = table.gates.copy()
    gates[row, 0, 0] ^= 1
    output = table.output.copy()
    output[row] ^= 1
    for wrong in (
        Structures(table.start, gates, table.size, table.output),
        Structures(table.start, table.gates, table.size, output),
    ):
        with pytest.raises(AssertionError):
            check(wrong)


def test_sizes_are_those_of_knuth():
    """The Art of Computer Programming 4A, 7.1.2: classes by the gates that they need."""
    table = structures()
    sizes = table.size[table.start[:-1]]
    assert np.bincount(sizes).tolist() == [2, 2, 5, 20, 34, 75, 72, 12]


def test_enumeration_finds_nothing_smaller():
    found = enumerate_structures(6, 1)
    if found is None:
        pytest.skip("enumerating needs a C compiler")
    table = structures()
    sizes = table.size[table.start[:-1]]
    np.testing.assert_array_equal(found.size, np.where(sizes <= 6, sizes, 255))


def test_classes_turn_representatives_into_functions():
    known = classes()
    assert len(known.representative) == 222
    for table in np.random.default_rng(0).integers(0, 1 << 16, 200).tolist():
        target = int(known.representative[known.of[table]])
        move = tuple(known.permutation[table].tolist())
        assert substituted(target, move, int(known.phase[table])) == table
