"""Tables of the UCI repository as bits, in the order of difflogic's experiments.

So networks that were trained there get the same samples here.
"""

from __future__ import annotations

import os

from .dataset import Parts
from .folder import shelf
from .tables import Column, Table


def load_table(name: str, folder: str | os.PathLike[str] | None) -> Parts:
    """Bits bool [n, bits] and classes int64 [n] of "adult", "monk1" to "monk3" or
    "breast-cancer-uci".

    Raises:
        FileError: a file is missing or damaged.
    """
    table, files = TABLES[name]
    places = shelf(name, folder, (name,))
    train, *test = [table.read(places.need(file)) for file in files]
    return train, test[0] if test else None


def _adult() -> Table:
    options = {
        "workclass": "Private, Self-emp-not-inc, Self-emp-inc, Federal-gov, Local-gov, State-gov, "
        "Without-pay, Never-worked",
        "education": "Bachelors, Some-college, 11th, HS-grad, Prof-school, Assoc-acdm, Assoc-voc, "
        "9th, 7th-8th, 12th, Masters, 1st-4th, 10th, Doctorate, 5th-6th, Preschool",
        "marital-status": "Married-civ-spouse, Divorced, Never-married, Separated, Widowed, "
        "Married-spouse-absent, Married-AF-spouse",
        "occupation": "Tech-support, Craft-repair, Other-service, Sales, Exec-managerial, "
        "Prof-specialty, Handlers-cleaners, Machine-op-inspct, Adm-clerical, Farming-fishing, "
        "Transport-moving, Priv-house-serv, Protective-serv, Armed-Forces",
        "relationship": "Wife, Own-child, Husband, Not-in-family, Other-relative, Unmarried",
        "race": "White, Asian-Pac-Islander, Amer-Indian-Eskimo, Other, Black",
        "sex": "Female, Male",
        "native-country": "United-States, Cambodia, England, Puerto-Rico, Canada, Germany, "
        "Outlying-US(Guam-USVI-etc), India, Japan, Greece, South, China, Cuba, Iran, Honduras, "
        "Philippines, Italy, Poland, Jamaica, Vietnam, Mexico, Portugal, Ireland, France, "
        "Dominican-Republic, Laos, Ecuador, Taiwan, Haiti, Columbia, Hungary, Guatemala, "
        "Nicaragua, Scotland, Thailand, Yugoslavia, El-Salvador, Trinadad&Tobago, Peru, Hong, "
        "Holand-Netherlands",
    }
    places = (1, 3, 5, 6, 7, 8, 9, 13)
    columns = [
        Column(name, place, tuple(values.split(", ")))
        for place, (name, values) in zip(places, options.items(), strict=True)
    ]
    columns.append(Column("age", 0, cuts=(21, 30, 45, 60)))
    columns.append(Column("capital-gain", 10, cuts=(1, 5000)))
    columns.append(Column("capital-loss", 11, cuts=(1, 5000)))
    # difflogic reserves six bits for hours-per-week and never sets them.
    return Table(15, tuple(columns), 14, ("<=50K", ">50K"), blank=6)


def _monk() -> Table:
    columns = tuple(
        Column(f"a{place}", place, tuple(map(str, range(1, values + 1))))
        for place, values in enumerate((3, 3, 2, 3, 4, 2), 1)
    )
    return Table(8, columns, 0, ("0", "1"), separator=None)


def _breast_cancer() -> Table:
    def spans(step: int, last: int, first: int = 0) -> str:
        return " ".join(f"{low}-{low + step - 1}" for low in range(first, last + 1, step))

    options = {
        "age": spans(10, 90, 10),
        "menopause": "lt40 ge40 premeno",
        "tumor-size": spans(5, 55),
        "inv-nodes": f"{spans(3, 33)} 36-39",
        "node-caps": "yes no",
        "deg-malig": "1 2 3",
        "breast": "left right",
        "breast-quad": "left_up left_low right_up right_low central",
        "irradiat": "yes no",
    }
    columns = tuple(
        Column(name, place, tuple(values.split()))
        for place, (name, values) in enumerate(options.items(), 1)
    )
    return Table(10, columns, 0, ("no-recurrence-events", "recurrence-events"))


TABLES: dict[str, tuple[Table, tuple[str, ...]]] = {
    "adult": (_adult(), ("adult.data", "adult.test")),
    **{f"monk{n}": (_monk(), (f"monks-{n}.train", f"monks-{n}.test")) for n in (1, 2, 3)},
    "breast-cancer-uci": (_breast_cancer(), ("breast-cancer.data",)),
}
"""Layout and files, training part first, by name."""
