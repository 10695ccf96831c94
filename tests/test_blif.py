"""BLIF files: covers, models, and what is refused."""

import itertools

import numpy as np
import pytest
from format_checks import boolean, refused
from pass_checks import parse
from strategies import all_inputs

import gatewright as gw
from gatewright.compiler.names import Names
from gatewright.compiler.stats import stats
from gatewright.runtime.errors import FileError

ADDER = """\
# a full adder
.model full   # of two half ones
.inputs a b \\
  cin
.outputs s cout
.subckt half x=a y=b s=t c=c0
.subckt half x=t y=cin s=s c=c1
.names c0 c1 cout
1- 1
-1 1
.end

.model half
.inputs x y
.outputs s c
.names x y s
10 1
01 1
.names x y c
11 1
.end
"""


def read(tmp_path, text):
    path = tmp_path / "a.blif"
    path.write_text(text)
    return gw.read(path)


def values(tmp_path, text):
    """What the outputs are for every input pattern."""
    circuit = read(tmp_path, text)
    return circuit.bits(all_inputs(circuit.netlist.n_inputs)).T.astype(int).tolist()


def test_full_adder_of_two_models(tmp_path):
    circuit = read(tmp_path, ADDER)
    assert circuit.names == Names(("a", "b", "cin"), ("s", "cout"))
    x = all_inputs(3)
    total = circuit.bits(x) @ [1, 2]
    assert total.tolist() == x.sum(axis=1).tolist()
    assert stats(circuit.netlist).gates == 5


def test_written(tmp_path):
    netlist = parse("""\
        netlist inputs=3
          %5 = lut 0xca %2 %3 %4
          %6 = lut 0x6 %5 %1
          output %5 %6 %2 %0
        """)
    gw.write(boolean(netlist), tmp_path / "a.blif")
    assert (
        (tmp_path / "a.blif").read_text()
        == """\
.model circuit
.inputs x0 x1 x2
.outputs y0 y1 y2 y3
.names n0
.names n1
1
.names x0 x1 x2 y0
1-0 1
-11 1
.names y0 n1 y1
10 1
01 1
.names x0 y2
1 1
.names n0 y3
1 1
.end
"""
    )


@pytest.mark.parametrize(
    ("cover", "want"),
    [
        (".names a b y\n", [0, 0, 0, 0]),
        (".names a b y\n-- 1\n", [1, 1, 1, 1]),
        (".names a b y\n1- 1\n-1 1\n", [0, 1, 1, 1]),
        (".names a b y\n11 0\n", [1, 1, 1, 0]),
        (".names a b y\n1- 0\n-1 0\n", [1, 0, 0, 0]),
        (".names y\n1\n", [1, 1, 1, 1]),
        (".names y\n0\n", [0, 0, 0, 0]),
        (".names y\n", [0, 0, 0, 0]),
        (".names b y\n0 1\n", [1, 1, 0, 0]),
        (".names c y\n1 1\n.names a c\n0 1\n", [1, 0, 1, 0]),
        (".conn b y\n", [0, 0, 1, 1]),
    ],
)
def test_covers(tmp_path, cover, want):
    assert values(tmp_path, f".inputs a b\n.outputs y\n{cover}") == [want]


def test_what_reads_inverters_and_constants_takes_them_in(tmp_path):
    text = """.inputs a b
.outputs y z
.names one
1
.names a na
0 1
.names na nna
0 1
.names nna b one y
111 1
.names na z
0 1
"""
    circuit = read(tmp_path, text)
    assert stats(circuit.netlist).gates == 1
    assert values(tmp_path, text) == [[0, 0, 0, 1], [0, 1, 0, 1]]


@pytest.mark.parametrize("width", [7, 13, 40])
@pytest.mark.parametrize("value", "01")
def test_wide_covers(tmp_path, width, value):
    random = np.random.default_rng(width)
    cubes = random.choice(["0", "1"], (9, width))
    literals = [3] * 4 + [min(width - 1, 20)] * 5
    for cube, count in zip(cubes, literals, strict=True):
        cube[random.permutation(width)[count:]] = "-"
    names = [f"i{i}" for i in range(width)]
    rows = "".join(f"{''.join(cube)} {value}\n" for cube in cubes)
    text = f".inputs {' '.join(names)}\n.outputs y\n.names {' '.join(names)} y\n{rows}"
    circuit = read(tmp_path, text)
    x = random.integers(0, 2, (500, width)).astype(np.bool_)
    x[:9] = np.where(cubes == "-", x[:9], cubes == "1")  # each cube once
    fits = ((cubes[:, None] == "-") | (cubes[:, None] == np.where(x, "1", "0"))).all(axis=2)
    assert 0 < fits.any(axis=0).sum() < 500
    np.testing.assert_array_equal(circuit.bits(x)[:, 0], fits.any(axis=0) == (value == "1"))


def test_any_order_and_3000_levels(tmp_path):
    rows = [f".names n{i} a n{i + 1}\n10 1\n01 1\n" for i in range(3000)]
    text = ".inputs a n0\n.outputs n3000\n" + "".join(rows[::-1])
    assert values(tmp_path, text) == [[0, 0, 1, 1]]
    buffers = [f".names n{i} n{i + 1}\n0 1\n" for i in range(3001)]
    text = ".inputs n0\n.outputs n3001\n" + "".join(buffers[::-1])
    assert values(tmp_path, text) == [[1, 0]]


def test_ports_in_several_lines_and_remarks(tmp_path):
    text = (
        ".model m\r\n.inputs a\r\n.inputs b\r\n.outputs y\r\n.outputs a\r\n.names a b y # and\r\n"
        "11 1\r\n.attr src x\r\n.area 3\r\n.end\r\n"
    )
    assert values(tmp_path, text) == [[0, 0, 0, 1], [0, 1, 0, 1]]


def test_continued_lines_that_say_nothing(tmp_path):
    text = "\\\n\n\\\n\\\n  \n.inputs \\\n a\n.outputs y # more \\\n.names \\\n a \\\n y\n0 1\n"
    assert values(tmp_path, text) == [[1, 0]]


def test_models_in_models_are_flattened(tmp_path):
    """XOR of 2**4 inputs, by halves, and each model is written before what it needs."""
    models = [
        f".model m{i}\n.inputs {names}\n.outputs y\n{body}.end\n"
        for i in range(1, 5)
        for names, body in [
            (
                " ".join(f"a{j}" for j in range(2**i)),
                ".subckt m{} {} y=p\n.subckt m{} {} y=q\n".format(
                    i - 1,
                    " ".join(f"a{j}=a{j}" for j in range(2 ** (i - 1))),
                    i - 1,
                    " ".join(f"a{j}=a{j + 2 ** (i - 1)}" for j in range(2 ** (i - 1))),
                )
                + ".names p q y\n10 1\n01 1\n",
            )
        ]
    ]
    leaf = ".model m0\n.inputs a0\n.outputs y\n.names a0 y\n1 1\n.end\n"
    circuit = read(tmp_path, "".join([*models[::-1], leaf]))
    x = np.random.default_rng(0).integers(0, 2, (200, 16)).astype(np.bool_)
    np.testing.assert_array_equal(circuit.bits(x)[:, 0], x.sum(axis=1) % 2 == 1)
    assert stats(circuit.netlist).gates == 15


PORTS = ".inputs a b\n.outputs y\n"
REFUSED = [
    ("  \n", "empty"),
    ("# nothing\n", "no model"),
    (f"{PORTS}.latch a y re clk 0\n", "a.blif:3", ".latch a", "comb"),
    (f"{PORTS}.gate nand2 A=a B=b O=y\n", "a.blif:3", ".gate nand2", "unmap"),
    (f"{PORTS}.mlatch x\n", ".mlatch"),
    (f"{PORTS}.exdc\n", ".exdc"),
    (f"{PORTS}.search f.blif\n", ".search f.blif"),
    (f"{PORTS}.wibble 3\n", "a.blif:3", "'.wibble 3'"),
    (f"{PORTS}.names\n", "a.blif:3", "'.names'"),
    (f"{PORTS}.names a c y\n11 1\n", "a.blif:3", "'c' is read and nothing defines it"),
    (PORTS, "a.blif:2", "'y' is read and nothing defines it"),
    (f"{PORTS}.names a y\n1 1\n.names b y\n1 1\n", "a.blif:5", "second time", "line 3"),
    (f"{PORTS}.names b a\n1 1\n", "a.blif:3", "'a' is defined a second time", "line 1"),
    (".inputs a a\n", "a.blif:1", "'a' is defined a second time"),
    (f"{PORTS}.names a b y\n111 1\n", "a.blif:3", "'111 1'", "2 of 0, 1 and -"),
    (f"{PORTS}.names a b y\n11 2\n", "'11 2'"),
    (f"{PORTS}.names a b y\n1x 1\n", "'1x 1'"),
    (f"{PORTS}.names a b y\n1 1 1\n", "'1 1 1'"),
    (f"{PORTS}.names a b y\n11 1\n00 0\n", "a.blif:3", "on-set or off-set"),
    (f"{PORTS}11 1\n", "a.blif:3", "only in a cover"),
    (f"{PORTS}.names y a c\n11 1\n.names c b y\n11 1\n", "2 nets", "in a circle: '"),
    (f"{PORTS}.names y y\n1 1\n", "a.blif:3", "circle: 'y'"),
    (f"{PORTS}.names c y\n1 1\n.names d c\n0 1\n.names c d\n1 1\n", "2 nets", "'d' <- 'c'"),
    (f"{PORTS}.subckt m x=a\n", "a.blif:3", "not in the file"),
    (f"{PORTS}.subckt\n", "a.blif:3"),
    (f"{PORTS}.subckt m a\n", "pin 'a'"),
    (f"{PORTS}.subckt m a=b a=b\n", "pin 'a=b'"),
    (f".model t\n{PORTS}.subckt t a=a b=b y=y\n", "a.blif:4", "holds itself"),
    (f"{PORTS}.end\n.names a y\n1 1\n", "a.blif:4", "behind .end"),
    (f".model m\n{PORTS}.end\n.model m\n", "a.blif:5", "second model 'm'"),
    (ADDER.replace("x=t ", ""), "a.blif:7", "half", "input 'x' is open"),
    (ADDER.replace("x=t ", "x=t w=t "), "a.blif:7", "no port 'w'"),
    (f"{PORTS}.names a y \\", "a.blif:3", "continued line"),
    (b".inputs a\xfe\n", "byte 9", "UTF-8"),
    ("PK\x03\x04", "'PK\\x03\\x04'"),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=range(len(REFUSED)))
def test_refused(tmp_path, case):
    content, *parts = case
    refused(tmp_path / "a.blif", content, *parts)


@pytest.mark.parametrize("line", [".latch {} y", ".gate {}", ".subckt {} a=a"])
def test_messages_stay_short(tmp_path, line):
    (tmp_path / "a.blif").write_text(PORTS + line.format("z" * 10_000) + "\n")
    with pytest.raises(FileError) as error:
        gw.read(tmp_path / "a.blif")
    assert len(str(error.value)) < 400 + len(str(tmp_path))


def test_models_that_double_60_times_are_refused(tmp_path):
    text = "".join(
        f".model m{i}\n.inputs a\n.outputs y\n.subckt m{i + 1} a=a y=t\n"
        f".subckt m{i + 1} a=t y=y\n.end\n"
        for i in range(60)
    )
    leaf = ".model m60\n.inputs a\n.outputs y\n.names a y\n0 1\n.end\n"
    refused(tmp_path / "a.blif", text + leaf, "too many nets")


def test_a_circle_through_a_model_is_refused(tmp_path):
    text = ADDER.replace("y=cin s=s", "y=s s=s")
    refused(tmp_path / "a.blif", text, "read each other in a circle")


def test_covers_are_irredundant_and_right():
    from gatewright.compiler.formats.covers import cover
    from gatewright.compiler.formats.wide import cover_table

    for k, table in itertools.chain(
        ((2, t) for t in range(16)),
        ((3, t) for t in range(256)),
        ((6, int(t)) for t in np.random.default_rng(0).integers(0, 2**63, 50)),
    ):
        cubes = cover(table, k)
        assert cover_table(cubes, k) == table
        for skip in range(len(cubes)):
            assert cover_table(cubes[:skip] + cubes[skip + 1 :], k) != table
