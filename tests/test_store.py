"""Circuits on disk: round trips and damage."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from pass_checks import parse
from store_files import circuit, same
from strategies import netlists

from gatewright.compiler import Builder, Decoder, Tile
from gatewright.compiler.store import read_circuit, write_circuit
from gatewright.runtime.archive import read_archive
from gatewright.runtime.errors import FileError


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(netlist=netlists())
def test_round_trip(tmp_path, netlist):
    before = circuit(netlist)
    write_circuit(before, tmp_path / "any.npz")
    assert same(read_circuit(tmp_path / "any.npz"), before)


def test_decoder_and_encoder_round_trip(saved_circuit):
    found = read_circuit(saved_circuit)
    assert same(found, circuit(decoder=Decoder(1, 0.5, -1.0)))
    assert found.encoder.shape == (3,)
    assert found.encoder.threshold.dtype == np.float32


def test_files_are_the_same_bytes_every_time(saved_circuit, tmp_path):
    write_circuit(read_circuit(saved_circuit), tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == saved_circuit.read_bytes()


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


def test_an_existing_file_survives_a_failed_write(saved_circuit, tmp_path):
    with pytest.raises(FileError, match=r"cannot write \d+ bytes: .*; what was there before is un"):
        write_circuit(circuit(), tmp_path / "no such folder" / "circuit.npz")
    before = saved_circuit.read_bytes()
    saved_circuit.parent.chmod(0o500)
    try:
        write_circuit(circuit(), saved_circuit)
    except FileError:
        assert saved_circuit.read_bytes() == before
    finally:
        saved_circuit.parent.chmod(0o700)
    assert [path.name for path in tmp_path.iterdir()] == ["circuit.npz"]


def test_missing_file(tmp_path):
    with pytest.raises(FileError, match=r"none\.npz: no such file"):
        read_circuit(tmp_path / "none.npz")
    with pytest.raises(FileError, match="a folder; allowed is a file"):
        read_circuit(tmp_path)


def test_every_truncation_is_noticed(saved_circuit):
    data = saved_circuit.read_bytes()
    for end in range(0, len(data), 13):
        saved_circuit.write_bytes(data[:end])
        with pytest.raises(
            FileError, match=r"not a Gatewright file, or damaged: .*; write it again"
        ):
            read_circuit(saved_circuit)


def test_no_flipped_byte_goes_unnoticed_or_crashes(saved_circuit):
    """Checksums cover the arrays; what they do not cover (dates, flags) changes no circuit."""
    data = saved_circuit.read_bytes()
    expected = read_circuit(saved_circuit)
    for at in range(0, len(data), 3):
        saved_circuit.write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        try:
            found = read_circuit(saved_circuit)
        except FileError:
            continue
        assert same(found, expected)
