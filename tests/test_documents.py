"""README and documents say what works: commands parse, Python runs, names and files are there."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import documents
import numpy as np
import pytest
from circuits import classifier, samples
from documents import DOCUMENTS, ROOT

import gatewright as gw
from gatewright.cli.main import _parser
from gatewright.runtime.errors import NetlistError, ToolMissing

OPERATORS = ("&&", "<", ">", "|")
# Python that needs what is not here: devices, other compilers, other libraries, files to download.
ELSEWHERE = re.compile(
    r'"cuda|"verilator"|synthesize|triple=|places_per_clock|target_mhz=150, prove=True'
    r'|lightning|LogicModule|train_batches|theirs|\(\.\.\.\)|load_peer_state\(|circuit\.json|"mnist"\)'
)
WRONG = {"docs/optimizing.md": "run(circuit.netlist, (fold, mine"}  # it says so itself
BLIF = ".model adder\n.inputs a b\n.outputs s\n.names a b s\n10 1\n01 1\n.end\n"


def shell(document):
    for paragraph in documents.paragraphs(document):
        if paragraph.is_shell:
            for words in paragraph.commands():
                end = next((i for i, word in enumerate(words) if word in OPERATORS), len(words))
                yield paragraph.line, words[:end]


def test_all_code_is_commands_python_or_named():
    other = {
        (document, paragraph.language or paragraph.text.split()[0])
        for document in DOCUMENTS
        for paragraph in documents.paragraphs(document)
        if not paragraph.is_shell and not paragraph.is_python
    }
    printed = {("docs/observe.md", "samples")}
    assert other == printed | {("docs/deploying.md", "c"), ("docs/embedded.md", "c")}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands(document, capsys):
    makefiles = [(ROOT / at / "Makefile") for at in (".", Path(document).parent)]
    targets = {t for file in makefiles if file.exists() for t in _targets(file)}
    for line, words in shell(document):
        where = f"{document}:{line}: {' '.join(words)}"
        ours = words.index("gatewright") + 1 if "gatewright" in words else 0
        if ours:
            try:
                _parser().parse_args(words[ours:])
            except SystemExit:
                pytest.fail(f"{where}\n{capsys.readouterr().err}")
        elif words[0] == "make":
            assert {word for word in words[1:] if "=" not in word} <= targets, where
        elif words[0].endswith(("python", "python3")) and words[1].startswith(("bench", "exam")):
            text = (ROOT / words[1]).read_text()
            assert [w for w in words if w.startswith("--") and w not in text] == [], where


def _targets(makefile):
    return re.findall(r"^([a-z-]+):", makefile.read_text(), re.M)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_extras_and_files_in_sentences(document):
    text = (ROOT / document).read_text()
    verbs = _parser()._subparsers._group_actions[0].choices
    for verb, rest in re.findall(r"`gatewright ([a-z]+)([^`]*)`", text):
        assert verb in verbs
        known = verbs[verb]._option_string_actions
        assert [o for o in re.findall(r"--[a-z-]+", rest) if o not in known] == [], (verb, rest)
    extras = re.findall(r"^([a-z]+) = \[", (ROOT / "pyproject.toml").read_text(), re.M)
    for found in re.findall(r"pip install '[.a-z]+\[([a-z,]+)\]'", text):
        assert set(found.split(",")) <= set(extras)
    folder = r"(?:docs|benchmarks|examples|tests|backends|compiler|frontend|runtime|cli)"
    for path in re.findall(rf"`({folder}/[A-Za-z0-9_/.]*)[ `]", text):
        assert (ROOT / path).exists(), path


@pytest.fixture
def names(tmp_path, monkeypatch):
    """What documents take for granted, in an empty folder with the files that they name."""
    torch, sklearn = pytest.importorskip("torch"), pytest.importorskip("sklearn")
    from gatewright import frontend

    fit = frontend.fit

    def short(model, x, y, **options):
        options = {key: value for key, value in options.items() if key != "epochs"}
        return fit(model, x, y, **{**options, "steps": 2, "warmup": 0, "progress": False})

    monkeypatch.setattr(frontend, "fit", short)
    monkeypatch.chdir(tmp_path)
    circuit = classifier()
    x = samples(circuit, 40, "uint8")
    y = circuit.predict(x)
    gw.write(circuit, "model.circuit.npz")
    Path("adder.blif").write_text(BLIF)
    np.savez("mine.npz", x=x, y=np.arange(40) % 3)
    np.save("x.npy", x)
    np.save("y.npy", np.arange(40) % 3)
    groups = circuit.decoder.groups
    bits = torch.nn.Sequential(frontend.LogicDense(20, 5 * groups), frontend.GroupSum(groups))
    iris = torch.nn.Sequential(
        frontend.FixedBinarization([[1.0, 2.0, 3.0]] * 4),
        torch.nn.Flatten(),
        frontend.LogicDense(12, 30),
        frontend.GroupSum(3),
    )
    compiled = gw.compile(circuit, "numpy")
    labels = np.arange(40) % groups
    return {
        "README.md": {"x": np.zeros((5, 8), np.uint8)},
        "docs/cuda.md": {"compiled": compiled, "x": x},
        "docs/data.md": {"data": frontend.load_dataset("digits")},
        "docs/training.md": {
            "model": bits,
            "x": x > 99,
            "y": labels,
            "x_held": x > 99,
            "y_held": y,
        },
        "docs/verilog.md": {"model": iris, "x": x, "sklearn": sklearn, "compiled": compiled},
        "docs/observe.md": {"x_train": x, "x_val": x, "y_val": y},
    }, {"gw": gw, "torch": torch, "circuit": circuit}


@pytest.mark.parametrize(
    "document",
    [d for d in DOCUMENTS if any(p.is_python for p in documents.paragraphs(d))],
)
def test_python(document, names):
    own, common = names
    space = {**common, **own.get(document, {})}
    for paragraph in documents.paragraphs(document):
        for statement in ast.parse(paragraph.text).body if paragraph.is_python else ():
            text = ast.get_source_segment(paragraph.text, statement)
            where = f"{document}, line {paragraph.line + statement.lineno - 1}"
            if ELSEWHERE.search(text):
                _names_exist(statement, where)
                continue
            code = compile(ast.Module([statement], []), where, "exec")
            if text.startswith(WRONG.get(document, "nothing")):
                with pytest.raises(NetlistError, match="refuted"):
                    exec(code, space)
                continue
            try:
                exec(code, space)
            except ToolMissing as error:
                pytest.skip(str(error))


def _names_exist(statement, where):
    """Of a statement that cannot run here: functions of gw, and how many arguments they take."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called, of = node.func.attr, node.func.value
            if isinstance(of, ast.Name) and of.id == "gw":
                assert hasattr(gw, called), f"{where}: gw.{called}"
                parameters = inspect.signature(getattr(gw, called)).parameters.values()
                positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
                assert len(node.args) <= len(positional), where
