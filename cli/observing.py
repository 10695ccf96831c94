"""`gatewright observe`: a circuit made smaller by the data it will see."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..compiler.files import WRITERS, check_target, write
from ..compiler.observe import observe
from ..runtime.errors import InputError
from .arguments import add_effort, add_output, add_source
from .outputs import check_output
from .sources import open_source, read_samples


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_source(parser)
    text = "samples to observe: a .npy; or a data set, whose test part validates"
    parser.add_argument("data", metavar="DATA", help=text)
    add_output(parser, f"its suffix says the format: {', '.join(WRITERS)}")
    text = "a .npy of samples that are not observed"
    parser.add_argument("--validate", metavar="FILE", help=text)
    parser.add_argument("--labels", metavar="FILE", help="a .npy of their classes")
    text = "share of DATA that is set aside to validate (0)"
    parser.add_argument("--holdout", type=float, default=0.0, metavar="X", help=text)
    text = "percentage points of accuracy that may be lost; more is an error (0)"
    parser.add_argument("--max-loss", type=float, default=0.0, metavar="X", help=text)
    text = "count LUTs of three and six inputs before and after too"
    parser.add_argument("--luts", action="store_true", help=text)
    add_effort(parser)
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
    validate: Any = read_samples(options.validate).x if options.validate else None
    if options.labels:
        validate = validate, read_samples(options.labels).x
    if Path(options.data).suffix == ".npy":
        return read_samples(options.data).x, validate
    from ..frontend import load_dataset

    data = load_dataset(options.data)
    if validate is None and not options.holdout:
        validate = _flat(data.x_test), data.y_test
    return _flat(data.x_train), validate


def _flat(x: Any) -> Any:
    return x.reshape(len(x), -1)
