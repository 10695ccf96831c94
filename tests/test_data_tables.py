"""Data sets that are tables of text: what is read, and what is refused."""

import numpy as np
import pytest

pytest.importorskip("torch")

from gatewright.frontend import load_dataset
from gatewright.runtime.errors import FileError

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
