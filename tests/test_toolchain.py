"""Finding a C compiler, and one that fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from circuits import classifier, samples

from gatewright.backends.build import build
from gatewright.runtime import toolchain
from gatewright.runtime.errors import BuildError, ToolMissing
from gatewright.runtime.toolchain import find_compiler

pytestmark = pytest.mark.usefixtures("mapper")


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_no_compiler(build_cache, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(ToolMissing, match=r"no C compiler: looked for cc, gcc, clang.*apt-get"):
        build(classifier(), "c", "net")


def test_a_named_compiler_that_is_not_there(build_cache, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler -m64")
    with pytest.raises(ToolMissing, match=r"'no-such-compiler -m64' does not start.*CC names it"):
        build(classifier(), "c", "net")


def test_a_named_compiler_is_used(build_cache, monkeypatch, tmp_path):
    log = tmp_path / "log"
    name = script(tmp_path / "my cc", f'echo "$@" >> {log}\nexec cc "$@"')
    monkeypatch.setenv("CC", f"'{name}' -DMINE")
    circuit = classifier()
    x = samples(circuit, 10, "uint8")
    assert np.array_equal(build(circuit, "c", "net").predict(x), circuit.predict(x))
    assert "-DMINE -O3" in log.read_text()


@pytest.mark.parametrize("said", ["-dumpmachine", "--version"])
def test_compilers_of_one_version_that_differ_share_nothing(
    build_cache, monkeypatch, tmp_path, said
):
    """Under one name, as on two machines that share a home folder."""
    text = f'[ "$1" = {said} ] && echo "cc 1.0\nfor $OTHER" && exit\nexec cc "$@"'
    monkeypatch.setenv("CC", script(tmp_path / "cc", text))
    found = []
    for other in ("one machine", "another", "one machine"):
        monkeypatch.setenv("OTHER", other)
        toolchain._identify.cache_clear()
        compiler = find_compiler()
        found.append(compiler.build({"f.c": b"int f(void) { return 1; }"}, "f"))
    assert found[0] == found[2] != found[1]


def test_a_compiler_that_fails(build_cache, monkeypatch, tmp_path):
    lines = "; ".join(f"echo {'wrong ' * 100}line {i} >&2" for i in range(50))
    name = script(tmp_path / "cc", f'[ "$1" = --version ] && echo 1 && exit\n{lines}; exit 3')
    monkeypatch.setenv("CC", name)
    with pytest.raises(
        BuildError, match=r"failed with status 3 \(50 lines, the first 20\)"
    ) as info:
        build(classifier(), "c", "net")
    assert len(str(info.value)) < 5000
    assert not [p for p in build_cache.rglob("*") if p.is_file()]


def test_a_command_that_no_shell_could_split(build_cache, monkeypatch):
    monkeypatch.setenv("CC", "gcc 'x")
    with pytest.raises(ToolMissing, match=r'C compiler "gcc \'x": No closing quotation'):
        build(classifier(), "c", "net")


def test_a_compiler_that_makes_nothing(build_cache, monkeypatch, tmp_path):
    monkeypatch.setenv("CC", script(tmp_path / "idle", '[ "$1" = --version ] && echo 1; exit 0'))
    with pytest.raises(BuildError, match=r"idle ended well and made no .*\.o; install gcc"):
        build(classifier(), "c", "net")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' file names are text")
def test_paths_that_the_locale_cannot_say(tmp_path):
    """Libraries are loaded from folders whose names are not ASCII, in the locale C."""
    folder = tmp_path / "é ß"
    environment = {
        **os.environ,
        "GATEWRIGHT_CACHE": str(folder / "cache"),
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }
    text = _ELSEWHERE.format(tests=str(Path(__file__).parent))
    command = [sys.executable, "-W", "error", "-c", text, str(folder / "é.so")]
    subprocess.run(command, env=environment, check=True, timeout=120)


_ELSEWHERE = """
import sys
sys.path.insert(0, {tests!r})
import gatewright as gw
from circuits import classifier, samples
assert sys.getfilesystemencoding() == "ascii"
circuit = classifier()
x = samples(circuit, 100, "uint8")
want = circuit.predict(x)
compiled = gw.compile(circuit, level=0)
assert (compiled.predict(x) == want).all()
compiled.save(sys.argv[1])
assert (gw.load(sys.argv[1]).predict(x) == want).all()
"""
