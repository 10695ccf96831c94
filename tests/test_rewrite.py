"""`Rewrite`: other programs' resynthesis, and what is done about programs that fail."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from hypothesis import given, settings
from pass_checks import assert_pass, golden
from strategies import netlists

from gatewright.compiler import Builder, Netlist
from gatewright.compiler.bodies import with_bodies
from gatewright.compiler.mapping import map_luts
from gatewright.compiler.passes.rewrite import Rewrite
from gatewright.compiler.passes.rewrite_engines import find_abc
from gatewright.compiler.passes.strash import strash
from gatewright.compiler.stats import n_gates
from gatewright.compiler.subject_split import split
from gatewright.runtime.errors import BuildError, ExtraMissing, NetlistError, ToolMissing


def count_luts(netlist: Netlist, k: int) -> int:
    """LUTs of the netlist's own logic and of its tiles' bodies, each once."""
    counts: list[int] = []

    def count(inner: Netlist) -> Netlist:
        counts.append(len(map_luts(split(inner)[0], k).table))
        return inner

    with_bodies(netlist, count)
    return sum(counts)


def _has_abc() -> bool:
    try:
        return bool(find_abc())
    except ToolMissing:
        return False


needs_abc = pytest.mark.skipif(not _has_abc(), reason="ABC is not installed")
needs_mockturtle = pytest.mark.skipif(
    importlib.util.find_spec("aigverse") is None, reason="aigverse is not installed"
)
engines = pytest.mark.parametrize(
    "engine",
    [pytest.param("abc", marks=needs_abc), pytest.param("mockturtle", marks=needs_mockturtle)],
)


@engines
def test_shared_factor(engine: str) -> None:
    golden(
        Rewrite(engine),
        """
        netlist inputs=3
          %5 = lut 0x8 %2 %3
          %6 = lut 0x8 %2 %4

          %7 = lut 0xe %5 %6
          output %7
        """,
        """
        netlist inputs=3
          %5 = lut 0x1 %4 %3

          %6 = lut 0x4 %5 %2
          output %6
        """,
    )


@needs_abc
@settings(max_examples=8, deadline=None)
@given(netlists(max_cells=4, max_k=3, depth=1))
def test_abc_keeps_functions(netlist: Netlist) -> None:
    assert_pass(Rewrite("abc", window=40), netlist, idempotent=False)


@needs_mockturtle
@settings(max_examples=2, deadline=None)
@given(netlists(max_cells=4, max_k=3, depth=1))
def test_mockturtle_keeps_functions(netlist: Netlist) -> None:
    assert_pass(Rewrite("mockturtle"), netlist, idempotent=False)


@engines
def test_windows_get_smaller(engine: str) -> None:
    netlist = redundant(6)
    result = Rewrite(engine, window=200)(netlist)
    assert n_gates(result) < n_gates(netlist)
    assert_pass(lambda _: result, netlist, idempotent=False)


@needs_abc
@settings(max_examples=8, deadline=None)
@given(netlists(max_cells=4, max_k=3, depth=1))
def test_no_more_luts(netlist: Netlist) -> None:
    result = assert_pass(Rewrite("abc", k=3), netlist, idempotent=False)
    assert count_luts(result, 3) <= count_luts(netlist, 3)


@needs_abc
def test_proved_by_cec() -> None:
    netlist = redundant(3)
    assert n_gates(Rewrite("abc", prove=True)(netlist)) < n_gates(netlist)


def redundant(copies: int) -> Netlist:
    """(a & b) | (a & c) for random inputs a, b and c, `copies` times 30 times."""
    random = np.random.default_rng(0)
    builder = Builder(8)
    a, b, c = random.permuted(np.tile(np.arange(2, 10), (30 * copies, 1)), axis=1).T[:3]
    left = builder.luts(np.stack([a, b], 1), np.full(len(a), 0x8))
    right = builder.luts(np.stack([a, c], 1), np.full(len(a), 0x8))
    return builder.build(builder.luts(np.stack([left, right], 1), np.full(len(a), 0xE)))


# Programs that stand in for ABC. `text` is the first file's bytes, `commands` what it was told.
STAND_IN = """\
#!{python} -SE
import sys, time
commands = sys.argv[-1]
data = open("before.aig", "rb").read()
head, _, rest = data.partition(b"\\n")
_, most, inputs, _, outputs, gates = head.split()
def answer(data):
    open("after.aig", "wb").write(data)
{body}
"""


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    path = folder / "abc"
    path.write_text(STAND_IN.format(python=sys.executable, body=dedent(body)))
    path.chmod(0o755)
    monkeypatch.setenv("GATEWRIGHT_ABC", str(path))


WRONG = "answer(b'aig %s %s 0 %s 0\\n' % (inputs, inputs, outputs) + b'0\\n' * int(outputs))"
FAILURES = {
    "wrong answer": (WRONG, "a wrong answer"),
    "other outputs": (
        "answer(b'aig %s %s 0 1 0\\n0\\n' % (inputs, inputs))",
        "an answer of 8 inputs and 1 outputs for 8 and 180",
    ),
    "stops early": (
        "print(\"** cmd error: unknown command 'resyn2'\")",
        "status 0 and no result.*unknown command 'resyn2'",
    ),
    "crashes": ("sys.exit(3)", "status 3 and no result"),
    "half a file": ("answer(data[:60])", "after.aig"),
    "nonsense": ("answer(b'wonderful')", "after.aig"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_failing_program(failure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body, message = FAILURES[failure]
    stand_in(tmp_path, monkeypatch, body)
    with pytest.raises(BuildError, match=f"(?s)no window was answered.*{message}"):
        Rewrite("abc")(redundant(6))


@needs_abc
def test_one_wrong_window_costs_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = find_abc()
    flag = tmp_path / "used"
    body = f"""
    import os, subprocess
    if os.path.exists({str(flag)!r}):
        subprocess.run([{real!r}, *sys.argv[1:]])
    else:
        open({str(flag)!r}, "w").close()
        {WRONG}
    """
    stand_in(tmp_path, monkeypatch, body)
    netlist = redundant(2)
    with pytest.warns(UserWarning, match=r"1 windows of 3 stay as they were.*a wrong answer"):
        result = Rewrite("abc", window=60)(netlist)
    assert n_gates(result) < n_gates(netlist)
    assert_pass(lambda _: result, netlist, idempotent=False)


def test_a_larger_answer_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "answer(data)")
    netlist = strash(redundant(1))
    assert Rewrite("abc")(netlist) is netlist


def test_time_runs_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "time.sleep(60)")
    netlist = redundant(1)
    assert Rewrite("abc", seconds=0.1)(netlist) is netlist


def test_cec_that_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "print('UNDECIDED') if 'cec' in commands else answer(data)")
    with pytest.raises(BuildError, match=r"cec did not prove the answer.*UNDECIDED"):
        Rewrite("abc", prove=True)(redundant(1))


@needs_abc
def test_aliases_are_refused() -> None:
    with pytest.raises(BuildError, match="unknown command 'resyn2'"):
        Rewrite("abc", "strash; resyn2")(redundant(1))


def test_no_abc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GATEWRIGHT_ABC", str(tmp_path / "none"))
    with pytest.raises(ToolMissing, match=r"GATEWRIGHT_ABC=.*no program"):
        Rewrite("abc")(redundant(1))
    monkeypatch.delenv("GATEWRIGHT_ABC")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolMissing, match=r"yosys-abc, abc, berkeley-abc.*gatewright\[rewrite\]"):
        Rewrite("abc")(redundant(1))


def test_no_aigverse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ExtraMissing, match=r"aigverse.*gatewright\[rewrite\]"):
        Rewrite()(redundant(1))


def test_bad_options() -> None:
    with pytest.raises(NetlistError, match="engine 'yosys'; allowed are 'mockturtle', 'abc'"):
        Rewrite("yosys")
    with pytest.raises(NetlistError, match="k is 7; allowed are None and 2 to 6"):
        Rewrite(k=7)
    with pytest.raises(NetlistError, match="window 0"):
        Rewrite(window=0)
    with pytest.raises(NetlistError, match="seconds -1"):
        Rewrite(seconds=-1)
    for script in ("system rm", "balancing; equivalence_checking", "balancing cut_size=x"):
        with pytest.raises(NetlistError, match="in the script for mockturtle; allowed are"):
            Rewrite("mockturtle", script)(redundant(1))
    with pytest.raises(NetlistError, match="commands with ; between them"):
        Rewrite("abc", "strash;; dc2")(redundant(1))
