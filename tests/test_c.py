"""The C library answers as the circuit does, on every path, batch, dtype and layout."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest
from c_checks import STRICT, compiled, each_isa
from circuits import (
    BATCHES,
    DTYPES,
    assert_at_once,
    classifier,
    every_popcount,
    many_gates,
    samples,
    with_encoder,
)
from hypothesis import HealthCheck, given, settings
from strategies import netlists

from gatewright.backends.c.backend import C
from gatewright.compiler import Builder, Circuit, Decoder, Encoder, Netlist
from gatewright.runtime.compiled import CompiledCircuit
from gatewright.runtime.errors import EmitError


@pytest.mark.isa
@pytest.mark.parametrize("straight_line", [0, 12, 256])
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(netlist=netlists())
def test_random_netlists(netlist, straight_line):
    circuit = with_encoder(netlist)
    library = compiled(circuit, C(straight_line=straight_line))
    for dtype in DTYPES:
        x = samples(circuit, 600, dtype)
        want = circuit.bits(x)
        for isa in each_isa(library):
            assert np.array_equal(library.bits(x), want), (isa, dtype)


@pytest.fixture(scope="module")
def pair() -> tuple[Circuit, CompiledCircuit]:
    circuit = classifier()
    return circuit, compiled(circuit)


@pytest.mark.isa
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", BATCHES)
def test_every_batch_and_dtype(pair, n, dtype):
    circuit, library = pair
    x = samples(circuit, n, dtype)
    for _ in each_isa(library):
        assert np.array_equal(library.bits(x), circuit.bits(x))
        assert np.array_equal(library.counts(x), circuit.counts(x))
        assert np.array_equal(library.scores(x), circuit.scores(x))
        assert np.array_equal(library.predict(x), circuit.predict(x))


@pytest.mark.parametrize(
    "layout",
    [
        lambda x: np.asfortranarray(x),
        lambda x: x[::2],
        lambda x: x[::-1],
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: x[:, ::-1][:, ::-1],
        lambda x: np.broadcast_to(x[:1], x.shape),
        lambda x: x.astype(x.dtype.newbyteorder(">")),
        lambda x: np.frombuffer(b"?" + x.tobytes(), np.uint8)[1:].view(x.dtype).reshape(x.shape),
    ],
    ids=["fortran", "rows", "reversed", "columns", "twice", "broadcast", "big-endian", "unaligned"],
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_layout(pair, layout, dtype):
    circuit, library = pair
    x = layout(samples(circuit, 200, dtype))
    assert np.array_equal(library.scores(x), circuit.scores(np.ascontiguousarray(x)))


def test_counts_that_tie_go_to_the_lowest_class():
    builder = Builder(3)
    netlist = builder.build(builder.popcount([[2], [3], [4]]))
    circuit = Circuit(Encoder.boolean(3), netlist, Decoder(3))
    x = np.array([[0, 0, 0], [0, 1, 1], [1, 1, 1], [0, 0, 1]], np.bool_)
    assert compiled(circuit).predict(x).tolist() == [0, 1, 0, 2]


def test_one_class():
    builder = Builder(2)
    circuit = Circuit(Encoder.boolean(2), builder.build(builder.popcount([[2, 3]])), Decoder(1))
    x = np.array([[0, 1], [1, 1]], np.bool_)
    library = compiled(circuit)
    assert library.predict(x).tolist() == [0, 0]
    assert library.counts(x).tolist() == [[1], [2]]


def test_more_slots_than_16_bits_hold():
    circuit = many_gates()
    x = samples(circuit, 300, "bool")
    library = compiled(circuit)
    for _ in each_isa(library):
        assert np.array_equal(library.counts(x), circuit.counts(x))


def test_popcounts_of_every_size():
    circuit = every_popcount()
    x = samples(circuit, 1000, "bool")
    library = compiled(circuit)
    for isa in each_isa(library):
        assert np.array_equal(library.bits(x), circuit.bits(x)), isa


def test_many_thresholds_on_one_feature():
    feature = np.repeat([5, 0, 70], 40)
    threshold = np.tile(np.linspace(0, 255, 40, dtype=np.float32), 3)
    builder = Builder(120)
    circuit = Circuit(Encoder((71,), feature, threshold), builder.build(np.arange(2, 122)))
    library = compiled(circuit)
    for dtype in DTYPES:
        x = samples(circuit, 70, dtype)
        assert np.array_equal(library.bits(x), circuit.bits(x))


def test_threads_and_concurrent_calls(pair):
    circuit, library = pair
    x = samples(circuit, 5000, "uint8")
    want = circuit.predict(x)
    assert np.array_equal(library.predict(x, threads=3), want)
    assert_at_once(lambda: library.predict(x), want, 20)


def test_emission_is_deterministic():
    circuit = C().prepare(classifier())
    assert C().emit(circuit, "net") == C().emit(circuit, "net")


@pytest.mark.parametrize("name", ["", "9lives", "a-b", "A", "x" * 64])
def test_a_name_that_c_cannot_use(name):
    with pytest.raises(EmitError, match=r"allowed are up to 63"):
        C().emit(classifier(), name)


@pytest.mark.skipif(not shutil.which("clang"), reason="clang is not installed")
@pytest.mark.parametrize("outputs", [[], [2, 3]])
def test_clang_has_nothing_to_say(tmp_path, outputs):
    for circuit in (classifier(), with_encoder(Netlist(3, (), outputs))):
        C().emit(C().prepare(circuit), "net").write(tmp_path)
        flags = ["-std=c99", *STRICT, "-c", "net.c"]
        subprocess.run(["clang", *flags], cwd=tmp_path, check=True)


_MAIN = """
#include <stdio.h>
#include "net.h"
static unsigned char workspace[NET_WORKSPACE_BYTES + 63];
int main(void) {
  unsigned char x[2][NET_FEATURES] = {{0}};
  unsigned char *aligned = (unsigned char *)GATEWRIGHT_ALIGN(workspace);
  int64_t classes[2];
  int32_t counts[2][NET_GROUPS];
  int i;
  for (i = 0; i < NET_FEATURES; ++i) x[1][i] = 255;
  if (net_run(x, 9, 2, NET_FEATURES, 1, counts, aligned) != GATEWRIGHT_BAD_DTYPE) return 1;
  if (net_run(x, 1, 2, NET_FEATURES, 9, counts, aligned) != GATEWRIGHT_BAD_ANSWER) return 2;
  if (net_run(x, 1, 2, NET_FEATURES, 1, counts, aligned + 1) != GATEWRIGHT_BAD_WORKSPACE) return 3;
  if (net_run(x, 1, 2, NET_FEATURES, 1, counts, 0) != GATEWRIGHT_BAD_WORKSPACE) return 4;
  if (net_run(x, 1, -1, NET_FEATURES, 1, counts, aligned) != GATEWRIGHT_BAD_COUNT) return 7;
  if (net_run(x, GATEWRIGHT_UINT8, 2, NET_FEATURES, GATEWRIGHT_COUNTS, counts, aligned)) return 5;
  if (net_run(x, GATEWRIGHT_UINT8, 2, NET_FEATURES, GATEWRIGHT_CLASSES, classes, aligned)) return 6;
  for (i = 0; i < NET_GROUPS; ++i) printf("%d %d\\n", counts[0][i], counts[1][i]);
  printf("%d %d\\n", (int)classes[0], (int)classes[1]);
  return net_manifest()[0] != '{';
}
"""


@pytest.mark.parametrize(
    ("compiler", "suffix"), [(("gcc", "-std=c99"), "c"), (("g++", "-std=c++11"), "cpp")]
)
def test_a_program_without_python(tmp_path, compiler, suffix):
    circuit = classifier()
    for path in C().emit(C().prepare(circuit), "net").write(tmp_path):
        assert path.exists()
    (tmp_path / f"main.{suffix}").write_text(_MAIN)
    commands = [
        ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-c", "net.c"],
        [*compiler, "-Wall", "-Wextra", "-Werror", f"main.{suffix}", "net.o", "-o", "main"],
    ]
    for command in commands:
        subprocess.run(command, cwd=tmp_path, check=True)
    found = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True).stdout
    x = np.zeros((2, 20), np.uint8)
    x[1] = 255
    want = [*circuit.counts(x).T.tolist(), circuit.predict(x).tolist()]
    assert [list(map(int, line.split())) for line in found.splitlines()] == want
