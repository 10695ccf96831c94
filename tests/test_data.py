"""Data sets: bundled ones, splits, the user's files and what is wrong with them."""

import dataclasses

import numpy as np
import pytest

from gatewright.frontend import load_dataset, split_indices
from gatewright.frontend.checks import check_pair
from gatewright.runtime.errors import FileError, InputError


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "classes", "total"),
    [
        ("digits", (1, 8, 8), np.uint8, 10, 1797),
        ("breast_cancer", (30,), np.float32, 2, 569),
        ("wine", (13,), np.float32, 3, 178),
        ("iris", (4,), np.float32, 3, 150),
    ],
)
def test_bundled(name, shape, dtype, classes, total):
    data = load_dataset(name)
    assert (data.name, data.input_shape, data.classes) == (name, shape, classes)
    assert data.x_train.dtype == data.x_test.dtype == dtype
    assert data.y_train.dtype == data.y_test.dtype == np.int64
    assert len(data.x_train) + len(data.x_test) == total
    assert len(data.x_test) == pytest.approx(total / 5, abs=classes)
    for y in (data.y_train, data.y_test):
        assert set(y) == set(range(classes))


def test_a_data_set_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        load_dataset("iris").classes = 4


def test_split_is_seeded_stratified_and_complete():
    y = np.repeat([0, 1, 3], [50, 30, 20])
    keep, held = split_indices(y, 0.2, seed=5)
    assert np.bincount(y[held]).tolist() == [10, 6, 0, 4]
    assert sorted([*keep, *held]) == list(range(100))
    assert all(map(np.array_equal, split_indices(y, 0.2, seed=5), (keep, held)))
    assert not np.array_equal(split_indices(y, 0.2, seed=6)[1], held)


@pytest.mark.parametrize(
    ("y", "fraction", "message"),
    [
        ([0, 1], 1.0, "fraction 1.0; allowed is above 0 and below 1"),
        ([0, 1], 0.2, "fraction 0.2 of 2 samples in 2 classes leaves one side empty"),
        ([], 0.2, "of 0 samples in 0 classes"),
    ],
)
def test_split_messages(y, fraction, message):
    with pytest.raises(InputError, match=message):
        split_indices(np.array(y, np.int64), fraction, 0)


def test_own_npz_and_npy(tmp_path):
    x, y = np.random.default_rng(0).random((40, 3)), np.arange(40, dtype=np.int32) % 2
    np.savez(tmp_path / "mine.npz", x=x, y=y)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    one = load_dataset(tmp_path / "mine.npz", seed=3, test_fraction=0.5)
    two = load_dataset(
        str(tmp_path / "x.npy"), labels=tmp_path / "y.npy", seed=3, test_fraction=0.5
    )
    assert (one.name, one.classes, one.input_shape) == ("mine.npz", 2, (3,))
    assert one.x_train.dtype == np.float32
    assert len(one.x_test) == 20
    assert np.array_equal(one.x_test, two.x_test)
    assert np.array_equal(one.y_train, two.y_train)


def write(path, **arrays):
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda at: "nist", InputError, "data set 'nist'; allowed are digits, breast_cancer"),
        (lambda at: at / "no.npz", FileError, "no.npz: no such file"),
        (lambda at: at / "no.npy", InputError, "no.npy: samples without classes"),
        (
            lambda at: write(at / "a.npz", x=np.ones((3, 2))),
            FileError,
            "holds x; needed are x and y, or x_",
        ),
        (lambda at: write(at / "a.npz", a=np.ones(3)), FileError, "holds a; needed are x and y"),
        (
            lambda at: write(at / "a.npz", x=np.array([{}]), y=np.zeros(1)),
            FileError,
            "a.npz: not a NumPy file of plain arrays, or damaged: array of .*'[|]O'",
        ),
    ],
)
def test_messages(tmp_path, make, error, message):
    with pytest.raises(error, match=message):
        load_dataset(make(tmp_path))


def test_damaged_files(tmp_path):
    whole = write(tmp_path / "a.npz", x=np.ones((9, 2)), y=np.zeros(9, int)).read_bytes()
    for content in (b"", b"hello", whole[:100], whole[:-30]):
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(FileError, match="not a NumPy file of plain arrays, or damaged"):
            load_dataset(tmp_path / "a.npz")
    np.save(tmp_path / "b.npy", np.ones(3))
    (tmp_path / "b.npy").rename(tmp_path / "b.npz")
    with pytest.raises(FileError, match=r"b\.npz: not a NumPy file of plain arrays"):
        load_dataset(tmp_path / "b.npz")


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([[1.0], [2.0, 3.0]], [0, 1], "x: samples of different lengths"),
        ([["a"], ["b"]], [0, 1], "x: dtype <U1; allowed are numbers"),
        (np.zeros((0, 3)), [], r"x: shape \[0, 3\]; allowed is \[n, features, ...\]"),
        ([1.0, 2.0], [0, 1], r"x: shape \[2\]"),
        (
            [[1.0], [np.nan]],
            [0, 1],
            "x: 1 of 2 samples hold NaN or infinity, the first is sample 1",
        ),
        ([[1.0], [np.inf]], [0, 1], "x: 1 of 2 samples hold NaN or infinity"),
        (np.zeros((2, 1), np.complex64), [0, 1], "x: dtype complex64; allowed are numbers"),
        ([[2**24 + 1], [7]], [0, 1], "x: 1 integers that float32 does not hold, such as 16777217"),
        ([[2**63 - 1], [7]], [0, 1], "x: 1 integers that float32 does not hold"),
        (np.full((2, 1), 2**63, np.uint64), [0, 1], "x: 9223372036854775808; allowed are integers"),
        ([[1.0], [2.0]], [0], r"y: shape \[1\] for 2 samples; allowed is \[2\]"),
        ([[1.0], [2.0]], [0.0, 1.0], "y: dtype torch.float64; allowed are integers"),
        ([[1.0], [2.0]], [-1, 1], "y: label -1; allowed are classes from 0"),
    ],
)
def test_sample_messages(x, y, message):
    with pytest.raises(InputError, match=message):
        check_pair(x, y)


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, np.uint16, np.uint32, np.uint64])
def test_integers_become_float32(dtype):
    x, y = check_pair(np.array([[0], [100]], dtype), np.array([0, 1], dtype))
    assert x.dtype.is_floating_point
    assert x.ravel().tolist() == [0, 100]
    assert y.tolist() == [0, 1]
