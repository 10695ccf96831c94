"""The embedded profile answers as the circuit does, one sample at a time and 32 at once."""

from __future__ import annotations

import numpy as np
import pytest
from circuits import classifier, samples, with_encoder
from embedded_library import EmbeddedLibrary
from hypothesis import HealthCheck, given, settings
from strategies import netlists

import gatewright as gw
from gatewright.compiler import Builder, Circuit, Decoder, Encoder
from gatewright.runtime.errors import EmitError

pytestmark = pytest.mark.isa


def check(circuit: Circuit, n: int = 70, **options) -> EmbeddedLibrary:
    """Bytes and packed bits, one by one and 32 at once, against simulation."""
    library = EmbeddedLibrary(circuit, **options)
    x = samples(circuit, n, "uint8").reshape(n, -1)
    bits = np.packbits(circuit.encoder(x.reshape(n, *circuit.encoder.shape)), 1, "little")
    wide = np.concatenate([bits, np.full((n, 3), 0xFF, np.uint8)], axis=1)  # a stride of its own
    want = {name: getattr(circuit, name)(x.reshape(n, *circuit.encoder.shape)) for name in _asked(circuit)}
    for answers in (
        library.answers(x),
        library.answers_32(x),
        library.answers(bits, packed=True),
        library.answers_32(wide, packed=True),
    ):
        for name, found in answers.items():
            assert np.array_equal(found, want[name]), name
    return library


def _asked(circuit: Circuit) -> tuple[str, ...]:
    return ("bits", "counts", "predict") if circuit.decoder else ("bits",)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(netlist=netlists())
def test_random_netlists(netlist):
    check(with_encoder(netlist), 40)


def test_classifier():
    check(classifier())


@pytest.mark.parametrize("level", [0, 2])
def test_optimised_classifier(level):
    check(gw.optimize(classifier(features=60, widths=(400, 300)), level))
