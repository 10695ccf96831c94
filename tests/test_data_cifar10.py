"""CIFAR-10 from its files: what is read, and what is refused."""

import gzip
import io
import tarfile

import numpy as np
import pytest

pytest.importorskip("torch")

from gatewright.frontend import load_dataset
from gatewright.frontend.data import cifar
from gatewright.runtime.errors import FileError

RANDOM = np.random.default_rng(0)


def batches():
    made = {}
    for name in (*cifar._TRAIN, cifar._TEST):
        rows = RANDOM.integers(0, 256, (10, 3073), dtype=np.uint8)
        rows[:, 0] = np.arange(10)
        made[name] = rows
    return made


def put_archive(path, files, kind=tarfile.REGTYPE):
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size, member.type = len(data), kind
            archive.addfile(member, io.BytesIO(data))


@pytest.mark.parametrize("packed", [False, True])
def test_cifar10(tmp_path, packed):
    made = batches()
    if packed:
        files = {"readme.html": b"hello", **{name: rows.tobytes() for name, rows in made.items()}}
        put_archive(tmp_path / "cifar-10-binary.tar.gz", files)
    else:
        (tmp_path / "cifar-10-batches-bin").mkdir()
        for name, rows in made.items():
            (tmp_path / "cifar-10-batches-bin" / name).write_bytes(rows.tobytes())
    data = load_dataset("cifar10", folder=tmp_path)
    assert (data.name, data.input_shape, data.classes) == ("cifar10", (3, 32, 32), 10)
    train = np.concatenate([made[name] for name in cifar._TRAIN])
    assert np.array_equal(data.x_train.reshape(50, -1), train[:, 1:])
    assert np.array_equal(data.y_train, train[:, 0])
    assert np.array_equal(data.x_test.reshape(10, -1), made[cifar._TEST][:, 1:])


@pytest.mark.parametrize("name", ["data_batch_1", "cifar-10-python.tar.gz", "cifar-10-batches-py"])
def test_the_pickled_cifar10_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"cposix\nsystem\n(S'false'\ntR.")
    with pytest.raises(
        FileError, match=f"{name}: the Python version of CIFAR-10, which is pickled"
    ):
        load_dataset("cifar10", folder=tmp_path)


def damage(at, made):
    """Names of kinds of damage to functions that do it to the folder `at`."""
    whole = {name: rows.tobytes() for name, rows in made.items()}
    path = at / "cifar-10-binary.tar.gz"

    def cut():
        put_archive(path, whole)
        path.write_bytes(path.read_bytes()[:-2000])

    return {
        "none": lambda: None,
        "pickled": lambda: put_archive(path, {"data_batch_1": b"", **whole}),
        "cut": cut,
        "text": lambda: path.write_bytes(b"hello"),
        "lacking": lambda: put_archive(path, {"x": b""}),
        "link": lambda: put_archive(path, dict.fromkeys(whole, b""), tarfile.SYMTYPE),
        "short": lambda: put_archive(path, {**whole, "data_batch_2.bin": b"0" * 3072}),
        "class": lambda: put_archive(path, {**whole, cifar._TEST: b"\x0a" * 3073}),
    }


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("none", "cifar10: no cifar-10-binary.tar.gz or test_batch.bin in"),
        ("pickled", "the Python version of CIFAR-10"),
        ("cut", "not a gzipped tar archive, or damaged"),
        ("text", "not a gzipped tar archive, or damaged"),
        ("lacking", "holds no data_batch_1.bin, data_batch_2.bin"),
        ("link", "holds no data_batch_1.bin, data_batch_2.bin"),
        ("short", "data_batch_2.bin: 3072 bytes; needed are whole records of 3073 bytes"),
        ("class", "test_batch.bin: class 10; allowed are 0 to 9"),
    ],
)
def test_damaged_cifar10(tmp_path, kind, message):
    damage(tmp_path, batches())[kind]()
    with pytest.raises(FileError, match=message):
        load_dataset("cifar10", folder=tmp_path)


def test_tar_that_claims_more_than_it_holds(tmp_path):
    member = tarfile.TarInfo("filler")
    member.size = 1 << 60
    raw = member.tobuf(tarfile.GNU_FORMAT) + bytes(2048)
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(gzip.compress(raw))
    with pytest.raises(FileError, match="damaged: it ends within a file"):
        load_dataset("cifar10", folder=tmp_path)


def test_tar_of_headers_alone(tmp_path):
    member = tarfile.TarInfo("././@LongLink")
    member.size, member.type = 512, tarfile.GNUTYPE_LONGNAME
    raw = (member.tobuf(tarfile.GNU_FORMAT) + b"a" * 512) * 2000
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(gzip.compress(raw))
    with pytest.raises(FileError, match="damaged: maximum recursion depth"):
        load_dataset("cifar10", folder=tmp_path)


def test_tar_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(cifar, "_MOST_UNPACKED", 1 << 20)
    put_archive(tmp_path / "cifar-10-binary.tar.gz", {"filler": bytes(1 << 21)})
    with pytest.raises(FileError, match="it unpacks to over 1048576 bytes"):
        load_dataset("cifar10", folder=tmp_path)
