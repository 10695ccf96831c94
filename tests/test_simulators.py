"""The simulators' runtime: verdicts, failures, missing tools, and nothing left behind."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from gatewright.runtime.errors import BuildError, ToolMissing
from gatewright.runtime.simulators import available, lint, simulate_testbench
from gatewright.runtime.tools import first_lines

needs_iverilog = [
    pytest.mark.simulator,
    pytest.mark.skipif("iverilog" not in available(), reason="needs Debian's package iverilog"),
]
needs_verilator = [
    pytest.mark.simulator,
    pytest.mark.skipif("verilator" not in available(), reason="needs Debian's package verilator"),
]


def bench(body: str) -> dict[str, bytes]:
    return {"t.v": f"module t;\n  initial begin\n{body}\n    $finish;\n  end\nendmodule\n".encode()}


iverilog = pytest.param("iverilog", marks=needs_iverilog)
verilator = pytest.param("verilator", marks=needs_verilator)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary directory for everything."""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


@pytest.mark.parametrize("simulator", [iverilog, verilator])
def test_verdict(simulator: str, workplace: Path) -> None:
    result = simulate_testbench(simulator, bench('    $display("FAIL 2 of 7 vectors");'), "t")
    assert (result.simulator, result.vectors, result.failures) == (simulator, 7, 2)
    assert not result.passed
    assert "FAIL 2 of 7 vectors" in result.log
    assert not list(workplace.iterdir())


@pytest.mark.parametrize("simulator", [iverilog, verilator])
def test_temporary_directory_with_spaces(
    simulator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "a place (1)"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    files = bench('    $display("PASS 1 vectors");')
    if simulator == "verilator":  # GNU make cannot build there
        with pytest.raises(BuildError, match="set TMPDIR to a folder without spaces"):
            simulate_testbench(simulator, files, "t")
    else:
        assert simulate_testbench(simulator, files, "t").passed
    assert not list(place.iterdir())


@pytest.mark.parametrize("simulator", [iverilog])
@pytest.mark.parametrize("kind", ["folder", "paths"])
def test_files(simulator: str, kind: str, tmp_path: Path, workplace: Path) -> None:
    folder = tmp_path / "my files"
    folder.mkdir()
    (folder / "notes.txt").write_text("not for the simulator")
    (folder / "t.v").write_bytes(bench('    $display("PASS 3 vectors");')["t.v"])
    files = folder if kind == "folder" else [folder / "t.v"]
    result = simulate_testbench(simulator, files, "t")
    assert result.passed
    assert result.vectors == 3
    assert sorted(path.name for path in folder.iterdir()) == ["notes.txt", "t.v"]
    assert not list(workplace.iterdir())


@pytest.mark.parametrize("simulator", [iverilog])
@pytest.mark.parametrize("lines", [0, 2])
def test_no_verdict(simulator: str, lines: int, workplace: Path) -> None:
    body = '    $display("here");' + '$display("PASS 1 vectors");' * lines
    with pytest.raises(BuildError, match=rf"printed {lines} lines PASS or FAIL; .*\nhere"):
        simulate_testbench(simulator, bench(body), "t")
    assert not list(workplace.iterdir())


@pytest.mark.parametrize("simulator", [iverilog, verilator])
def test_syntax_error(simulator: str, workplace: Path) -> None:
    with pytest.raises(BuildError, match=rf"(?s)^{simulator} .*exit status \d+:\n.*t.v:3"):
        simulate_testbench(simulator, bench("    this is not Verilog"), "t")
    assert not list(workplace.iterdir())


@pytest.mark.parametrize("simulator", [iverilog])
def test_timeout(simulator: str, workplace: Path) -> None:
    with pytest.raises(BuildError, match="vvp: no end after 1 seconds; allow a longer timeout"):
        simulate_testbench(simulator, bench("    forever #1;"), "t", timeout=1)
    assert not list(workplace.iterdir())


@pytest.mark.parametrize("simulator", [iverilog])
def test_missing_file(simulator: str, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"cannot copy .*absent\.v: No such file"):
        simulate_testbench(simulator, [tmp_path / "absent.v"], "t")


@pytest.mark.parametrize(
    ("simulator", "programs"), [("iverilog", "iverilog and vvp"), ("verilator", "verilator")]
)
def test_missing_tool(simulator: str, programs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert available() == ()
    cure = f"^{simulator}: {programs} not found on PATH; .*apt-get install {simulator}$"
    with pytest.raises(ToolMissing, match=cure):
        simulate_testbench(simulator, {}, "t")


def test_lint_needs_verilator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolMissing, match="apt-get install verilator"):
        lint("t.v")


def test_unknown_simulator() -> None:
    with pytest.raises(BuildError, match="simulator 'spice'; allowed are iverilog, verilator"):
        simulate_testbench("spice", {}, "t")


@pytest.mark.skipif(os.name != "posix", reason="the stand-in is a shell script")
def test_old_verilator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "verilator"
    tool.write_text("#!/bin/sh\necho '%Error: Invalid option: --binary'\nexit 1\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match="needs Verilator 5 or newer"):
        simulate_testbench("verilator", {}, "t")


def test_long_output_is_cut() -> None:
    text = first_lines("\n".join(map(str, range(20))))
    assert text.splitlines()[-1] == "... and 8 more lines"


@pytest.mark.parametrize("simulator", [verilator])
def test_lint(simulator: str, tmp_path: Path, workplace: Path) -> None:
    file = tmp_path / "m.v"
    file.write_text("module m (input wire a, output wire b);\n  assign b = a;\nendmodule\n")
    lint(file)
    file.write_text("module m (input wire a, c, output wire b);\n  assign b = a;\nendmodule\n")
    with pytest.raises(BuildError, match="UNUSED"):
        lint(file)
    assert not list(workplace.iterdir())
