"""Running passes: order, checks, reports, presets."""

import numpy as np
import pytest
from hypothesis import given, settings
from pass_checks import assert_pass, chain, dense, parse
from strategies import netlists

from gatewright.compiler import Circuit, Encoder, Luts, Netlist
from gatewright.compiler.optimize import optimize
from gatewright.compiler.passes.decompose import Decompose
from gatewright.compiler.passes.fold import fold
from gatewright.compiler.passes.strash import strash
from gatewright.compiler.passes.sweep import sweep
from gatewright.compiler.pipeline import pass_name, run
from gatewright.compiler.reports import NOTHING_LEFT, Recorder, Report, Step
from gatewright.compiler.stats import n_gates
from gatewright.runtime.errors import NetlistError

SMALL = """
netlist inputs=2
  %4 = lut 0x8 %2 %3
  %5 = lut 0x8 %3 %2
  %6 = lut 0x6 %2 %3

  %7 = lut 0x6 %4 %5

  %8 = lut 0xe %7 %4
  output %8
"""


@pytest.mark.parametrize("level", range(3))
@settings(max_examples=100, deadline=None)
@given(netlist=netlists())
def test_optimize_keeps_the_contract(level, netlist):
    assert_pass(lambda n: optimize(n, level), netlist, idempotent=False)


@settings(max_examples=12, deadline=None)  # it starts other programs
@given(netlist=netlists())
def test_everything_keeps_the_contract(netlist):
    assert_pass(lambda n: optimize(n, 3), netlist, idempotent=False)


def test_levels_do_more_and_more():
    netlist = parse(SMALL)
    assert optimize(netlist, 0) is netlist
    gates = [n_gates(optimize(netlist, level)) for level in range(4)]
    assert gates == [5, 3, 1, 1]
    assert str(optimize(netlist)) == "netlist inputs=2\n  %4 = lut 0x8 %2 %3\n  output %4\n"


@pytest.mark.parametrize("level", [-1, 4, "2", None])
def test_no_such_level(level):
    with pytest.raises(NetlistError, match=f"level {level!r}; allowed are 0 to 3; the default is"):
        optimize(parse(SMALL), level)


def test_optimize_a_circuit():
    circuit = Circuit(Encoder.boolean(2), parse(SMALL))
    small = optimize(circuit)
    assert n_gates(small.netlist) == 1
    assert small.encoder is circuit.encoder
    assert optimize(small) is small


def test_report_has_every_step():
    record = Recorder()
    result = run(parse(SMALL), (fold, strash, fold, sweep, Decompose(2)), after=record)
    report = record.report()
    assert [step.name for step in report.steps] == [
        "input",
        "fold",
        "strash",
        "fold",
        "sweep",
        "Decompose",
    ]
    assert [step.gates for step in report.steps] == [5, 5, 4, 2, 1, 1]
    assert report.steps[-1].gates == n_gates(result)
    assert all(step.seconds >= 0 for step in report.steps)
    record = Recorder()
    optimize(parse(SMALL), 1, after=record)
    names = [step.name for step in record.report().steps]
    assert names == ["input", "fold", "strash", "sweep"]


def test_report_prints_as_a_table():
    report = Report((Step("input", 123456, 10, 0.0), Step("Decompose", 7, 1000, 1.23456)))
    assert str(report).splitlines() == [
        "pass         gates  levels  seconds",
        "input      123,456      10    0.000",
        "Decompose        7   1,000    1.235",
    ]


def test_report_counts_luts_if_asked():
    record = Recorder(luts=True)
    run(parse(SMALL), (fold, strash), after=record)
    assert [(step.luts3, step.luts6) for step in record.report().steps] == [(1, 1)] * 3
    header = str(record.report()).splitlines()[0]
    assert header.split() == ["pass", "gates", "LUT3", "LUT6", "levels", "seconds"]


def test_equal_comparisons_are_one_input():
    encoder = Encoder((2,), np.array([1, 0, 1]), np.array([3, 3, 3], np.float32))
    netlist = parse("""
        netlist inputs=3
          %5 = lut 0x6 %2 %4
          %6 = lut 0x6 %3 %4
          output %5 %6
    """)
    small = optimize(Circuit(encoder, netlist), prove=True)
    assert small.encoder is encoder
    assert n_gates(small.netlist) == 1


def test_no_pass_starts_when_time_is_up():
    netlist = parse(SMALL)
    assert optimize(netlist, 2, seconds=1e-9) is netlist


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan"), "5"])
def test_no_such_time(seconds):
    message = f"seconds {seconds!r}; allowed is a positive number, or None"
    with pytest.raises(NetlistError, match=message):
        optimize(parse(SMALL), seconds=seconds)


@pytest.mark.parametrize("level", range(4))
def test_proof_on_demand(level):
    assert optimize(parse(SMALL), level, prove=True) == optimize(parse(SMALL), level)


def test_what_is_not_proved_is_refused(monkeypatch):
    wrong = parse("netlist inputs=2\n  %4 = lut 0xe %2 %3\n  output %4\n")
    monkeypatch.setattr("gatewright.compiler.optimize._optimized", lambda *_: wrong)
    with pytest.raises(NetlistError, match=r"optimize, level 1: .*refuted"):
        optimize(parse(SMALL), 1, prove=True)


def test_a_wrong_pass_is_caught_by_the_proof_of_every_test(monkeypatch):
    def wrong(netlist):
        return parse("netlist inputs=2\n  %4 = lut 0xe %2 %3\n  output %4\n")

    monkeypatch.setattr("gatewright.compiler.optimize.CLEAN", (wrong,))
    with pytest.raises(AssertionError, match="refuted"):
        optimize(parse(SMALL), 1)


def test_steps_without_effect_share_a_line():
    steps = (Step("input", 9, 2, 0.0), Step("a", 9, 2, 0.5), Step("b", 8, 2, 1.0))
    lines = str(Report((*steps, Step("c", 8, 2, 0.25)))).splitlines()
    assert [line.split()[0] for line in lines] == ["pass", "input", "b", "2"]
    assert lines[-1] == "2 without effect                   0.750"


def test_a_report_says_if_no_gate_is_left():
    first, some, none = (Step("input", gates, 1, 0.0) for gates in (9, 3, 0))
    assert str(Report((first, none))).endswith(NOTHING_LEFT)
    for steps in ((first, some), (none,), (none, none), ()):
        assert NOTHING_LEFT not in str(Report(steps))


def test_callback_gets_step_and_netlist():
    seen = []
    netlist = parse(SMALL)
    run(netlist, (fold, sweep), after=lambda step, result: seen.append((step.name, result)))
    assert [name for name, _ in seen] == ["input", "fold", "sweep"]
    assert seen[0][1] is netlist


def test_passes_are_named():
    assert pass_name(fold) == "fold"
    assert pass_name(Decompose(4)) == "Decompose"


def test_a_pass_that_returns_something_else_is_named():
    def broken(netlist):
        return None

    with pytest.raises(NetlistError, match=r"pass broken: returned NoneType; allowed is a Netlist"):
        run(chain(0x6, 1), [broken])


def test_a_pass_that_drops_an_input_is_named():
    def thrifty(netlist):
        return Netlist(1, (), np.array([2]))

    message = r"pass thrifty: returned 1 inputs and 1 outputs; allowed are 2 and 1; keep inputs"
    with pytest.raises(NetlistError, match=message):
        run(chain(0x6, 1), [thrifty])


def test_a_pass_that_breaks_a_rule_is_named():
    def forward(netlist):
        return Netlist(2, (Luts(np.array([[4, 4]]), np.array([1])),), np.array([4]))

    message = r"pass forward: returned an invalid netlist: cell 0 \(Luts\), row 0, column 0: reads"
    with pytest.raises(NetlistError, match=message):
        run(chain(0x6, 1), [forward])


def test_optimize_a_dense_network():
    record = Recorder()
    optimize(dense(100, 2000, 5), 2, after=record)
    gates = [step.gates for step in record.report().steps]
    assert gates == sorted(gates, reverse=True)
    assert gates[-1] < gates[0] / 3


def test_a_wrong_pass_is_named_where_proofs_are_asked_for():
    netlist = parse("netlist inputs=2\n  %4 = lut 0x8 %2 %3\n  output %4\n")

    def wrong(_):
        return parse("netlist inputs=2\n  %4 = lut 0x7 %2 %3\n  output %4\n")

    assert run(netlist, (fold, wrong)) == wrong(netlist)
    with pytest.raises(NetlistError, match="pass wrong: refuted: output 0 differs with no input"):
        run(netlist, (fold, wrong, strash), prove=True)
    assert run(netlist, (fold, strash), prove=True) is netlist


def test_only_netlists_and_circuits_are_optimised():
    with pytest.raises(NetlistError, match="optimize: NoneType; allowed is a Netlist or a Circuit"):
        optimize(None)
