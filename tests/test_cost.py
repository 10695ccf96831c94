"""What encoder, logic and head cost."""

from circuits import classifier

from gatewright.compiler.cost import cost


def test_sections_and_table():
    found = cost(classifier())
    assert [section.name for section in found.sections] == ["encoder", "logic", "head"]
    for section in found.sections:
        assert section.luts6 <= section.luts3 <= section.gates
    header, *rows = str(found).splitlines()
    assert header.split() == ["section", "gates", "LUT3", "LUT6", "levels"]
    assert rows[-1].startswith("encoder: ")
