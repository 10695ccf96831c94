"""Documents name every option, format, data set, network and command, and their C compiles."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import fields

import documents
import pytest
from circuits import classifier
from documents import DOCUMENTS, ROOT

import gatewright as gw
from gatewright.backends.verilog.backend import Verilog
from gatewright.cli.arguments import verilog_options
from gatewright.cli.main import _parser
from gatewright.compiler.files import READERS, WRITERS


def rows(document):
    """The cells of the tables of a document, in rows."""
    lines = (ROOT / document).read_text().splitlines()
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:1] == "|"]


def test_every_option_of_verilog_is_documented_and_a_flag():
    options = {f.name for f in fields(Verilog) if not f.metadata.get("internal")}
    table = [row[0] for row in rows("docs/verilog.md") if len(row) == 2]
    assert {name.strip("`") for name in table} >= options
    command = ["emit", "net.npz", "-o", "rtl"]
    for name in options:
        flag = f"--{name.replace('_', '-')}"
        takes = _verb("emit")._option_string_actions[flag].nargs != 0
        parsed = _parser().parse_args([*command, flag, *(["2"] if takes else [])])
        assert set(verilog_options(parsed)) == {name}


def _verb(name):
    return _parser()._subparsers._group_actions[0].choices[name]


def test_every_format_is_documented():
    found = {}
    for suffixes, _, read, write, *_ in (row for row in rows("docs/files.md") if len(row) == 5):
        for suffix in re.findall(r"`(\.[a-z]+)`", suffixes):
            found[suffix] = (read == "yes", write == "yes")
    assert found == {s: (s in READERS, s in WRITERS) for s in {*READERS, *WRITERS}}


def test_every_data_set_and_network_is_documented():
    pytest.importorskip("torch")
    from gatewright.frontend import MODELS
    from gatewright.frontend.data.load import NAMES

    named = set(re.findall(r"`([a-z0-9_-]+)`", (ROOT / "docs/data.md").read_text()))
    assert named >= set(NAMES)
    named = set(re.findall(r"`([a-z0-9_-]+)`", (ROOT / "docs/models.md").read_text()))
    assert named >= set(MODELS)


def test_every_command_is_in_some_document():
    text = "".join((ROOT / document).read_text() for document in DOCUMENTS)
    verbs = set(_parser()._subparsers._group_actions[0].choices)
    assert verbs - {"demo"} <= set(re.findall(r"gatewright ([a-z]+)", text))


@pytest.mark.parametrize(
    ("document", "name", "options", "frame"),
    [
        ("docs/embedded.md", "digits", {"profile": "embedded"}, "{}"),
        (
            "docs/deploying.md",
            "net",
            {},
            '#include "net.h"\nint answer(const uint8_t *x, int64_t n, int64_t *classes) {{\n{}\n'
            "return status;\n}}",
        ),
    ],
    ids=["embedded", "deploying"],
)
def test_c_compiles(document, name, options, frame, tmp_path):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler; for example: apt-get install gcc")
    (code,) = (p.text for p in documents.paragraphs(document) if p.language == "c")
    gw.emit(classifier(), "c", tmp_path, name=name, **options)
    (tmp_path / "main.c").write_text(f"{frame.format(code)}\n")
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-c", "main.c"]
    found = subprocess.run([compiler, *flags], cwd=tmp_path, capture_output=True, text=True)
    assert not found.returncode, found.stderr
