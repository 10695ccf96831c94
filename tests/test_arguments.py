"""Kinds of options: numpy's numbers wherever Python's are taken, and no flag for a number."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from circuits import classifier, samples

import gatewright as gw
from gatewright.backends import synthesis
from gatewright.backends.build import build
from gatewright.runtime.archive import read_archive, write_archive
from gatewright.runtime.arguments import check_flag, is_integer, is_number, plain
from gatewright.runtime.errors import EmitError, GatewrightError, InputError

NO_INTEGERS = (True, np.True_, 2.0, np.float64(2), math.nan, "2", "", [2], np.array(2))


@pytest.mark.parametrize("number", [2, np.int64(2), np.uint8(2)])
def test_integers(number):
    assert is_integer(number)
    assert is_integer(number, 2, 2)
    assert not is_integer(number, 3)
    assert not is_integer(number, 0, 1)
    assert type(plain(number)) is int


@pytest.mark.parametrize("other", [*NO_INTEGERS, None, False])
def test_what_is_no_integer(other):
    assert not is_integer(other)


def test_numbers():
    assert all(map(is_number, (0, -1.5, math.inf, np.float32(1), np.int8(1))))
    assert not any(map(is_number, (True, np.False_, math.nan, np.float64("nan"), "1", None, [1])))


def test_flags():
    assert check_flag("a flag", np.True_, EmitError) is True
    for other in (1, "no", None, []):
        with pytest.raises(EmitError, match=r"a flag .*; allowed are True and False"):
            check_flag("a flag", other, EmitError)


def emit(folder, target, **options):
    return [path.read_bytes() for path in gw.emit(classifier(), target, folder, **options)]


@pytest.mark.parametrize(
    ("target", "option"),
    [
        ("verilog", "registers_every"),
        ("verilog", "max_latency"),
        ("verilog", "feature_bits"),
        ("verilog", "target_mhz"),
        ("c", "straight_line"),
        ("c", "unroll"),
    ],
)
def test_numbers_of_backends(tmp_path, target, option):
    number = 8
    want = emit(tmp_path, target, **{option: number})
    assert emit(tmp_path, target, **{option: np.int64(number)}) == want
    for wrong in (True, -1, "8", math.nan, [8], np.array(8)):
        with pytest.raises(GatewrightError, match=f"{option} .*; allowed are|allowed are"):
            emit(tmp_path, target, **{option: wrong})


@pytest.mark.parametrize("flag", ["reset", "enable", "keep_hierarchy", "register_inputs", "cocotb"])
@pytest.mark.parametrize("wrong", ["no", 1, 0, None])
def test_flags_of_backends(tmp_path, flag, wrong):
    with pytest.raises(EmitError, match=f"{flag} .*; allowed are True and False"):
        emit(tmp_path, "verilog", registers_every=2, **{flag: wrong})


def test_names_that_are_none(tmp_path):
    for option in ("answer", "style", "interface", "device", "primitives"):
        for wrong in (["class"], 3, True):
            with pytest.raises(EmitError, match=f"{option} .*allowed are"):
                emit(tmp_path, "verilog", **{option: wrong})
    for wrong in (["c"], None, b"c"):
        with pytest.raises(EmitError, match=r"target .*; allowed are"):
            build(classifier(), wrong, "net")
    with pytest.raises(EmitError, match="isas 3; allowed are names"):
        emit(tmp_path, "c", isas=3)
    lists = emit(tmp_path, "c", isas=["avx2", "portable"])
    assert lists == emit(tmp_path, "c", isas=("avx2", "portable"))


def test_levels_and_seconds():
    circuit = classifier()
    assert gw.optimize(circuit, np.int64(1)).digest() == gw.optimize(circuit, 1).digest()
    gw.optimize(circuit, 1, seconds=np.float32(60))
    for wrong in (*NO_INTEGERS, -1, 4, 10**30, None):
        with pytest.raises(GatewrightError, match=r"level .*; allowed are 0 to 3"):
            gw.compile(circuit, "numpy", level=wrong)
    for wrong in (True, 0, math.nan, "1"):
        with pytest.raises(GatewrightError, match=r"seconds .*; allowed is a positive number"):
            gw.optimize(circuit, 1, seconds=wrong)
    with pytest.raises(GatewrightError, match="prove 'no'; allowed are True and False"):
        gw.optimize(circuit, 1, prove="no")


def test_numbers_of_synthesis(monkeypatch):
    asked = []

    class Stopped(Exception):
        pass

    def stop(*arguments):
        asked.append(arguments)
        raise Stopped

    monkeypatch.setattr(synthesis, "_Flow", stop)
    circuit = classifier()
    with pytest.raises(Stopped):
        gw.synthesize(circuit, "ice40", level=0, seeds=np.int64(2), timeout=np.float64(5))
    assert asked
    for option in ("seeds", "attempts"):
        for wrong in (*NO_INTEGERS, -1):
            with pytest.raises(EmitError, match=f"{option} .*; allowed are integers from"):
                gw.synthesize(circuit, "ice40", level=0, **{option: wrong})
    for wrong in (0, -1, math.nan, "5", None, True):
        with pytest.raises(EmitError, match=r"timeout .*; allowed are seconds above 0"):
            gw.synthesize(circuit, "ice40", level=0, timeout=wrong)


@pytest.mark.parametrize("wrong", [*NO_INTEGERS, 0, -1])
def test_threads(wrong):
    compiled = build(classifier(), "numpy", "net")
    x = samples(classifier(), 3, "uint8")
    with pytest.raises(InputError, match=r"threads .*; allowed are integers from 1"):
        compiled.predict(x, threads=wrong)
    assert len(compiled.predict(x, threads=np.int8(2))) == 3


def test_more_answers_than_memory():
    compiled = build(classifier(), "numpy", "net")
    row = np.zeros((1, 20), np.uint8)
    many = np.lib.stride_tricks.as_strided(row, (1 << 57, 20), (0, 1))
    with pytest.raises(InputError, match="samples, whose answers do not fit into memory; hand"):
        compiled.predict(many)


def test_manifests_with_numbers_of_numpy(tmp_path):
    write_archive(tmp_path / "a.npz", "test", {"n": np.int64(3), "f": np.float32(0.5)}, {})
    manifest, _ = read_archive(tmp_path / "a.npz")
    assert (manifest["n"], manifest["f"]) == (3, 0.5)
    assert json.dumps(manifest)


def test_sizes_of_layers(tmp_path):
    torch = pytest.importorskip("torch")
    from gatewright.frontend import GroupSum, LogicConv2d, LogicDense, load_model, save_model

    two = np.int64(2)
    layers = (
        LogicConv2d((two * 2, 4), np.int64(1), np.int64(6), two, two),
        torch.nn.Flatten(),
        LogicDense(np.int64(54), np.int64(20)),
        GroupSum(np.int64(4)),
    )
    model = torch.nn.Sequential(*layers)
    assert type(layers[-1].k) is type(layers[2].in_dim) is type(layers[0].channels) is int
    model.input_shape = (1, 4, 4)
    x = torch.rand(3, 1, 4, 4)
    save_model(model, tmp_path / "model.npz")
    assert torch.equal(load_model(tmp_path / "model.npz").eval()(x), model.eval()(x))
    for wrong in NO_INTEGERS:
        with pytest.raises(InputError, match=r"k .*; allowed are integers from 1"):
            GroupSum(wrong)


def test_numbers_of_training(tmp_path):
    torch = pytest.importorskip("torch")
    from gatewright.frontend import GroupSum, LogicDense, fit

    x = (np.random.default_rng(0).random((20, 8)) > 0.5).astype(np.float32)
    y = np.arange(20) % 2

    def trained(number, **options):
        torch.manual_seed(0)
        model = torch.nn.Sequential(LogicDense(8, 16), GroupSum(2))
        given = {"steps": number(4), "batch_size": number(8), "seed": number(3)}
        given |= {"check_every": number(2), "threads": number(1), "temperature": number(2)}
        fit(model, x, y, progress=False, **{**given, **options})
        return model[0].weight

    want = trained(int)
    assert torch.equal(trained(np.int64, folder=tmp_path), want)
    trained(int, folder=tmp_path, resume=True)  # for the same run
    for option, wrong in (("seed", 2**63), ("seed", True), ("threads", 10**30), ("threads", 0)):
        with pytest.raises(InputError, match=rf"fit: {option} .*; allowed are integers from . to"):
            trained(int, **{option: wrong})
    for wrong in (["shift"], np.array(2), 3):
        with pytest.raises(InputError, match=r"augment .*; allowed are"):
            trained(int, augment=wrong)
