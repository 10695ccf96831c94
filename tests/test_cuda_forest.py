"""Tile bodies as rows: what the rows compute, and how many values a cluster holds."""

from __future__ import annotations

import numpy as np
import pytest
from cuda_circuits import trees

from gatewright.backends.cuda.forest import FROM_PLACE, STORE, Forest, plan_forest
from gatewright.compiler import Builder, Netlist, simulate


def executed(forest: Forest, bits: np.ndarray, outputs: int) -> np.ndarray:
    """The outputs [n, outputs] of each cluster's rows, one after the other."""
    found = np.full((outputs, len(bits)), 2, np.uint8)
    for start, end in zip(forest.begin[:-1].tolist(), forest.begin[1:].tolist(), strict=True):
        local = np.zeros((forest.locals, len(bits)), np.uint8)
        for table, to, *operands in forest.rows[start:end].tolist():
            index = np.zeros(len(bits), np.uint8)
            for i, operand in enumerate(operands):
                inside = operand < FROM_PLACE
                value = local[operand] if inside else bits[:, operand - FROM_PLACE - outputs]
                index |= value.astype(np.uint8) << i
            where = (found, to - STORE) if to & STORE else (local, to)
            where[0][where[1]] = table >> index & 1
    return found.T


@pytest.mark.parametrize("outputs", [1, 9, 40])
def test_rows_compute_what_the_body_says(outputs):
    body = trees(outputs, outputs, 0)
    forest = plan_forest(body, 64)
    assert forest
    bits = np.random.default_rng(0).integers(0, 2, (200, body.n_inputs)).astype(np.bool_)
    assert np.array_equal(executed(forest, bits, len(body.outputs)), simulate(body, bits))
    assert plan_forest(body, forest.locals - 1) is None


def shared(gates: int) -> Netlist:
    """Gates that each are read twice, by one of the first outputs and by one of the last."""
    builder = Builder(gates + 1)
    nets = np.arange(2, 3 + gates)
    made = builder.luts(np.column_stack([nets[:-1], nets[1:]]), [6] * gates)
    read = np.column_stack([made, nets[:-1]])
    return builder.build([*builder.luts(read, [8] * gates), *builder.luts(read, [14] * gates)])


def test_a_cluster_that_holds_too_much_becomes_several():
    body = shared(10)
    bits = np.random.default_rng(0).integers(0, 2, (100, 11)).astype(np.bool_)
    clusters = []
    for most in (10, 9, 3):
        forest = plan_forest(body, most)
        assert forest
        assert forest.locals <= most
        assert np.array_equal(executed(forest, bits, 20), simulate(body, bits))
        clusters.append(forest.clusters)
    assert clusters == [1, 2, 2]


def test_what_was_planned_is_kept_with_the_body():
    body = shared(3)
    assert plan_forest(body, 24) is plan_forest(body, 24)
    assert plan_forest(body, 24) is not plan_forest(body, 25)
