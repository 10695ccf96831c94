"""The printed form: round trips, what it looks like, and what the parser says of bad text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import netlists

from gatewright.compiler.text import format_netlist, parse_netlist
from gatewright.runtime.errors import FileError, GatewrightError, NetlistError

EVERYTHING = """\
netlist inputs=2
  %4 = lut 0x1 %2
  %5 = lut 0x8 %2 %4

  %6 = lut 0x6 %5 %1
  %7 = lut 0xcafe0000cafe0000 %0 %1 %2 %3 %4 %5
  %8..%9 = popcount %6 %4
  %10..%11 = popcount %6 %5

  %12..%13 = popcount %10 %11
  %14..%15 = argmax (%2 %3) (%4 %5) (%6 %0)
  %16 = argmax (%2)
  tile
    netlist inputs=1
      tile
        netlist inputs=0
          output %1 %0
      %3..%4 = place
      output %2 %4 %3
  %17..%19 = place %14
  %20..%22 = place %15
  output %16 %22 %0 %2
"""


@settings(max_examples=200, deadline=None)
@given(netlist=netlists())
def test_round_trip(netlist):
    text = format_netlist(netlist)
    parsed = parse_netlist(text)
    assert parsed == netlist
    assert format_netlist(parsed) == text == str(netlist)


def test_every_kind_round_trips():
    netlist = parse_netlist(EVERYTHING)
    assert str(netlist) == EVERYTHING
    kinds = [type(cell).__name__ for cell in netlist.cells]
    assert kinds == ["Luts"] * 4 + ["Popcount"] * 2 + ["Argmax"] * 2 + ["Tile"]


def test_spaces_and_trailing_lines_do_not_matter():
    loose = EVERYTHING.replace("  ", "\t ") + "\n \n"
    assert parse_netlist(loose) == parse_netlist(EVERYTHING)


def test_a_netlist_of_nothing():
    assert str(parse_netlist("netlist inputs=0\noutput")) == "netlist inputs=0\n  output\n"


HEAD = "netlist inputs=2\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"line 0: found ''; expected `netlist inputs=N`"),
        ("netlist\n", r"line 1: found 'netlist'; expected `netlist inputs=N`"),
        ("netlist inputs=-1\n", r"line 1: found 'netlist inputs=-1'; expected `netlist inputs=N`"),
        (f"netlist inputs={'9' * 5000}\n", r"line 1: .*; expected `netlist inputs=N`"),
        ("netlist inputs=0\ntile\n" * 2000, "tiles nested too deep"),
        (HEAD, r"found 'end of text'; expected an `output` line"),
        (HEAD + "  output %2\n  output %3\n", r"line 3: found 'output %3'; expected nothing after"),
        (HEAD + "  %4 = nand %2 %3\n", r"line 2: found '%4 = nand %2 %3'; allowed are lut, popco"),
        (HEAD + "  output 2\n", r"line 2: found '2'; allowed are nets such as %2 %3"),
        (HEAD + "  %4 = lut 0x8 2 3\n", r"line 2: found '2 3'; allowed are nets such as %2 %3"),
        (HEAD + "  %4 = lut 0xZ %2\n", r"line 2: invalid literal for int\(\) with base 16: '0xZ'"),
        (HEAD + "  %5 = lut 0x8 %2 %3\n", r"line 2: drives net %5; the next net is %4"),
        (HEAD + "  %4..%5 = lut 0x8 %2 %3\n", r"line 2: drives up to %5; lut here drives 1 nets"),
        (HEAD + "  %4 = popcount %2 %3\n", r"line 2: drives up to %4; popcount here drives 2 nets"),
        (HEAD + "  %4 = argmax (%2) (%3 %2)\n", r"line 2: argmax candidates differ in width"),
        (HEAD + "  %4 = argmax\n", r"line 2: argmax candidates differ in width"),
        (HEAD + "  %4 = place %2\n", r"line 2: `place` without a `tile` above it"),
        (HEAD + "  tile\n  output %2\n", r"line 3: found 'output %2'; expected `netlist inputs=N`"),
        (
            HEAD
            + "  tile\n    netlist inputs=1\n      output %2\n  %4 = place %2 %3\n  output %4\n",
            r"line 6: Tile: fanin has 2 columns; the body takes 1",
        ),
        (
            HEAD + "  tile\n    netlist inputs=1\n      output %2 %x\n  %4 = place %2\n",
            r"line 4: found '%2 %x'; allowed are nets such as %2 %3",
        ),
        (HEAD + "  %4 = lut 0x100 %2 %3\n  output %4\n", r"line 3: values do not fit uint8"),
        (
            HEAD + "  %4 = lut 0x8 %2 %99999999999\n  output %4\n",
            r"line 3: values do not fit int32",
        ),
        (HEAD + "  %4 = lut 0x8\n  output %4\n", r"line 3: Luts: fanin has 0 columns; allowed are"),
        (HEAD + f"  %4 = lut 0x{'f' * 17} %2\n  output %4\n", r"line 3: "),
    ],
)
def test_malformed_text_names_its_line(text, message):
    with pytest.raises(FileError, match=message):
        parse_netlist(text)


def test_text_that_breaks_a_rule_of_the_ir():
    with pytest.raises(NetlistError, match=r"cell 0 \(Luts\), row 0, column 1: reads net 4"):
        parse_netlist("netlist inputs=2\n  %4 = lut 0x8 %2 %4\n  output %4\n")
    with pytest.raises(NetlistError, match=r"outputs, row 0, column 0: reads net 9"):
        parse_netlist("netlist inputs=2\n  output %9\n")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(EVERYTHING.splitlines()), max_size=12).map("\n".join))
def test_shuffled_lines_never_crash(text):
    try:
        netlist = parse_netlist(text)
    except GatewrightError:
        return
    assert parse_netlist(str(netlist)) == netlist


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_edited_text_never_crashes(data):
    text = EVERYTHING
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        end = at + data.draw(st.integers(0, 5))
        text = text[:at] + data.draw(st.text("%0123456789 ()x=.\nlutpa-", max_size=4)) + text[end:]
    try:
        netlist = parse_netlist(text)
    except GatewrightError:
        return
    assert parse_netlist(str(netlist)) == netlist
