"""`gatewright models`: published networks, one a line, or one of them in full."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..frontend import ModelSpec


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="one network, in full")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """List the networks that `build_model` knows."""
    from ..frontend import MODELS
    from ..frontend.zoo import model_spec

    if options.name:
        print(_described(model_spec(options.name)))
        return 0
    rows = [("name", "sample", "bits", "gates", "ORs", "published", "parameters", "source")]
    for spec in MODELS.values():
        published = f"{spec.published_gates:,}" if spec.published_gates else "-"
        counts = (spec.learned_gates, spec.or_gates, spec.parameters)
        gates, ors, parameters = (f"{count:,}" for count in counts)
        bits = f"{spec.input_bits():,}"
        shape = "x".join(map(str, spec.input_shape))
        rows.append((spec.name, shape, bits, gates, ors, published, parameters, spec.source))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(_aligned(row, widths)).rstrip())
    return 0


def _aligned(row: tuple[str, ...], widths: list[int]) -> list[str]:
    """Numbers to the right, text to the left."""
    return [
        text.rjust(width) if 2 <= column <= 6 else text.ljust(width)
        for column, (text, width) in enumerate(zip(row, widths, strict=True))
    ]


def _described(spec: ModelSpec) -> str:
    published = (
        "not published" if spec.published_gates is None else f"{spec.published_gates:,} published"
    )
    accuracy = (
        "not published"
        if spec.published_accuracy is None
        else f"{spec.published_accuracy} % published"
    )
    training = ", ".join(f"{key} {value}" for key, value in spec.training.items())
    lines = {
        "model": spec.name,
        "source": spec.source,
        "data": f"{spec.data}, {list(spec.input_shape)}, {spec.classes} classes",
        "binarisation": f"{spec.binarisation}; {spec.input_bits():,} bits a sample",
        "layers": spec,
        "groups": spec.groups,
        "gates": f"{spec.learned_gates:,} learned, {spec.or_gates:,} ORs; {published}",
        "parameters": f"{spec.parameters:,}",
        "accuracy": accuracy,
        "training": f"{training}, tau {spec.tau:g}",
        "command": f"gatewright train --model {spec.name} --data {spec.data} -o {spec.name}.npz",
    }
    return "\n".join(f"{name:<13} {value}" for name, value in lines.items())
