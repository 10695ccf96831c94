"""Sweeping: what no output reads goes."""

from pass_checks import golden

from gatewright.compiler.passes.sweep import sweep


def test_sweep_removes_rows_places_and_body_logic():
    golden(
        sweep,
        """
        netlist inputs=3
          %5 = lut 0x8 %2 %3
          %6 = lut 0x6 %2 %3
          tile
            netlist inputs=3
              %5 = lut 0x8 %2 %3
              %6 = lut 0x6 %2 %4
              output %5 %6
          %7..%8 = place %5 %2 %6
          %9..%10 = place %2 %3 %4
          %11..%12 = popcount %2 %3
          %13..%14 = popcount %3 %4
          %15 = argmax (%2) (%3)
          output %7 %14
        """,
        """
        netlist inputs=3
          %5 = lut 0x8 %2 %3
          tile
            netlist inputs=2
              %4 = lut 0x8 %2 %3
              output %4
          %6 = place %5 %2
          %7..%8 = popcount %3 %4
          output %6 %8
        """,
    )
