"""Observing circuits: the report, what is refused, the command."""

from __future__ import annotations

import numpy as np
import pytest
from circuits import classifier, samples
from pass_checks import dense

import gatewright as gw
from gatewright.cli.main import main
from gatewright.compiler import Circuit, Decoder, Encoder
from gatewright.compiler.passes.observe import Observe
from gatewright.compiler.stats import n_gates
from gatewright.runtime.errors import AccuracyLoss, InputError


@pytest.fixture(scope="module")
def few():
    """A random classifier, and samples of which half the features are always 0."""
    circuit = classifier(features=30, widths=(200, 120), classes=4)
    x = samples(circuit, 3000, "uint8")
    x[:, ::2] = 0
    return circuit, x


def test_observe_reports_what_it_did(few):
    circuit, x = few
    result = gw.observe(circuit, x[:2000], x[2000:], luts=True)
    report = result.report
    np.testing.assert_array_equal(result.circuit.scores(x[:2000]), circuit.scores(x[:2000]))
    assert report.before.gates == n_gates(gw.optimize(circuit).netlist)
    assert report.after.gates == n_gates(result.circuit.netlist) < report.before.gates
    assert 0 < report.after.lut6 <= report.after.lut3 < report.before.lut3
    assert report.validation.samples == 1000
    assert not report.warnings
    assert "2,000 observed" in str(report)
    assert "lut6" in str(report)


def test_without_validation_the_report_says_so(few):
    circuit, x = few
    report = gw.observe(circuit, x[:200]).report
    assert any("200 samples show little" in text for text in report.warnings)
    assert any("no validation set" in text for text in report.warnings)
    held = gw.observe(circuit, x, holdout=0.25, max_loss=100).report
    assert (held.samples, held.validation.samples) == (2250, 750)


def test_too_much_loss_is_refused(few):
    circuit, x = few
    other = samples(circuit, 500, "uint8", seed=9)
    labels = circuit.predict(other)
    printed = str(circuit.netlist)
    with pytest.raises(AccuracyLoss, match=r"accuracy 100.00 % -> .* allowed is a loss of 1 "):
        gw.observe(circuit, x, (other, labels), max_loss=1)
    with pytest.raises(AccuracyLoss, match="classes on"):
        gw.observe(circuit, x, other)
    assert str(circuit.netlist) == printed
    report = gw.observe(circuit, x, (other, labels), max_loss=100).report
    assert report.validation.loss == report.validation.before - report.validation.after > 1


def test_circuits_without_classes(few):
    _, x = few
    circuit = Circuit(Encoder.boolean(30), dense(30, 50, 2))
    report = gw.observe(circuit, x > 127, x > 127).report
    assert (report.validation.answers, report.validation.before) == (0, None)


def bad(few, case):
    circuit, x = few
    fractions = x.astype(np.float32)
    fractions[7, 3] = np.nan
    labels = np.zeros(len(x), np.int64)
    return {
        "dtype": (circuit, x.astype(np.complex128)),
        "shape": (circuit, x[:, 1:]),
        "empty": (circuit, x[:0]),
        "nan": (circuit, fractions),
        "nan to validate": (circuit, x, fractions),
        "labels": (circuit, x, (x, labels[1:])),
        "label dtype": (circuit, x, (x, labels.astype(np.float32))),
        "label range": (circuit, x, (x, labels + 4)),
        "parts": (circuit, x, (x, labels, labels)),
        "no classes": (Circuit(circuit.encoder, dense(30, 5, 1)), x, (x, labels)),
    }[case]


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("dtype", "dtype complex128; allowed are bool"),
        ("shape", r"shape \[3000, 29\]; allowed is \[n, 30\]"),
        ("empty", "samples: none; 1 or more"),
        ("nan", "NaN in sample 7; allowed are numbers"),
        ("nan to validate", "NaN in sample 7; allowed are numbers"),
        ("labels", r"labels int64 \[2999\]; allowed are integers \[3000\]"),
        ("label dtype", r"labels float32 \[3000\]; allowed are integers"),
        ("label range", "labels 4 to 4; allowed are 0 to 3"),
        ("parts", "validate of 3 parts; allowed are samples, or a pair"),
        ("no classes", "labels for a circuit without classes; give samples alone"),
    ],
)
def test_bad_data(few, case, message):
    with pytest.raises(InputError, match=message):
        gw.observe(*bad(few, case))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_loss": -1}, "max_loss -1; allowed are 0 to 100"),
        ({"max_loss": float("nan")}, "max_loss nan; allowed are 0 to 100"),
        ({"max_loss": "1"}, "max_loss '1'; allowed are 0 to 100"),
        ({"holdout": 1.0}, "holdout 1.0; allowed is 0 to below 1"),
        ({"holdout": 1e-9}, "holdout 1e-09 of 3000 samples is 0; allowed is 1 to 2999"),
        ({"holdout": 0.5, "validate": np.zeros((1, 30), np.uint8)}, "allowed is one of them"),
    ],
)
def test_bad_options(few, options, message):
    with pytest.raises(InputError, match=message):
        gw.observe(*few, **options)


def test_a_netlist_is_refused(few):
    circuit, x = few
    with pytest.raises(InputError, match="observe: a Netlist; allowed is a Circuit"):
        gw.observe(circuit.netlist, x)


def test_the_pass_wants_bits_of_this_netlist():
    with pytest.raises(InputError, match=r"samples: uint8 \[5, 3\]; allowed is bool"):
        Observe(np.zeros((5, 3), np.uint8))
    with pytest.raises(InputError, match="samples of 3 bits; the netlist takes 12"):
        Observe(np.zeros((5, 3), np.bool_))(dense(12, 5, 1))


def test_the_command(few, tmp_path, capsys):
    circuit, x = few
    gw.write(circuit, tmp_path / "net.npz")
    np.save(tmp_path / "x.npy", x[:2000])
    np.save(tmp_path / "v.npy", x[2000:])
    np.save(tmp_path / "y.npy", circuit.predict(x[2000:]))
    files = [str(tmp_path / name) for name in ("net.npz", "x.npy", "small.npz")]
    command = ["observe", *files[:2], "-o", files[2], "--max-loss", "5"]
    checked = ["--validate", str(tmp_path / "v.npy"), "--labels", str(tmp_path / "y.npy")]
    assert main([*command, *checked]) == 0
    assert "accuracy 100.00 %" in capsys.readouterr().out
    small = gw.read(files[2])
    np.testing.assert_array_equal(small.scores(x[:2000]), circuit.scores(x[:2000]))
    assert main([*command, "--holdout", "0.5"]) == 0
    assert main([*command, *checked[2:]]) == 2
    assert "--labels without --validate" in capsys.readouterr().err


def test_digits_get_smaller_and_answer_the_same():
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    import torch

    from gatewright.frontend import fit, load_dataset
    from gatewright.frontend.zoo.dense import dense as network

    data = load_dataset("digits")
    torch.manual_seed(0)
    model = network(data.input_shape, (200, 200), 10, thresholds=[8.0], weight_init="random")
    fit(model, data.x_train, data.y_train, steps=30, lr=0.03, progress=False)
    circuit = gw.trace(model, data.input_shape)
    result = gw.observe(circuit, data.x_train, (data.x_test, data.y_test), max_loss=5, luts=True)
    np.testing.assert_array_equal(result.circuit.scores(data.x_train), circuit.scores(data.x_train))
    assert result.report.after.lut3 < 0.9 * result.report.before.lut3
    assert result.report.merged.inputs > 0


def test_a_decoder_is_kept():
    circuit = classifier()
    assert gw.observe(circuit, samples(circuit, 99, "uint8")).circuit.decoder == Decoder(
        4, 3.0, -1.5
    )
