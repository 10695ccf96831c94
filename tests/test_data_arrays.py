"""Arrays in a user's own files: layouts, and archives that mean harm."""

import struct
import zipfile

import numpy as np
import pytest

pytest.importorskip("torch")

from gatewright.frontend import load_dataset
from gatewright.frontend.training.recipes import recipe_for
from gatewright.runtime.errors import FileError, InputError


def test_samples_of_two_shapes(tmp_path):
    y = np.arange(4) % 2
    parts = {"x_train": np.ones((4, 2)), "y_train": y, "x_test": np.ones((4, 3)), "y_test": y}
    np.savez(tmp_path / "a.npz", **parts)
    with pytest.raises(InputError, match=r"samples of shape \[2\] to train on and \[3\] to test"):
        load_dataset(tmp_path / "a.npz")


def test_arrays_of_every_layout(tmp_path):
    x = np.arange(80, dtype=">f8").reshape(20, 4)
    np.savez_compressed(tmp_path / "a.npz", x=np.asfortranarray(x), y=np.arange(20)[:, None] % 2)
    data = load_dataset(tmp_path / "a.npz")
    both = np.concatenate([data.x_train, data.x_test])
    assert np.array_equal(both[both[:, 0].argsort()], x)


def header(text):
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (header("{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999,), }\n"), "claims"),
        (header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"), "allowed are plain"),
        (header("[" * 9000), "allowed are plain numbers"),
        (
            header("{'descr': '<b2', 'fortran_order': False, 'shape': (1,), }\n"),
            "allowed are plain",
        ),
        (bytes((1 << 26) + 1), "unpacks to over 100 times its size"),
        (b"", "does not begin as a .npy"),
    ],
)
def test_hostile_arrays(tmp_path, member, message):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", member)
        archive.writestr("y.npy", member)
    with pytest.raises(FileError, match=f"a.npz: .*{message}"):
        load_dataset(tmp_path / "a.npz")


def test_members_that_numpy_does_not_write(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x.npy", b"")
        archive.writestr("y.npy", b"")
    with pytest.raises(FileError, match=r"x.npy is packed in a way that numpy does not write"):
        load_dataset(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        ([0, 0, 1, 10**12], {}, "label 1000000000000 for 4 samples; allowed are classes counted"),
        ([0, 1, 0, 1], {"seed": -1}, "split: seed -1; allowed are integers from 0"),
    ],
)
def test_labels_and_seeds_out_of_range(tmp_path, y, options, message):
    np.savez(tmp_path / "a.npz", x=np.ones((4, 2)), y=y)
    with pytest.raises(InputError, match=message):
        load_dataset(tmp_path / "a.npz", test_fraction=0.5, **options)


def test_a_file_that_is_named_as_a_data_set_is_not_it(tmp_path):
    np.savez(tmp_path / "digits.npz", x=np.ones((4, 2)), y=[0, 1, 0, 1])
    data = load_dataset(tmp_path / "digits.npz", test_fraction=0.5)
    assert data.name == "digits.npz"
    assert recipe_for(data).network == {"layers": (400, 400)}
