"""MNIST from its files: what is read, where it is looked for, what is refused."""

import gzip
import struct

import numpy as np
import pytest

pytest.importorskip("torch")

from gatewright.frontend import load_dataset
from gatewright.frontend.data import folder, mnist
from gatewright.runtime.errors import FileError

RANDOM = np.random.default_rng(0)


def idx(array):
    return b"\0\0\x08" + struct.pack(f">B{array.ndim}I", array.ndim, *array.shape) + array.tobytes()


def images(n):
    x = RANDOM.integers(0, 256, (n, 28, 28), dtype=np.uint8)
    return x, (np.arange(n) % 10).astype(np.uint8)


def put_mnist(at, pack=False):
    at.mkdir(parents=True, exist_ok=True)
    made = {"train": images(20), "t10k": images(10)}
    for part, (x, y) in made.items():
        for name, array in ((f"{part}-images-idx3-ubyte", x), (f"{part}-labels-idx1-ubyte", y)):
            data = idx(array)
            (at / f"{name}{'.gz' * pack}").write_bytes(gzip.compress(data) if pack else data)
    return made


@pytest.mark.parametrize(
    ("name", "below", "pack"),
    [
        ("mnist", ".", False),
        ("mnist", "MNIST/raw", True),
        ("fashion-mnist", "fashion-mnist", True),
        ("fashion-mnist", "FashionMNIST/raw", False),
    ],
)
def test_mnist(tmp_path, name, below, pack):
    made = put_mnist(tmp_path / below, pack)
    data = load_dataset(name, folder=tmp_path)
    assert (data.name, data.input_shape, data.classes) == (name, (1, 28, 28), 10)
    assert data.x_train.dtype == np.uint8
    assert np.array_equal(data.x_train[:, 0], made["train"][0])
    assert np.array_equal(data.x_test[:, 0], made["t10k"][0])
    assert np.array_equal(data.y_train, made["train"][1])
    assert np.array_equal(data.y_test, made["t10k"][1])


def test_mnist_as_keras_writes_it(tmp_path):
    (x, y), (x_test, y_test) = images(20), images(10)
    np.savez_compressed(tmp_path / "mnist.npz", x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    named = load_dataset("mnist", folder=tmp_path)
    assert np.array_equal(named.x_test[:, 0], x_test)
    mine = load_dataset(tmp_path / "mnist.npz")
    assert mine.input_shape == (28, 28)
    assert np.array_equal(mine.x_train, x)
    assert np.array_equal(mine.y_test, y_test)


def test_where_files_are_looked_for(tmp_path, monkeypatch):
    home, named, cache = tmp_path / "home", tmp_path / "named", tmp_path / "xdg"
    for variable in ("GATEWRIGHT_CACHE", "XDG_CACHE_HOME", "GATEWRIGHT_DATA"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(home))
    with pytest.raises(FileError) as error:
        load_dataset("mnist")
    for part in (
        "mnist: no train-images-idx3-ubyte or train-images-idx3-ubyte.gz or mnist.npz in",
        f"{home}/.cache/gatewright/data/MNIST/raw, ",
        f"{home}/.cache/gatewright/data; ",
        "not downloaded automatically",
        "folder= or in the environment variable GATEWRIGHT_DATA",
    ):
        assert part in str(error.value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    put_mnist(cache / "gatewright/data")
    assert len(load_dataset("mnist").x_train) == 20
    monkeypatch.setenv("GATEWRIGHT_DATA", str(named))
    with pytest.raises(FileError, match="named/mnist"):
        load_dataset("mnist")
    put_mnist(named)
    assert len(load_dataset("mnist").x_train) == 20


def test_a_folder_of_its_own_comes_before_the_base(tmp_path):
    put_mnist(tmp_path)
    (x, y), own = images(30), tmp_path / "fashion-mnist"
    own.mkdir()
    np.savez_compressed(own / "fashion-mnist.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    assert len(load_dataset("fashion-mnist", folder=tmp_path).x_train) == 30
    assert len(load_dataset("mnist", folder=tmp_path).x_train) == 20


def test_no_home_folder(monkeypatch):
    monkeypatch.delenv("GATEWRIGHT_DATA", raising=False)

    def none():
        raise folder.BuildError("no home")

    monkeypatch.setattr(folder, "cache_folder", none)
    with pytest.raises(FileError, match="mnist: no home folder to look in; name the folder"):
        load_dataset("mnist")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-1], "claims .20, 28, 28., 15680 bytes, and holds 15679"),
        (lambda data: data + b"0", "claims .20, 28, 28., 15680 bytes, and holds 15681"),
        (lambda data: data[:9], "ends within its header"),
        (lambda data: b"", "begins with nothing; an IDX file of bytes begins with 00 00 08"),
        (lambda data: b"\0\0\x0d" + data[3:], "begins with 00 00 0d 03"),
        (lambda data: data[:4] + b"\xff" * 12 + data[16:], "claims .4294967295, 4294967295"),
        (lambda data: b"\0\0\x08\x04\0\0\0\0" + b"\xff" * 12, "which holds nothing"),
        (lambda data: gzip.compress(data)[:-9], "cannot read, or damaged"),
        (lambda data: gzip.compress(data)[:40] + b"spoilt", "cannot read, or damaged"),
        (lambda data: idx(np.zeros((20, 28, 27), np.uint8)), r"needed are images, uint8 \[n, 28"),
        (
            lambda data: idx(np.zeros((19, 28, 28), np.uint8)),
            r"19 images, and labels of shape \[20",
        ),
    ],
)
def test_damaged_idx(tmp_path, change, message):
    put_mnist(tmp_path)
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(FileError, match=f"train-images-idx3-ubyte: .*{message}"):
        load_dataset("mnist", folder=tmp_path)


def test_gzip_bomb(tmp_path):
    put_mnist(tmp_path)
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(gzip.compress(bytes(mnist._MOST + 1)))
    with pytest.raises(FileError, match="over 67108864 bytes; this data set's files hold less"):
        load_dataset("mnist", folder=tmp_path)


def test_keras_file_without_a_test_part(tmp_path):
    x, y = images(20)
    np.savez(tmp_path / "mnist.npz", x=x, y=y)
    with pytest.raises(FileError, match=r"mnist\.npz: holds no x_test and y_test"):
        load_dataset("mnist", folder=tmp_path)
