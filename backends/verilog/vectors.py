"""The self-checking testbench: input vectors, expected answers, and the module that compares."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compiler import Circuit
from ...runtime.arrays import as_batch
from ...runtime.errors import InputError
from ..render import render
from .text import CONTROL, Port


def testbench_files(
    circuit: Circuit,
    name: str,
    width: int,
    ports: list[Port],
    latency: int,
    vectors: Any,
    interval: int,
) -> dict[str, bytes]:
    """`name_tb.v`, `name_expected.hex` and, where there are inputs, `name_inputs.hex`.

    interval: clocks from a sample to the next one, of a module that is not always ready; else 0.

    Raises:
        InputError: see `Verilog.emit`.
    """
    rows = as_batch(vectors, circuit.encoder.shape)
    if not len(rows):
        raise InputError(
            "vectors: there are none; allowed is 1 or more; without a testbench, use vectors=None"
        )
    inputs = _input_bits(circuit, rows, width)
    expected = _expected_bits(circuit, rows, ports)
    files = {f"{name}_tb.v": _testbench(name, ports, len(rows), latency, interval)}
    if inputs.shape[1]:
        files[f"{name}_inputs.hex"] = hex_lines(inputs)
    files[f"{name}_expected.hex"] = hex_lines(expected)
    return files


def named_testbench(
    name: str, ports: list[Port], latency: int, vectors: int, interval: int, pins: str
) -> dict[str, bytes]:
    """`<name>_named_tb.v`, which reads the vectors of `<name>_tb`; pins: see `named_module`."""
    text = _testbench(name, ports, vectors, latency, interval, f"{name}_named", pins)
    return {f"{name}_named_tb.v": text}


def _testbench(
    name: str,
    ports: list[Port],
    vectors: int,
    latency: int,
    interval: int,
    module: str = "",
    pins: str = "",
) -> bytes:
    """module: what is tested, <name> if none is named, in a file of that name."""
    data = [port for port in ports if port.name not in CONTROL]
    inputs = [port for port in data if port.direction == "input"]
    outputs = [port for port in data if port.direction == "output"]
    offsets = [0, *accumulate(port.width for port in outputs)]
    text = render(
        "verilog/testbench.j2",
        name=name,
        module=module or name,
        vectors=vectors,
        x=inputs[0].name if inputs else "",
        x_width=inputs[0].width if inputs else 0,
        outputs=outputs,
        slices=[f"wanted[{end - 1}:{start}]" for start, end in pairwise(offsets)],
        word=", ".join(port.name for port in reversed(outputs)),
        answer_width=offsets[-1],
        pins=pins or ", ".join(f".{port.name}({port.name})" for port in ports),
        latency=latency,
        interval=interval,
        control=[port.name for port in ports if port.name in CONTROL],
    )
    return text.encode()


def _input_bits(circuit: Circuit, rows: NDArray[Any], width: int) -> NDArray[np.bool_]:
    """What the input port carries, bool [n, port width], least significant bit first."""
    if not width:
        return circuit.encoder(rows)
    _check_integers(rows, width)
    numbers = rows.astype(np.uint32)[:, :, None] >> np.arange(width, dtype=np.uint32) & 1
    return numbers.reshape(len(rows), rows.shape[1] * width).astype(np.bool_)


def _check_integers(rows: NDArray[Any], width: int) -> None:
    top = (1 << width) - 1
    good = (rows >= 0) & (rows <= top) & (rows == np.floor(rows))  # NaN compares false
    if good.all():
        return
    sample, feature = np.argwhere(~good)[0]
    raise InputError(
        f"vectors: feature {feature} of sample {sample} is {rows[sample, feature]}; allowed are "
        f"integers from 0 to {top}, as feature_bits is {width}; scale and round the features as "
        "the thresholds expect them, or choose another feature_bits; "
        "0 takes the encoder's bits instead of features"
    )


def _expected_bits(circuit: Circuit, rows: NDArray[Any], ports: list[Port]) -> NDArray[np.bool_]:
    """The answers, bool [n, width of all output ports], the first port least significant."""
    names = {port.name for port in ports}
    found = [circuit.bits(rows)] if names & {"bits", "counts"} else []
    if "class_index" in names:
        classes = circuit.predict(rows)[:, None] >> np.arange(ports[-1].width) & 1
        found.append(classes.astype(np.bool_))
    return np.concatenate(found, axis=1)


def hex_lines(bits: NDArray[np.bool_]) -> bytes:
    """Words for $readmemh: bool [n, width], least significant bit first, to `n` lines.

    Above each word stands a one, by which the testbench knows that the word was read.
    """
    marked = np.hstack([bits, np.ones((len(bits), 1), np.bool_)])
    digits = -(-marked.shape[1] // 4)
    packed = np.packbits(marked, axis=1, bitorder="little")[:, ::-1]
    lines = [row.tobytes().hex()[-digits:] for row in packed]
    return ("\n".join(lines) + "\n").encode()
