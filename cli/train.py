"""`gatewright train`: a configuration, options, or both, to a trained model."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from textwrap import indent
from typing import Any

from ..runtime.archive import make_folder, write_file
from ..runtime.errors import ExtraMissing, InputError
from .outputs import check_output

CONFIGURATION, STATE = "config.toml", "state.npz"
Tables = dict[str, dict[str, Any]]
ABOUT = (
    "CONFIG is a TOML file of tables [data], [model] and [train]; a table takes the place of the "
    "data set's recipe, and options replace single keys. Under torchrun -m gatewright train, "
    "processes share the work. More in docs/training.md."
)


def _sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(size) for size in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}; allowed are sizes such as 2000,2000") from None


def _temperature(text: str) -> Any:
    name, *ends = text.split(":")
    try:
        return (name, *map(float, ends)) if ends else float(name)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}; allowed is a number, or schedule:start:end such as exponential:2:0.5"
        ) from None


# What replaces a key of a table: option, type, what it says. The destination is `table.key`.
_OPTIONS: dict[str, tuple[Any, str]] = {
    "data.name": (str, "a data set by name (docs/data.md), or a .npz with x and y"),
    "model.name": (str, "a published network; gatewright models lists them"),
    "model.layers": (_sizes, "gates of each layer, such as 2000,2000"),
    "model.bits": (int, "thresholds of a feature; 0 for Boolean data"),
    "model.tau": (float, "temperature of the scores"),
    "train.epochs": (int, "passes over the data"),
    "train.steps": (int, "batches to train on, instead of --epochs"),
    "train.batch_size": (int, "samples of a step"),
    "train.lr": (float, "learning rate"),
    "train.schedule": (str, "of the learning rate: constant or cosine"),
    "train.warmup": (int, "steps at first in which the learning rate rises"),
    "train.weight_decay": (float, "of AdamW, which takes Adam's place above 0"),
    "train.clip_norm": (float, "largest norm of gradients"),
    "train.regularizer": (str, "penalty of layers: L2, abs_sum or warp"),
    "train.regularization": (float, "weight of the penalty"),
    "train.rescale": (str, "of weights after a step: clip, abs_sum or L2"),
    "train.temperature": (_temperature, "of gates, such as 1 or exponential:2:0.5"),
    "train.precision": (str, "float32, or bfloat16 on CUDA devices"),
    "train.augment": (str, "shift: images moved by up to a pixel"),
    "train.validation": (float, "share of the training part that chooses the weights to keep"),
    "train.check_every": (
        int,
        "steps between checks (an epoch, or a twentieth of --steps)",
    ),
    "train.patience": (int, "checks without a rise of either accuracy before it stops"),
    "train.seed": (int, "of wiring, weights and batches"),
    "train.threads": (int, "of torch (as many as it takes; one for small dense layers)"),
    "train.device": (str, "cpu or cuda"),
    "train.folder": (str, "write model, log, learning curve and state there, at every check"),
}
_METAVARS = {"model.layers": "N,N,...", "train.schedule": "NAME", "train.temperature": "T"}
_FLAGS = {"data.name": "--data", "model.name": "--model"}
_EXCLUSIVE = {"bits": "thresholds", "thresholds": "bits", "steps": "epochs", "epochs": "steps"}


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("-h", "--help", action=_Help, nargs=0, help="this text, and all defaults")
    parser.add_argument("config", nargs="?", type=Path, metavar="CONFIG", help="a TOML file")
    text = "the model file; --folder writes one too"
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=text)
    parser.add_argument("--resume", action="store_true", help="continue the run in --folder")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    groups = {
        table: parser.add_argument_group(f"[{table}]") for table in ("data", "model", "train")
    }
    for key, (kind, text) in _OPTIONS.items():
        table, _, name = key.partition(".")
        flag = _FLAGS.get(key, f"--{name.replace('_', '-')}")
        metavar = {int: "N", float: "X"}.get(kind, _METAVARS.get(key, name.upper()))
        groups[table].add_argument(flag, dest=key, type=kind, help=text, metavar=metavar)
    groups["train"].add_argument(
        "--tensorboard", dest="train.tensorboard", action="store_const", const=True,
        help="event files in --folder, for TensorBoard (extra tensorboard)",
    )  # fmt: skip
    parser.set_defaults(run=run)


class _Help(argparse.Action):
    """Help, and the defaults that PyTorch's side of the package knows."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        parser.print_help()
        try:
            from ..frontend.training.configuration import configuration_text
            from ..frontend.training.recipes import NETWORK, RECIPES, TRAINING, WITHOUT_RECIPE
        except ExtraMissing as error:
            print(f"\n{error}")
        else:
            print(f"\nDefaults; of data sets without a recipe {WITHOUT_RECIPE}:\n")
            print(indent(configuration_text({"model": NETWORK, "train": TRAINING}), "  "))
            for name, recipe in RECIPES.items():
                print(f"Recipe of {name}, where no configuration says otherwise:\n")
                tables = {"model": recipe.network, "train": recipe.training}
                print(indent(configuration_text(tables), "  "))
        parser.exit()


def run(options: argparse.Namespace) -> int:
    """Train, write, and say what was reached."""
    from ..frontend import evaluate, load_dataset, save_model
    from ..frontend.training.configuration import configuration_text
    from ..frontend.training.recipes import Recipe

    given = _given(options)
    config = _configuration(options, given["train"].get("folder"))
    tables = {"data": _data_table(config, given["data"])}
    data = load_dataset(**tables["data"])
    tables |= _recipe_tables(data, config, given)
    recipe = Recipe(tables["model"], tables["train"])
    inputs = (options.config, tables["data"]["name"])
    folder = _check_places(options.output, recipe.training.get("folder"), inputs)
    first = int(os.environ.get("RANK", "0")) == 0  # of the processes that torchrun started
    text = configuration_text(_effective(tables)).encode()
    if first and folder and not (folder / STATE).exists():
        write_file(make_folder(folder) / CONFIGURATION, text)
    model, history = recipe.train(data, progress=not options.quiet, resume=options.resume)
    if not first:
        return 0
    if folder and options.resume:  # which may have made it longer
        write_file(folder / CONFIGURATION, text)
    relaxed, discrete = (
        evaluate(model, data.x_test, data.y_test, mode) for mode in ("relaxed", "discrete")
    )
    print(
        f"{data.name}: test accuracy {discrete:.2%} discrete, {relaxed:.2%} relaxed, "
        f"on {len(data.x_test)} held-out samples\n"
        f"best of {len(history.checks)} checks: step {history.best.step} of "
        f"{history.checks[-1].step}; {history.seconds:.0f} s of training"
    )
    if options.output:
        save_model(model, options.output)
        print(f"wrote {options.output}")
    if folder:
        print(f"wrote {folder}: {', '.join(sorted(p.name for p in folder.iterdir()))}")
    return 0


def _given(options: argparse.Namespace) -> Tables:
    """What options say, by table and key."""
    found: Tables = {"data": {}, "model": {}, "train": {}}
    for name, value in vars(options).items():
        table, _, key = name.partition(".")
        if key and value is not None:
            found[table][key] = value
    return found


def _configuration(options: argparse.Namespace, folder: str | None) -> Tables:
    """The file that is named, or, to resume, the one that was left in the folder."""
    from ..frontend.training.configuration import read_configuration

    path = options.config
    if path is None and options.resume and folder:
        left = Path(folder) / CONFIGURATION
        if left.exists():
            path = left
        elif vars(options)["data.name"] is None:
            raise InputError(
                f"train: {folder} holds no run to resume, for want of {CONFIGURATION}; "
                "start one with CONFIG or --data"
            )
    return {} if path is None else read_configuration(path)


def _data_table(config: Tables, given: dict[str, Any]) -> dict[str, Any]:
    from ..frontend.training.configuration import check_table
    from ..frontend.training.recipes import DATA

    table = {**config.get("data", {}), **given}
    check_table("data", table, DATA)
    if "name" not in table:
        raise InputError("train: no data; name it with --data, or as name in [data] of CONFIG")
    return table


def _recipe_tables(data: Any, config: Tables, given: Tables) -> Tables:
    """The tables [model] and [train]: of the file, or else of the recipe, with what options say."""
    from ..frontend.training.recipes import recipe_for

    if (
        "name" in given["model"]
    ):  # options of a published network apply, those of dense layers do not
        kept = config.get("model", {})
        config = {**config, "model": {**(kept if "name" in kept else {}), **given["model"]}}
    recipe = recipe_for(data, config.get("model", {}).get("name"))
    found: Tables = {}
    for name, own in (("model", recipe.network), ("train", recipe.training)):
        table = config.get(name, own)
        silent = {_EXCLUSIVE.get(key) for key in given[name]}
        kept = {key: value for key, value in table.items() if key not in silent}
        found[name] = {**kept, **given[name]}
    return found


def _effective(tables: Tables) -> Tables:
    """Tables with every default that has a say."""
    from ..frontend.training.recipes import NETWORK, TRAINING

    defaults = {"data": {}, "model": NETWORK, "train": TRAINING}
    if "name" in tables["model"]:
        defaults["model"] = {}
    found: Tables = {}
    for name, table in tables.items():
        silent = {_EXCLUSIVE.get(key) for key in table}
        rest = {key: value for key, value in defaults[name].items() if key not in silent}
        found[name] = {**rest, **table}
    return found


def _check_places(
    output: Path | None, folder: str | None, inputs: tuple[str | Path | None, ...]
) -> Path | None:
    """The folder, if any; before training, not after."""
    if folder is not None and not isinstance(folder, str):
        raise InputError(f"[train] folder = {folder}; allowed is a string")
    if output is None and folder is None:
        raise InputError("train: no place for the model; name one with -o FILE or --folder FOLDER")
    if output is not None:
        check_output(output, *inputs)
    return None if folder is None else Path(folder)
