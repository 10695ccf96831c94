"""Truth tables as text mean what the tables say."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.backends.formulas import Dialect, expression, formula

PYTHON = Dialect("0", "~0", "({high} if {select} & 1 else {low})")


def evaluate(text: str, values: dict[str, int]) -> int:
    return eval(text, {}, values) & 1


@pytest.mark.parametrize("k", [1, 2, 3])
def test_every_small_table(k):
    names = ["x", "y", "z"][:k]
    for table in range(1 << (1 << k)):
        text = expression(table, names, PYTHON)
        for pattern in range(1 << k):
            values = {name: pattern >> i & 1 for i, name in enumerate(names)}
            assert evaluate(text, values) == table >> pattern & 1, (table, text)


@given(st.integers(4, 6), st.data())
def test_wide_tables(k, data):
    table = data.draw(st.integers(0, (1 << (1 << k)) - 1))
    names = [f"v{i}" for i in range(k)]
    text = expression(table, names, PYTHON)
    for bits in itertools.islice(itertools.product((0, 1), repeat=k), 64):
        pattern = sum(bit << i for i, bit in enumerate(bits))
        assert evaluate(text, dict(zip(names, bits, strict=True))) == table >> pattern & 1


@pytest.mark.parametrize(
    ("table", "operators"), [(0x8, 1), (0x7, 2), (0x6, 1), (0x9, 2), (0xA, 0), (0x5, 1)]
)
def test_two_input_formulas_are_shortest(table, operators):
    assert sum(symbol in "&|^~" for symbol in formula(table, 2)) == operators


def test_full_adder_formulas():
    assert sum(symbol in "&|^~" for symbol in formula(0x96, 3)) == 2
    assert sum(symbol in "&|^~" for symbol in formula(0xE8, 3)) == 4


def test_a_wide_table_without_the_top_input_has_no_multiplexer():
    assert "if" not in expression(0x8888, list("wxyz"), PYTHON)
