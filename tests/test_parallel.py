"""Samples of one call in chunks that several threads take."""

from __future__ import annotations

import random
import threading
import time

import numpy as np
import pytest
from circuits import classifier, samples

from gatewright.backends.build import build
from gatewright.runtime.parallel import in_chunks


@pytest.mark.parametrize("n", [0, 1, 511, 512, 513, 5000, 100_003])
@pytest.mark.parametrize("threads", [1, 2, 5, 40])
def test_every_sample_once(n, threads):
    seen = np.zeros(n, np.int64)

    def work(start, stop):
        assert start % 512 == 0
        assert stop == n or stop % 512 == 0
        seen[start:stop] += 1

    in_chunks(work, n, threads)
    assert (seen == 1).all()


def test_a_thread_that_is_held_up_leaves_its_share():
    held, taken = threading.Event(), []

    def work(start, stop):
        if threading.current_thread() is not threading.main_thread():
            taken.append(stop - start)
            held.wait(30)
        elif start >= 80 * 512:
            held.set()

    in_chunks(work, 100 * 512, 2)
    assert sum(taken) < 50 * 512
    held.set()


@pytest.mark.parametrize("where", ["caller", "helper"])
def test_an_error_ends_the_call(where):
    running = []

    def work(start, stop):
        running.append(start)
        time.sleep(0.001)
        is_main = threading.current_thread() is threading.main_thread()
        if is_main == (where == "caller"):
            raise ValueError("no")
        running.remove(start)

    with pytest.raises(ValueError, match="no"):
        in_chunks(work, 512 * 1000, 3)
    assert len(running) in (1, 2)
    in_chunks(lambda start, stop: None, 512 * 1000, 3)


@pytest.mark.parametrize("target", ["c", "numpy"])
def test_callers_with_threads_of_their_own(target):
    """More callers, each with more threads, than there are cores; batches of every size."""
    circuit = classifier()
    library = build(circuit, target, "net")
    x = samples(circuit, 9000, "uint8")
    want = circuit.predict(x)
    wrong = []

    def call(seed):
        dice = random.Random(seed)
        for _ in range(20):
            start, n = dice.randrange(4000), dice.choice((1, 63, 513, 2000, 5000))
            found = library.predict(x[start : start + n], threads=dice.randrange(1, 5))
            if not np.array_equal(found, want[start : start + n]):
                wrong.append((seed, start, n))

    callers = [threading.Thread(target=call, args=(seed,)) for seed in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong
