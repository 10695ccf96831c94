"""The networks of the zoo, as their publications and repositories give them."""

from __future__ import annotations

from typing import Any

from .spec import Block, ModelSpec

_DIFFLOGIC = "Petersen et al. 2022, arXiv:2210.08277"
_TREES = "Petersen et al. 2024, arXiv:2411.04732"
_MNIST = {"data": "mnist", "input_shape": (1, 28, 28), "classes": 10}
_CIFAR = {"data": "cifar10", "input_shape": (3, 32, 32), "classes": 10}


def _even(count: int) -> dict[str, Any]:
    """Thresholds that cut the bytes of an image into equal parts."""
    text = "above half" if count == 1 else f"{count} even thresholds a channel"
    return {
        "thresholds": tuple(255 * i / (count + 1) for i in range(1, count + 1)),
        "binarisation": text,
    }


def _table(data: str, features: int) -> dict[str, Any]:
    """A data set of Boolean rows in two classes."""
    return {
        "data": data,
        "input_shape": (features,),
        "classes": 2,
        "thresholds": None,
        "binarisation": "none; Boolean data",
    }


def _difflogic(
    name: str, layers: int, width: int, tau: float, steps: int, lr: float = 0.01, **about: Any
) -> ModelSpec:
    return ModelSpec(
        name=f"difflogic-{name}",
        source=_DIFFLOGIC,
        widths=(width,) * layers,
        tau=tau,
        training={"steps": steps, "batch_size": 100, "lr": lr},
        published_gates=layers * width,
        connections="unique",
        dense_init="random",
        **about,
    )


def _tree(name: str, k: int, factor: int, training: dict[str, Any], **about: Any) -> ModelSpec:
    return ModelSpec(
        name=f"logictreenet-{name}",
        source=_TREES,
        widths=tuple(factor * k * width for width in (1280, 640, 320)),
        training={"epochs": 200, **training},
        tree_channels=2,
        groups=k // 8,
        **about,
    )


def _mnist_blocks(k: int) -> tuple[Block, ...]:
    return (Block(k, 5, 0), Block(3 * k, 3, 1), Block(9 * k, 3, 1))


def _mnist_tree(size: str, k: int, factor: int, batch_size: int, **about: Any) -> ModelSpec:
    training = {"batch_size": batch_size, "lr": 0.01}
    blocks = _mnist_blocks(k)
    return _tree(f"mnist-{size}", k, factor, training, blocks=blocks, **_MNIST, **_even(1), **about)


def _cifar_tree(
    size: str, k: int, factor: int, decay: float, thresholds: int, **about: Any
) -> ModelSpec:
    training = {"batch_size": 128, "lr": 0.02, "weight_decay": decay}
    blocks = tuple(Block(k * times, 3, 1) for times in (1, 4, 16, 32))
    binarisation = _even(thresholds)
    return _tree(
        f"cifar10-{size}", k, factor, training, blocks=blocks, **_CIFAR, **binarisation, **about
    )


_README = ModelSpec(
    name="torchlogix-readme",
    source="torchlogix 0.2.2, README, section Quickstart",
    binarisation="above 0",
    thresholds=(0.0,),
    blocks=(Block(16, 3, 0, depth=2),),
    widths=(4000, 4000),
    tau=8.0,
    training={"epochs": 10, "batch_size": 128, "lr": 0.01},
    **_MNIST,
)

_NOTEBOOK = ModelSpec(
    name="convlogic-notebook",
    source="convlogic, notebooks/ConvLogic_Demo.ipynb",
    blocks=_mnist_blocks(16),
    widths=(1280 * 16, 640 * 16, 320 * 16),
    tau=6.5,
    training={"epochs": 50, "batch_size": 512, "lr": 0.01},
    dense_init="random",
    tree_channels=2,
    **_MNIST,
    **_even(1),
)

_ALL = (
    _difflogic(
        "mnist-small", 6, 8_000, 10.0, 200_000, published_accuracy=97.69, **_MNIST, **_even(1)
    ),
    _difflogic(
        "mnist-large", 6, 64_000, 30.0, 200_000, published_accuracy=98.47, **_MNIST, **_even(1)
    ),
    _difflogic(
        "cifar10-small", 4, 12_000, 100.0, 200_000, published_accuracy=51.27, **_CIFAR, **_even(3)
    ),
    _difflogic(
        "cifar10-medium", 4, 128_000, 100.0, 200_000, published_accuracy=57.39, **_CIFAR, **_even(3)
    ),
    _difflogic(
        "cifar10-large", 5, 256_000, 100.0, 200_000, published_accuracy=60.78, **_CIFAR, **_even(31)
    ),
    _difflogic("cifar10-large2", 5, 512_000, 100.0, 200_000, **_CIFAR, **_even(31)),
    _difflogic(
        "cifar10-large4",
        5,
        1_024_000,
        100.0,
        200_000,
        published_accuracy=62.14,
        **_CIFAR,
        **_even(31),
    ),
    _difflogic("adult", 5, 256, 20.0, 100_000, **_table("adult", 116)),
    _difflogic("breast-cancer", 5, 128, 20.0, 100_000, 0.001, **_table("breast-cancer-uci", 51)),
    _difflogic("monk1", 6, 24, 1.0, 100_000, **_table("monk1", 17)),
    _difflogic("monk2", 6, 12, 1.0, 100_000, **_table("monk2", 17)),
    _difflogic("monk3", 6, 12, 1.0, 100_000, **_table("monk3", 17)),
    _mnist_tree("s", 16, 2, 512, tau=6.5, published_gates=147_000, published_accuracy=98.46),
    _mnist_tree("m", 64, 2, 256, tau=28.0, published_gates=566_000, published_accuracy=99.23),
    _mnist_tree("l", 256, 1, 128, tau=35.0, published_gates=1_270_000, published_accuracy=99.35),
    _cifar_tree("s", 32, 1, 0.002, 3, tau=20.0, published_gates=400_000, published_accuracy=60.38),
    _cifar_tree(
        "m", 256, 1, 0.002, 3, tau=40.0, published_gates=3_080_000, published_accuracy=71.01
    ),
    _cifar_tree(
        "b", 512, 2, 0.002, 31, tau=280.0, published_gates=16_000_000, published_accuracy=80.17
    ),
    _cifar_tree(
        "l", 1024, 2, 0.002, 31, tau=340.0, published_gates=28_900_000, published_accuracy=84.99
    ),
    _cifar_tree(
        "g", 2560, 1, 0.001, 31, tau=450.0, published_gates=61_000_000, published_accuracy=86.29
    ),
    _README,
    _NOTEBOOK,
)

MODELS: dict[str, ModelSpec] = {spec.name: spec for spec in _ALL}
"""Published networks by name."""
