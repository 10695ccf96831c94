"""Circuits on disk: round trips, damage, and files that mean harm."""

import io
import json
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pass_checks import parse
from strategies import netlists

from gatewright.compiler import Builder, Circuit, Decoder, Encoder, Netlist, Tile
from gatewright.compiler.store import read_circuit, write_circuit
from gatewright.runtime.archive import read_archive, write_archive
from gatewright.runtime.errors import FileError

TEXT = """
netlist inputs=4
  %6 = lut 0x8 %2 %3
  %7 = lut 0x6 %4 %5
  tile
    netlist inputs=2
      %4 = lut 0x6 %2 %3
      output %4
  %8 = place %6 %7
  %9 = place %2 %7
  %10..%11 = popcount %8 %9 %7
  output %10 %11
"""


def circuit(netlist: Netlist | None = None, decoder: Decoder | None = None) -> Circuit:
    netlist = parse(TEXT) if netlist is None else netlist
    n = netlist.n_inputs
    feature = np.arange(n) % 3
    return Circuit(
        Encoder((3,), feature, np.linspace(-1, 1, n, dtype=np.float32)), netlist, decoder
    )


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "circuit.npz"
    write_circuit(circuit(decoder=Decoder(1, 0.5, -1.0)), path)
    return path


def same(a: Circuit, b: Circuit) -> bool:
    return a.digest() == b.digest() and a.netlist == b.netlist and a.decoder == b.decoder


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(netlist=netlists())
def test_round_trip(tmp_path, netlist):
    before = circuit(netlist)
    write_circuit(before, tmp_path / "any.npz")
    assert same(read_circuit(tmp_path / "any.npz"), before)


def test_decoder_and_encoder_round_trip(saved):
    found = read_circuit(saved)
    assert same(found, circuit(decoder=Decoder(1, 0.5, -1.0)))
    assert found.encoder.shape == (3,)
    assert found.encoder.threshold.dtype == np.float32


def test_files_are_the_same_bytes_every_time(saved, tmp_path):
    write_circuit(read_circuit(saved), tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == saved.read_bytes()


def test_shared_bodies_are_stored_once_and_stay_shared(tmp_path):
    body = parse("netlist inputs=1\n  %3 = lut 0x1 %2\n  output %3\n")
    builder = Builder(2)
    first = builder.tile(body, [[2], [3]])
    second = builder.tile(body, first)
    write_circuit(circuit(builder.build(second)), tmp_path / "shared.npz")
    found = [cell for cell in read_circuit(tmp_path / "shared.npz").netlist.cells]
    assert isinstance(found[0], Tile)
    assert isinstance(found[1], Tile)
    assert found[0].body is found[1].body
    names = read_archive(tmp_path / "shared.npz")[1]
    assert sum(name.endswith(".table") for name in names) == 1


def test_an_existing_file_survives_a_failed_write(saved, tmp_path):
    with pytest.raises(FileError, match=r"cannot write \d+ bytes: .*; what was there before is un"):
        write_circuit(circuit(), tmp_path / "no such folder" / "circuit.npz")
    before = saved.read_bytes()
    saved.parent.chmod(0o500)
    try:
        write_circuit(circuit(), saved)
    except FileError:
        assert saved.read_bytes() == before
    finally:
        saved.parent.chmod(0o700)
    assert [path.name for path in tmp_path.iterdir()] == ["circuit.npz"]


# damage


def test_missing_file(tmp_path):
    with pytest.raises(FileError, match=r"none\.npz: no such file"):
        read_circuit(tmp_path / "none.npz")
    with pytest.raises(FileError, match="cannot read: Is a directory"):
        read_circuit(tmp_path)


def test_every_truncation_is_noticed(saved):
    data = saved.read_bytes()
    for end in range(0, len(data), 13):
        saved.write_bytes(data[:end])
        with pytest.raises(
            FileError, match=r"not a Gatewright file, or damaged: .*; write it again"
        ):
            read_circuit(saved)


def test_no_flipped_byte_goes_unnoticed_or_crashes(saved):
    """Checksums cover the arrays; what they do not cover (dates, flags) changes no circuit."""
    data = saved.read_bytes()
    expected = read_circuit(saved)
    for at in range(0, len(data), 3):
        saved.write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        try:
            found = read_circuit(saved)
        except FileError:
            continue
        assert same(found, expected)


# archives that mean harm, with right checksums


def array(header: str, payload: bytes, version: bytes = b"\x01\x00") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text + payload


def numpy_header(descr: str, shape: str, fortran: str = "False") -> str:
    return f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}"


def rewritten(path, replace=None, manifest=None, compression=zipfile.ZIP_STORED):
    """Write `path` anew with members replaced (name to bytes) or with another manifest."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    if manifest is not None:
        facts = manifest(json.loads(members["manifest.npy"][128:]))
        text = facts if isinstance(facts, bytes) else json.dumps(facts).encode()
        buffer = io.BytesIO()
        np.save(buffer, np.frombuffer(text, np.uint8))
        members["manifest.npy"] = buffer.getvalue()
    members |= replace or {}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


HOSTILE = [
    (
        numpy_header("|O", "(2,)"),
        b"cos\nsystem\n(S'false'\ntR.",
        r"has dtype \|O; allowed are plain",
    ),
    (numpy_header("<U4", "(1,)"), bytes(16), r"has dtype <U4; allowed are plain numbers"),
    (numpy_header("<i3", "(4,)"), bytes(12), r"has dtype <i3; allowed are plain numbers"),
    (numpy_header("<i4", "(4,)", "True"), bytes(16), r"has dtype <i4; allowed are plain numbers"),
    (numpy_header("<i4", "(1073741824,)"), bytes(16), r"claims shape \(1073741824,\) and holds"),
    (
        numpy_header("<i4", "(2305843009213693953,)"),
        bytes(4),
        r"claims shape \(2305843009213693953",
    ),
    (numpy_header("<i4", "(4294967296, 4294967296)"), b"", r"claims shape \(4294967296, 42949672"),
    (numpy_header("<i4", f"({'9' * 5000},)"), b"", r"damaged: Exceeds the limit"),
    (numpy_header("<i4", f"(0, {'9' * 30})"), b"", r"damaged: "),
    (numpy_header("<i4", "(-1, -4)"), bytes(16), r"a header that numpy does not write"),
    (numpy_header("<i4", "(4L,)"), bytes(16), r"a header that numpy does not write"),
    ("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (4,), }", bytes(16), r"a header"),
    ("(" * 60_000, b"", r"a header that numpy does not write"),
    ("", b"", r"a header that numpy does not write"),
]


@pytest.mark.parametrize(("header", "payload", "message"), HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_arrays(saved, header, payload, message):
    rewritten(saved, {"n.0.fanin.npy": array(header, payload)})
    with pytest.raises(FileError, match=message):
        read_circuit(saved)


def test_members_that_are_no_arrays(saved):
    for data in (b"", b"\x80\x04\x95", array("", b"", b"\x02\x00")):
        rewritten(saved, {"n.0.fanin.npy": data})
        with pytest.raises(FileError, match=r"member n\.0\.fanin\.npy is no array of format 1\.0"):
            read_circuit(saved)


def test_compressed_members_are_refused(saved):
    rewritten(saved, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(FileError, match=r"is compressed; allowed are stored members"):
        read_circuit(saved)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(saved):
    with zipfile.ZipFile(saved, "a") as archive:
        archive.writestr("n.outputs.npy", b"")
    with pytest.raises(FileError, match="two members of one name"):
        read_circuit(saved)


def test_overlapping_members_are_refused(saved):
    """Many entries of the directory that point at one stored member."""
    data = bytearray(saved.read_bytes())
    start = data.rindex(b"PK\x05\x06")
    first = int.from_bytes(data[start + 16 : start + 20], "little")
    entry = data[first : data.index(b"PK\x01\x02", first + 4)]
    name = entry[46 : 46 + int.from_bytes(entry[28:30], "little")]
    copies = b"".join(
        bytes(entry).replace(bytes(name), bytes(name[:-5] + f"{i:05}".encode())) for i in range(500)
    )
    end = data[start:]
    count = (500).to_bytes(2, "little")
    end[8:10] = end[10:12] = count
    end[12:16] = len(copies).to_bytes(4, "little")
    saved.write_bytes(bytes(data[:first]) + copies + bytes(end))
    with pytest.raises(FileError, match="damaged: "):
        read_circuit(saved)


# manifests


def test_another_kind_and_another_version(saved, tmp_path):
    write_archive(tmp_path / "model.npz", "model", {}, {})
    with pytest.raises(FileError, match=r"holds a model; a circuit is needed here"):
        read_circuit(tmp_path / "model.npz")
    rewritten(saved, manifest=lambda facts: {**facts, "version": 2})
    with pytest.raises(FileError, match=r"format version 2; allowed is 1; use the Gatewright that"):
        read_circuit(saved)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"{}", b'{"gatewright": 3}', b"[" * 100_000, b"\xff\xfe", b"NaN"]
)
def test_no_manifest(saved, text):
    rewritten(saved, manifest=lambda facts: text)
    with pytest.raises(FileError, match="no Gatewright manifest; write it again with gatewright"):
        read_circuit(saved)


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
def test_manifests_that_lie(saved, change, message):
    rewritten(saved, manifest=change)
    if message is None:  # odd, but a circuit
        assert read_circuit(saved).netlist == parse(TEXT)
        return
    with pytest.raises(FileError, match=message):
        read_circuit(saved)


def test_tiles_nested_without_end(saved):
    empty = array(numpy_header("<i4", "(1, 0)"), b"")
    prefixes = ["n" + ".0" * depth for depth in range(1, 40)]
    rewritten(
        saved,
        {f"{prefix}.fanin.npy": empty for prefix in prefixes},
        manifest=lambda facts: {**facts, "netlist": nested(30)},
    )
    with pytest.raises(FileError, match="tiles nested over 16 deep"):
        read_circuit(saved)


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


def test_a_few_bytes_are_no_billion_places(saved):
    places = array(numpy_header("<i4", "(1000000000, 0)"), b"")
    outputs = array(numpy_header("<i4", "(1,)"), np.int32(1).tobytes())
    body = {"kind": "Tile", "body": {"inputs": 0, "cells": []}}
    members = {"n.0.fanin.npy": places, "n.0.outputs.npy": outputs}
    rewritten(saved, members, manifest=with_cells(body))
    with pytest.raises(FileError, match="1000000000 places of a body without inputs"):
        read_circuit(saved)


def test_circuits_that_break_a_rule(saved):
    outputs = array(numpy_header("<i4", "(2,)"), np.array([4, 99], np.int32).tobytes())
    rewritten(saved, {"n.outputs.npy": outputs})
    with pytest.raises(FileError, match=r"damaged circuit: outputs, row 0, column 1: reads net 99"):
        read_circuit(saved)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_edited_manifests_never_crash(saved, data):
    """Any value of the manifest replaced by any other gives a circuit or a FileError."""
    before = saved.read_bytes()

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
        rewritten(saved, manifest=edit)
        read_circuit(saved)
    except FileError:
        pass
    finally:
        saved.write_bytes(before)


def test_sizes_beyond_every_number(saved):
    for shape in ("(0, 99999999999999999999999)", "(0, 9223372036854775807, 9)"):
        rewritten(saved, {"feature.npy": array(numpy_header("<i4", shape), b"")})
        with pytest.raises(FileError):
            read_circuit(saved)
