"""Circuit files whose archives mean harm, with right checksums."""

import zipfile

import pytest
from store_files import array, numpy_header, rewritten

from gatewright.compiler.store import read_circuit
from gatewright.runtime.errors import FileError

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
def test_hostile_arrays(saved_circuit, header, payload, message):
    rewritten(saved_circuit, {"n.0.fanin.npy": array(header, payload)})
    with pytest.raises(FileError, match=message):
        read_circuit(saved_circuit)


def test_members_that_are_no_arrays(saved_circuit):
    for data in (b"", b"\x80\x04\x95", array("", b"", b"\x02\x00")):
        rewritten(saved_circuit, {"n.0.fanin.npy": data})
        with pytest.raises(FileError, match=r"member n\.0\.fanin\.npy is no array of format 1\.0"):
            read_circuit(saved_circuit)


def test_compressed_members_are_refused(saved_circuit):
    rewritten(saved_circuit, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(FileError, match=r"is compressed; allowed are stored members"):
        read_circuit(saved_circuit)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(saved_circuit):
    with zipfile.ZipFile(saved_circuit, "a") as archive:
        archive.writestr("n.outputs.npy", b"")
    with pytest.raises(FileError, match="two members of one name"):
        read_circuit(saved_circuit)


def test_overlapping_members_are_refused(saved_circuit):
    """Many entries of the directory that point at one stored member."""
    data = bytearray(saved_circuit.read_bytes())
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
    saved_circuit.write_bytes(bytes(data[:first]) + copies + bytes(end))
    with pytest.raises(FileError, match="damaged: "):
        read_circuit(saved_circuit)
