"""Circuit files whose manifests lie."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pass_checks import parse
from store_files import TEXT, array, numpy_header, rewritten

from gatewright.compiler import Builder, Circuit, Encoder
from gatewright.compiler.store import read_circuit, write_circuit
from gatewright.runtime.archive import write_archive
from gatewright.runtime.errors import FileError


def test_another_kind_and_another_version(saved_circuit, tmp_path):
    write_archive(tmp_path / "model.npz", "model", {}, {})
    with pytest.raises(
        FileError, match=r"holds a model; a circuit is needed here; gatewright\.trace"
    ):
        read_circuit(tmp_path / "model.npz")
    rewritten(saved_circuit, manifest=lambda facts: {**facts, "version": 2})
    with pytest.raises(FileError, match=r"format version 2; allowed is 1; use the Gatewright that"):
        read_circuit(saved_circuit)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"{}", b'{"gatewright": 3}', b"[" * 100_000, b"\xff\xfe", b"NaN"]
)
def test_no_manifest(saved_circuit, text):
    rewritten(saved_circuit, manifest=lambda facts: text)
    with pytest.raises(FileError, match="no Gatewright manifest; write it again with gatewright"):
        read_circuit(saved_circuit)


def test_other_npz_files_are_refused(tmp_path):
    np.savez(tmp_path / "weights.npz", a=np.zeros(3))
    with pytest.raises(FileError, match="no Gatewright manifest"):
        read_circuit(tmp_path / "weights.npz")
    (tmp_path / "text.npz").write_text("circuit")
    with pytest.raises(
        FileError, match="not a Gatewright file, or damaged: File is not a zip file"
    ):
        read_circuit(tmp_path / "text.npz")


def nested(depth):
    """The description of tiles in tiles."""
    entry = {"inputs": 0, "cells": []}
    for _ in range(depth):
        entry = {"inputs": 0, "cells": [{"kind": "Tile", "body": entry}]}
    return entry


def with_cells(*cells):
    return lambda facts: {**facts, "netlist": {"inputs": 4, "cells": list(cells)}}


MANIFESTS = [
    (lambda f: {**f, "netlist": None}, "damaged circuit: "),
    (lambda f: {k: v for k, v in f.items() if k != "netlist"}, "damaged circuit: lacks 'netlist'"),
    (lambda f: {k: v for k, v in f.items() if k != "shape"}, "damaged circuit: lacks 'shape'"),
    (
        lambda f: {**f, "shape": [2]},
        "damaged circuit: encoder: reads feature 0 to 2; allowed are 0",
    ),
    (lambda f: {**f, "shape": [1 << 32, 1 << 32]}, None),
    (lambda f: {**f, "shape": [-3]}, r"damaged circuit: encoder: shape \(-3,\); allowed are sizes"),
    (lambda f: {**f, "shape": [10**30]}, None),
    (lambda f: {**f, "shape": [1e400]}, "damaged circuit: "),
    (lambda f: {**f, "shape": 7}, "damaged circuit: "),
    (lambda f: {**f, "decoder": [0, 1, 0]}, "damaged circuit: decoder: 0 groups; allowed is 1 or"),
    (lambda f: {**f, "decoder": [1, float("nan"), 0]}, "damaged circuit: decoder: tau nan"),
    (lambda f: {**f, "decoder": [1]}, "damaged circuit: "),
    (lambda f: {**f, "decoder": "all"}, "damaged circuit: "),
    (with_cells({"kind": "Neuron"}), "damaged circuit: n.0: unknown cell 'Neuron'"),
    (with_cells({"kind": "Luts"}, {"kind": "Tile", "same": 0}), "damaged circuit: "),
    (with_cells({"kind": "Tile", "same": 0}), "damaged circuit: "),
    (with_cells({"kind": "Luts"}, {"kind": "Luts"}, {"kind": "Luts"}), "damaged circuit: "),
    (with_cells(*[{"kind": "Luts"}] * 9), "damaged circuit: lacks 'n.1.table'"),
    (with_cells({}), "damaged circuit: lacks 'kind'"),
    (with_cells(3), "damaged circuit: "),
    (lambda f: {**f, "netlist": {"inputs": 10**12, "cells": []}}, "damaged circuit: "),
    (lambda f: {**f, "netlist": {"inputs": float("inf"), "cells": []}}, "damaged circuit: "),
    (lambda f: {**f, "netlist": {"inputs": -1, "cells": []}}, "damaged circuit: "),
    (lambda f: {**f, "netlist": nested(3)}, "damaged circuit: lacks 'n.0.0.fanin'"),
]


@pytest.mark.parametrize(("change", "message"), MANIFESTS, ids=range(len(MANIFESTS)))
def test_manifests_that_lie(saved_circuit, change, message):
    rewritten(saved_circuit, manifest=change)
    if message is None:  # odd, but a circuit
        assert read_circuit(saved_circuit).netlist == parse(TEXT)
        return
    with pytest.raises(FileError, match=message):
        read_circuit(saved_circuit)


def test_tiles_nested_without_end(saved_circuit):
    empty = array(numpy_header("<i4", "(1, 0)"), b"")
    prefixes = ["n" + ".0" * depth for depth in range(1, 40)]
    rewritten(
        saved_circuit,
        {f"{prefix}.fanin.npy": empty for prefix in prefixes},
        manifest=lambda facts: {**facts, "netlist": nested(30)},
    )
    with pytest.raises(FileError, match="tiles nested over 16 deep"):
        read_circuit(saved_circuit)


@pytest.mark.parametrize("depth", [16, 17])
def test_only_what_can_be_read_again_is_written(tmp_path, depth):
    netlist = parse("netlist inputs=2\n  %4 = lut 0x6 %2 %3\n  output %4\n")
    for _ in range(depth):
        builder = Builder(2)
        netlist = builder.build(builder.tile(netlist, [[2, 3]]))
    circuit = Circuit(Encoder((2,), [0, 1], [0.5, 0.5]), netlist)
    if depth == 16:
        write_circuit(circuit, tmp_path / "deep.npz")
        assert read_circuit(tmp_path / "deep.npz").netlist == netlist
    else:
        with pytest.raises(FileError, match="tiles nested over 16 deep; allowed are 16; unroll"):
            write_circuit(circuit, tmp_path / "deep.npz")


def test_a_few_bytes_are_no_billion_places(saved_circuit):
    places = array(numpy_header("<i4", "(1000000000, 0)"), b"")
    outputs = array(numpy_header("<i4", "(1,)"), np.int32(1).tobytes())
    body = {"kind": "Tile", "body": {"inputs": 0, "cells": []}}
    members = {"n.0.fanin.npy": places, "n.0.outputs.npy": outputs}
    rewritten(saved_circuit, members, manifest=with_cells(body))
    with pytest.raises(FileError, match="1000000000 places of a body without inputs"):
        read_circuit(saved_circuit)


def test_circuits_that_break_a_rule(saved_circuit):
    outputs = array(numpy_header("<i4", "(2,)"), np.array([4, 99], np.int32).tobytes())
    rewritten(saved_circuit, {"n.outputs.npy": outputs})
    with pytest.raises(FileError, match=r"damaged circuit: outputs, row 0, column 1: reads net 99"):
        read_circuit(saved_circuit)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_edited_manifests_never_crash(saved_circuit, data):
    """Any value of the manifest replaced by any other gives a circuit or a FileError."""
    before = saved_circuit.read_bytes()

    def edit(facts):
        place = facts
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = data.draw(st.sampled_from(keys))
            deeper = isinstance(place[key], dict | list) and place[key]
            if not deeper or data.draw(st.booleans()):
                place[key] = data.draw(JSON)
                return facts
            place = place[key]

    try:
        rewritten(saved_circuit, manifest=edit)
        read_circuit(saved_circuit)
    except FileError:
        pass
    finally:
        saved_circuit.write_bytes(before)


def test_sizes_beyond_every_number(saved_circuit):
    for shape in ("(0, 99999999999999999999999)", "(0, 9223372036854775807, 9)"):
        rewritten(saved_circuit, {"feature.npy": array(numpy_header("<i4", shape), b"")})
        with pytest.raises(FileError):
            read_circuit(saved_circuit)
