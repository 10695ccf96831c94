"""Published data sets from their files: what is read, where it is looked for, what is refused."""

import gzip
import io
import struct
import tarfile
import zipfile

import numpy as np
import pytest

pytest.importorskip("torch")

from gatewright.frontend import load_dataset
from gatewright.frontend.data import cifar, folder, mnist
from gatewright.frontend.training.recipes import recipe_for
from gatewright.runtime.errors import FileError, InputError

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
        "mnist: no mnist.npz or train-images-idx3-ubyte or train-images-idx3-ubyte.gz in",
        f"{home}/.cache/gatewright/data, ",
        f"{home}/.cache/gatewright/data/MNIST/raw; ",
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


ADULT = (
    "39, State-gov, 77516, Bachelors, 13, Never-married, Adm-clerical, Not-in-family, White, Male, "
    "2174, 0, 40, United-States, <=50K\n"
    "20, Private, 1, HS-grad, 9, Divorced, Sales, Wife, Black, Female, 0, 5000, 13, Japan, >50K\n"
    "39, ?, 77516, Bachelors, 13, Never-married, ?, Not-in-family, White, Male, "
    "2174, 0, 40, United-States, <=50K\n\n"
)


def test_adult(tmp_path):
    (tmp_path / "adult.data").write_text(ADULT)
    test = ADULT.replace("50K\n", "50K.\n")
    (tmp_path / "adult.test").write_text(f"|1x3 Cross validator\n{test}")
    data = load_dataset("adult", folder=tmp_path)
    assert (data.input_shape, data.classes, data.x_train.dtype) == ((116,), 2, np.bool_)
    assert data.y_train.tolist() == [0, 1]  # the row with unknown values is left out
    # From difflogic's `preprocess_adult_to_binary_data` on these two rows.
    assert data.x_train[0].nonzero()[0].tolist() == [5, 8, 26, 39, 48, 51, 57, 58, 101, 105, 107]
    assert data.x_train[1].nonzero()[0].tolist() == [0, 11, 25, 34, 45, 55, 56, 66, 99, 104, 109]
    assert np.array_equal(data.x_train, data.x_test)


def test_monk(tmp_path):
    (tmp_path / "monk2").mkdir()
    for part in ("train", "test"):
        (tmp_path / "monk2" / f"monks-2.{part}").write_text(
            " 1 1 1 1 1 3 1 data_5\n 0 3 2 2 3 4 2 data_9\n"
        )
    data = load_dataset("monk2", folder=tmp_path)
    assert (data.input_shape, data.classes) == ((17,), 2)
    assert data.y_train.tolist() == [1, 0]
    assert data.x_test[0].nonzero()[0].tolist() == [0, 3, 6, 8, 13, 15]
    assert data.x_test[1].nonzero()[0].tolist() == [2, 4, 7, 10, 14, 16]


def test_breast_cancer(tmp_path):
    rows = [
        "no-recurrence-events,30-39,premeno,30-34,0-2,no,3,left,left_low,no",
        "recurrence-events,90-99,ge40,55-59,36-39,yes,1,right,central,yes",
        "recurrence-events,90-99,ge40,55-59,36-39,?,1,right,central,yes",
    ]
    (tmp_path / "breast-cancer.data").write_text("\n".join(rows * 10))
    data = load_dataset("breast-cancer-uci", folder=tmp_path, test_fraction=0.3)
    assert (data.input_shape, data.classes) == ((51,), 2)
    assert (len(data.x_train), len(data.x_test)) == (14, 6)
    first = data.x_train[data.y_train == 0][0].nonzero()[0].tolist()
    assert first == [2, 11, 18, 24, 38, 41, 42, 45, 50]
    assert data.x_test[data.y_test == 1][0].nonzero()[0].tolist() == [
        8, 10, 23, 36, 37, 39, 43, 48, 49,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no rows; download it again"),
        ("1 1 1 1 1 3 1", "line 1 has 7 columns; allowed are 8"),
        ("\n1 4 1 1 1 3 1 data_5", "line 2: a1 '4'; allowed is 1, 2, 3"),
        ("2 1 1 1 1 3 1 data_5", "line 1: class '2'; allowed are 0, 1"),
        (b"\xff\xfe", "not text"),
    ],
)
def test_damaged_tables(tmp_path, text, message):
    data = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "monks-1.train").write_bytes(data)
    with pytest.raises(FileError, match=rf"monks-1\.train: {message}"):
        load_dataset("monk1", folder=tmp_path)


def test_a_number_in_a_table(tmp_path):
    (tmp_path / "adult.data").write_text(ADULT.replace("39, ", "old, ", 1))
    with pytest.raises(FileError, match="line 1: age 'old'; allowed is an integer"):
        load_dataset("adult", folder=tmp_path)


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
