"""What encoder, logic and head cost."""

import pytest
from circuits import classifier
from pass_checks import parse

from gatewright.compiler import Circuit, Encoder
from gatewright.compiler.cost import cost
from gatewright.runtime.errors import NetlistError


def test_sections_and_table():
    found = cost(classifier())
    assert [section.name for section in found.sections] == ["encoder", "logic", "head"]
    for section in found.sections:
        assert section.luts6 <= section.luts3 <= section.gates
    header, *rows = str(found).splitlines()
    assert header.split() == ["section", "gates", "LUT3", "LUT6", "levels"]
    assert rows[-1].startswith("encoder: ")


def test_counts_inside_tiles_belong_to_the_head():
    netlist = parse(
        """
        netlist inputs=4
          %6 = lut 0x6 %2 %3
          tile
            netlist inputs=3
              tile
                netlist inputs=3
                  %5..%6 = popcount %2 %3 %4
                  output %5 %6
              %5..%6 = place %2 %3 %4
              output %5 %6
          %7..%8 = place %6 %4 %5
          output %7 %8
        """
    )
    _, logic, head = cost(Circuit(Encoder.boolean(4), netlist)).sections
    assert (logic.gates, logic.levels) == (1, 1)
    assert head.luts3 == 2  # a full adder


def test_the_cost_of_something_else_is_refused():
    with pytest.raises(NetlistError, match="cost: given a Netlist; allowed is a Circuit; put a"):
        cost(classifier().netlist)
