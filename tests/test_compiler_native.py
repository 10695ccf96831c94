"""The optimiser's native code: where it cannot be built, and what it cannot number."""

import pytest
from pass_checks import assert_same_function, chain, dense

from gatewright.compiler import subject_split
from gatewright.compiler.native import library
from gatewright.compiler.optimize import optimize
from gatewright.compiler.subject_split import split
from gatewright.runtime.errors import NetlistError


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_one_warning_serves_all_libraries(recwarn):
    netlist = dense(6, 20, 4)
    assert_same_function(netlist, optimize(netlist))
    assert library("lutmap") is library("fraig") is library("refactor") is None
    (warning,) = recwarn
    assert "optimising in Python, which is slower: no C compiler" in str(warning.message)


def test_logic_beyond_native_indices_is_refused(monkeypatch):
    netlist = chain(0x8, 1)
    monkeypatch.setattr(subject_split, "_MOST_NODES", 5)
    assert split(netlist)
    monkeypatch.setattr(subject_split, "_MOST_NODES", 4)
    with pytest.raises(NetlistError, match="logic: 5 nets and 1 outputs; allowed are 4 of each"):
        split(netlist)
