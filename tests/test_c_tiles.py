"""Tiles in C: rows over places, and convolutions fused with the pooling behind them."""

from __future__ import annotations

import numpy as np
import pytest
from c_checks import compiled, compiled_apart, each_isa, logic
from circuits import samples, with_encoder

from gatewright.backends.c import pieces
from gatewright.backends.c.backend import C
from gatewright.backends.c.pooling import fuse_pools
from gatewright.backends.c.strips import suits
from gatewright.compiler import Builder, Netlist, Tile, simulate, verify
from gatewright.compiler.stats import n_gates
from gatewright.runtime.cross import this_machine


def windowed(random: np.random.Generator, window: int) -> Netlist:
    """A body that begins with a tile of `window` places."""
    inner = logic(random, 4, 3)
    builder = Builder(6)
    nets = np.append(np.arange(8), builder.tile(inner, random.integers(2, 8, (window, 4))))
    nets = np.append(nets, builder.luts(random.choice(nets, (5, 3)), random.integers(0, 256, 5)))
    return builder.build(random.choice(nets, 6))


@pytest.mark.isa
@pytest.mark.parametrize("places", [1, 65, 700])
@pytest.mark.parametrize("window", [0, 4])
def test_rows_over_places(places, window):
    random = np.random.default_rng(places + window)
    builder = Builder(30)
    nets = np.arange(32)
    for _ in range(3):
        body = windowed(random, window) if window else logic(random, 5, 4)
        assert suits(body)
        fanin = random.choice(nets, (places, body.n_inputs))
        nets = np.append(nets, builder.tile(body, fanin))
    netlist = builder.build(np.append(random.choice(nets, 40), nets[-8:]))
    circuit = with_encoder(netlist)
    library = compiled(circuit, C(straight_line=0))
    x = samples(circuit, 520, "uint8")
    for isa in each_isa(library):
        assert np.array_equal(library.bits(x), circuit.bits(x)), isa


def test_rows_over_places_with_big_tables_and_shared_sources(monkeypatch):
    monkeypatch.setattr("gatewright.backends.c.backend._LONG", 0)
    monkeypatch.setattr("gatewright.backends.c.data._BIG", 4)  # all tables are macros
    body = windowed(np.random.default_rng(0), 4)
    builder = Builder(6)
    fanin = np.random.default_rng(1).integers(0, 8, (70, 6))
    circuit = with_encoder(builder.build(builder.tile(body, fanin).ravel()))
    library = compiled_apart(circuit, C(straight_line=0, triple=this_machine()))
    x = samples(circuit, 100, "uint8")
    for isa in each_isa(library):
        assert np.array_equal(library.bits(x), circuit.bits(x)), isa


def convolution(random: np.random.Generator, size: int, window: int, stride: int) -> Netlist:
    """A padded 3 x 3 convolution of one plane, and an OR over windows of each channel, of one
    inverted."""
    builder = Builder(size * size)
    plane = np.pad(np.arange(2, 2 + size * size).reshape(size, size), 1)
    body = logic(random, 9, 3)
    fanin = np.lib.stride_tricks.sliding_window_view(plane, (3, 3)).reshape(-1, 9)
    made = builder.tile(body, fanin).reshape(size, size, 3).transpose(2, 0, 1)
    made = np.append(builder.luts(made[:1].reshape(-1, 1), 1).reshape(made[:1].shape), made[1:], 0)
    views = np.lib.stride_tricks.sliding_window_view(made, (window, window), axis=(1, 2))
    views = views[:, ::stride, ::stride].reshape(-1, window * window)
    inner = Builder(window * window)
    pair = inner.luts([[2, 3]], 14)
    for net in range(4, 2 + window * window):
        pair = inner.luts([[pair[0], net]], 14)
    pooled = builder.tile(inner.build(pair), views).ravel()
    kept = made[:, 0, :2].ravel()  # read besides pooling
    return builder.build(np.append(pooled, kept))


def test_bodies_that_are_straight_line_code_stay_so(monkeypatch):
    netlist = convolution(np.random.default_rng(2), 12, 2, 2)
    conv = netlist.cells[0]
    assert isinstance(conv, Tile)
    gates = n_gates(conv.body)
    fused = fuse_pools(netlist, gates)  # not enough for what is fused, but its LUTs are dense
    assert all(_flat(cell.body) for cell in fused.cells if isinstance(cell, Tile))
    with monkeypatch.context() as patch:
        patch.setattr(pieces, "_MOST", 0)
        assert fuse_pools(netlist, gates) is netlist
    fused = fuse_pools(netlist, 10 * gates)
    assert any(isinstance(cell, Tile) for cell in fused.cells)
    assert all(_flat(cell.body) for cell in fused.cells if isinstance(cell, Tile))
    x = np.random.default_rng(3).integers(0, 2, (100, netlist.n_inputs)).astype(np.bool_)
    assert np.array_equal(simulate(fused, x), simulate(netlist, x))
    circuit = with_encoder(netlist)
    rows = samples(circuit, 300, "uint8")
    assert np.array_equal(compiled(circuit, C()).bits(rows), circuit.bits(rows))


@pytest.mark.isa
@pytest.mark.parametrize(("window", "stride"), [(2, 2), (3, 3), (2, 1), (3, 2)])
def test_pooling_is_fused_where_windows_do_not_overlap(window, stride):
    random = np.random.default_rng(window)
    netlist = convolution(random, 12, window, stride)
    fused = fuse_pools(netlist)
    verify(fused)
    nested = [cell for cell in fused.cells if isinstance(cell, Tile) and not _flat(cell.body)]
    assert bool(nested) == (window == stride)
    x = random.integers(0, 2, (300, netlist.n_inputs)).astype(np.bool_)
    assert np.array_equal(simulate(fused, x), simulate(netlist, x))
    circuit = with_encoder(netlist)
    library = compiled(circuit, C(straight_line=0))
    rows = samples(circuit, 300, "uint8")
    for isa in each_isa(library):
        assert np.array_equal(library.bits(rows), circuit.bits(rows)), isa


def test_sums_that_only_unread_cells_read():
    """`compiled` makes warnings of variables that nobody reads errors."""
    inner = Builder(6)
    made = inner.luts([[2, 3, 4], [3, 4, 5], [4, 5, 6], [5, 6, 7]], [0x96, 0xE8, 0x1E, 0x78])
    planes = inner.popcount(made[None]).ravel()
    unread = inner.luts([[planes[1], made[0]]], 8)
    inner.popcount([[planes[0], planes[1], made[1], unread[0]]])
    builder = Builder(6)
    fanin = np.random.default_rng(0).integers(2, 8, (20, 6))
    netlist = builder.build(builder.tile(inner.build([planes[0], made[2]]), fanin).ravel())
    circuit = with_encoder(netlist)
    x = samples(circuit, 100, "uint8")
    assert np.array_equal(compiled(circuit, C(straight_line=256)).bits(x), circuit.bits(x))


def _flat(body: Netlist) -> bool:
    return not any(isinstance(cell, Tile) for cell in body.cells)
