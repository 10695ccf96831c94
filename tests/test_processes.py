"""Two processes, as torchrun starts them, train the model that one process trains."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training_run import network, task, train, weights  # noqa: E402
from training_threads import one_thread  # noqa: E402, F401

from gatewright.frontend import fit  # noqa: E402
from gatewright.frontend.training import loop, processes  # noqa: E402
from gatewright.frontend.training.processes import Processes  # noqa: E402
from gatewright.runtime.archive import read_archive  # noqa: E402
from gatewright.runtime.errors import InputError  # noqa: E402

RUN = Path(__file__).parent / "training_run.py"
needs_gloo = pytest.mark.skipif(
    not (torch.distributed.is_available() and torch.distributed.is_gloo_available()),
    reason="this PyTorch cannot connect processes through gloo",
)


def start(rank, port, folder):
    """A process with the environment that torchrun gives it."""
    given = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_PORT": port}
    given |= {"MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": 1}
    return subprocess.Popen(
        [sys.executable, str(RUN), str(folder)],
        env={**os.environ, **{key: str(value) for key, value in given.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The folder of a run of two processes."""
    folder = tmp_path_factory.mktemp("both")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = [start(rank, port, folder) for rank in range(2)]
    said = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0], said
    return folder


@needs_gloo
def test_two_processes_train_the_model_of_one(both):
    first, second = (np.load(both / f"weights{rank}.npy") for rank in range(2))
    assert np.array_equal(first, second)
    model, history = train(None)
    assert np.allclose(first, weights(model), atol=1e-3)
    assert not np.allclose(first, weights(network()), atol=1e-2)
    found = read_archive(both / "state.npz")[0]["checks"]
    wanted = [[c.step, c.loss, c.relaxed, c.discrete] for c in history.checks]
    assert np.allclose(found, wanted, atol=1e-3)


@needs_gloo
def test_processes_that_differ_are_told(both):
    for rank in range(2):
        message = (both / f"refused{rank}.txt").read_text()
        assert "2 processes were given different data, models, options or folders" in message


def test_connections_that_the_caller_closed_are_left_alone():
    assert not torch.distributed.is_initialized()
    processes._leave()


def test_fewer_samples_than_processes(monkeypatch):
    monkeypatch.setattr(loop, "join", lambda device: Processes(0, 3, device))
    with pytest.raises(InputError, match="batches of 2 samples for 3 processes; allowed is one"):
        fit(network(), *task(), steps=1, batch_size=2, progress=False)
