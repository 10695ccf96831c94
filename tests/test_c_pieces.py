"""Tiles of dense bodies in pieces, and tiles of few places as rows of the program."""

from __future__ import annotations

import numpy as np
import pytest
from c_checks import compiled, each_isa, logic
from circuits import samples, with_encoder

from gatewright.backends.c.backend import C
from gatewright.backends.c.pieces import cut_bodies, dense, unroll_few
from gatewright.compiler import Builder, Netlist, Tile, simulate, verify
from gatewright.compiler.stats import n_gates


def tiled(body: Netlist, places: int, seed: int = 0) -> Netlist:
    """The body at places that read inputs at random; every output of every place is an output."""
    random = np.random.default_rng(seed)
    builder = Builder(20)
    fanin = random.integers(0, 22, (places, body.n_inputs))
    return builder.build(builder.tile(body, fanin).ravel())


def dense_body(seed: int = 0) -> Netlist:
    """More LUTs than ports; the last outputs are an input, a constant, and one that is repeated."""
    body = logic(np.random.default_rng(seed), 4, 3, levels=12)
    return Netlist(body.n_inputs, body.cells, np.append(body.outputs, [3, 1, body.outputs[0]]))


def bodies(netlist: Netlist) -> list[Netlist]:
    return [cell.body for cell in netlist.cells if isinstance(cell, Tile)]


@pytest.mark.isa
@pytest.mark.parametrize("limit", [1, 8, 20])
def test_dense_bodies_are_cut(limit):
    body = dense_body()
    assert dense(body)
    netlist = tiled(body, 30)
    made = cut_bodies(netlist, limit)
    verify(made)
    x = np.random.default_rng(1).integers(0, 2, (200, 20)).astype(np.bool_)
    assert np.array_equal(simulate(made, x), simulate(netlist, x))
    circuit = with_encoder(netlist)
    library = compiled(circuit, C(straight_line=limit))
    rows = samples(circuit, 520, "uint8")
    for isa in each_isa(library):
        assert np.array_equal(library.bits(rows), circuit.bits(rows)), isa


def test_pieces_hold_as_many_luts_as_asked():
    """Cones of one LUT each, so that pieces can be filled."""
    builder = Builder(6)
    fanin = np.random.default_rng(0).integers(2, 8, (300, 2))
    made = builder.luts(fanin, 6)
    body = builder.build(np.append(builder.luts(made.reshape(-1, 2), 8), 2))
    netlist = tiled(body, 20)
    pieces = bodies(cut_bodies(netlist, 90))
    assert [n_gates(piece) for piece in pieces] == [90] * 5
    assert bodies(cut_bodies(netlist, 450)) == [body]  # is straight-line code already


def test_bodies_of_many_ports_stay_whole():
    builder = Builder(40)
    body = builder.build(builder.luts(np.arange(2, 42).reshape(20, 2), 6))
    assert not dense(body)
    netlist = tiled(body, 20)
    assert cut_bodies(netlist, 4) is netlist


def test_bodies_whose_outputs_share_most_luts_stay_whole():
    builder = Builder(4)
    shared = [builder.luts([[2, 3]], 6)[0]]
    for _ in range(20):
        shared.append(builder.luts([[shared[-1], 4]], 9)[0])
    body = builder.build(builder.luts([[shared[-1], n] for n in range(2, 6)], 8))
    assert dense(body)
    netlist = tiled(body, 20)
    assert cut_bodies(netlist, 21) is netlist


@pytest.mark.parametrize(("places", "unrolled"), [(1, True), (16, True), (17, False)])
def test_few_places_are_rows_of_the_program(places, unrolled):
    netlist = tiled(dense_body(), places)
    made = unroll_few(netlist, 4)
    verify(made)
    assert bool(bodies(made)) != unrolled
    assert bodies(unroll_few(netlist, 1000))  # is straight-line code already
    x = np.random.default_rng(1).integers(0, 2, (200, 20)).astype(np.bool_)
    assert np.array_equal(simulate(made, x), simulate(netlist, x))


@pytest.mark.parametrize("limit", [0, 8, 400])
def test_the_work_of_tiles_is_that_of_their_form(limit):
    body = dense_body()
    netlist = tiled(body, 30)
    asked = C(straight_line=limit).work(with_encoder(netlist))["portable"]
    luts = asked.strips + asked.bodies
    assert (asked.strips > 0, asked.bodies > 0) == (limit == 0, limit > 0)
    assert luts % 30 == 0
    assert asked.tables == asked.straight == 0
    assert asked.moved == (asked.words if limit else 0)
    assert asked.words <= (4 * luts if limit == 0 else 30 * (4 * n_gates(body) + 6))
