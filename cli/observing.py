"""`gatewright observe`: a circuit made smaller by the data it will see."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..compiler.files import check_target, write
from ..compiler.observe import observe
from ..runtime.errors import InputError
from .outputs import check_output
from .sources import open_source, read_samples


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("source", type=Path, metavar="FILE", help="a model or circuit file")
    parser.add_argument(
        "data", metavar="DATA", help="a .npy of samples, or a data set, whose test part validates"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    parser.add_argument("--validate", metavar="FILE", help="a .npy of samples not observed")
    parser.add_argument("--labels", metavar="FILE", help="a .npy of their classes")
    parser.add_argument(
        "--holdout", type=float, default=0.0, help="share of a .npy set aside to validate (0)"
    )
    parser.add_argument(
        "--max-loss", type=float, default=0.0, help="of accuracy, in percentage points (0)"
    )
    parser.add_argument("--luts", action="store_true", help="report LUTs of 3 and 6 inputs as well")
    parser.add_argument("--level", type=int, default=2, help="how hard to optimise: 0 to 3 (2)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Observe, report, and write a circuit file."""
    check_target(options.output)
    check_output(options.output, options.source, options.data, options.validate, options.labels)
    x, validate = _data(options)
    found = observe(
        open_source(options.source).circuit,
        x,
        validate,
        max_loss=options.max_loss,
        holdout=options.holdout,
        level=options.level,
        luts=options.luts,
    )
    write(found.circuit, options.output)
    print(found.report)
    print(f"wrote {options.output}")
    return 0


def _data(options: argparse.Namespace) -> tuple[Any, Any]:
    """The samples to observe, and what validates them."""
    if options.labels and not options.validate:
        raise InputError("--labels without --validate; allowed is the classes of its samples")
    validate: Any = read_samples(options.validate) if options.validate else None
    if options.labels:
        validate = validate, read_samples(options.labels)
    if Path(options.data).suffix == ".npy":
        return read_samples(options.data), validate
    from ..frontend import load_dataset

    data = load_dataset(options.data)
    if validate is None and not options.holdout:
        validate = _flat(data.x_test), data.y_test
    return _flat(data.x_train), validate


def _flat(x: Any) -> Any:
    return x.reshape(len(x), -1)
