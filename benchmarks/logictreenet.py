"""Train a published network and compare its discrete test accuracy with the published one.

    python benchmarks/logictreenet.py logictreenet-mnist-s --data FOLDER --device cuda
    python benchmarks/logictreenet.py logictreenet-cifar10-s --random 256 --steps 2

The recipe is the publication's, as `build_model` and `model_spec` know it; a tenth of the training
part chooses the weights, the test part is looked at once. Ends with status 1 if a whole run stays
below the published accuracy. With --random, images are noise: it tries the script out.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np
import torch

from gatewright.frontend import evaluate, fit, load_dataset
from gatewright.frontend.data import split_indices
from gatewright.frontend.zoo import MODELS, ModelSpec, build_model, model_spec


def parts(spec: ModelSpec, folder: str | None, random: int | None, seed: int) -> tuple[Any, ...]:
    """(x, y) to train on, to choose by, and to test on."""
    if random is None:
        found = load_dataset(spec.data, folder=folder)
        train, test = (found.x_train, found.y_train), (found.x_test, found.y_test)
    else:
        draw = np.random.default_rng(seed)
        x = draw.integers(0, 256, (2 * random, *spec.input_shape)).astype(np.float32)
        y = np.arange(2 * random) % spec.classes
        train, test = (x[:random], y[:random]), (x[random:], y[random:])
    kept, held = split_indices(train[1], 0.1, seed)
    return (train[0][kept], train[1][kept]), (train[0][held], train[1][held]), test


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", choices=list(MODELS))
    parser.add_argument("--data", help="folder of the published files; see docs/data.md")
    parser.add_argument("--random", type=int, help="this many noise images instead of data")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--steps", type=int, help="instead of the published epochs or steps")
    parser.add_argument("--batch-size", type=int, help="instead of the published one")
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--out", help="folder for the model and the log")
    parser.add_argument("--resume", action="store_true", help="continue the run in --out")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    spec = model_spec(options.model)
    train, held, test = parts(spec, options.data, options.random, options.seed)
    recipe: dict[str, Any] = dict(spec.training)
    if options.steps is not None:
        recipe.pop("epochs", None)
        recipe["steps"] = options.steps
    if options.batch_size is not None:
        recipe["batch_size"] = options.batch_size
    model = build_model(spec.name, seed=options.seed, device=options.device)
    name = torch.cuda.get_device_name() if options.device != "cpu" else "CPU"
    print(f"{spec.name} ({spec.source}), {recipe}, seed {options.seed}, {name}", flush=True)
    history = fit(
        model,
        *train,
        validation=held,
        **recipe,
        seed=options.seed,
        precision=options.precision,
        folder=options.out,
        resume=options.resume,
        progress=sys.stderr.isatty(),
    )
    found = 100 * evaluate(model, *test)
    relaxed = 100 * evaluate(model, *test, mode="relaxed")
    steps, seconds = history.checks[-1].step, history.seconds
    wanted = spec.published_accuracy
    print(
        f"{steps} steps in {seconds:.0f} s, checks included; test accuracy {found:.2f} % discrete, "
        f"{relaxed:.2f} % relaxed; published {wanted if wanted is not None else 'nowhere'}"
    )
    whole = options.random is None and options.steps is None
    if whole and wanted is not None and found < wanted:
        sys.exit(f"{wanted - found:.2f} percentage points below the published accuracy")


if __name__ == "__main__":
    main()
