"""Train a logic network on handwritten digits, compile it, and let the library answer.

python examples/digits.py
"""

import torch
from torch import nn

import gatewright as gw
from gatewright.frontend import FixedBinarization, GroupSum, LogicDense, fit, load_dataset

RANDOM = {"weight_init": "random"}
TRAINING = {"steps": 2000, "batch_size": 64, "lr": 0.03, "schedule": "cosine"}


def network() -> nn.Sequential:
    """The network of `gatewright.frontend.recipe("digits")`, layer by layer."""
    return nn.Sequential(
        nn.Flatten(),
        FixedBinarization([2.0, 6.0, 10.0, 14.0]),  # 64 pixels of 0 to 16 become 256 bits
        LogicDense(256, 3000, parametrization_kwargs=RANDOM),
        LogicDense(3000, 3000, parametrization_kwargs=RANDOM),
        LogicDense(3000, 3000, parametrization_kwargs=RANDOM),
        GroupSum(10, tau=15.0),  # 300 votes a class
    )


def main() -> None:
    data = load_dataset("digits")  # a fifth is held out for the test
    torch.manual_seed(0)
    model = network()
    history = fit(model, data.x_train, data.y_train, **TRAINING)
    print(f"trained in {history.seconds:.0f} s")

    circuit = gw.trace(model, input_shape=data.input_shape)
    compiled = gw.compile(circuit)
    right = (compiled.predict(data.x_test) == data.y_test).mean()
    print(f"test accuracy of the compiled library: {right:.2%}")
    compiled.save("digits.so")  # gw.load("digits.so") needs no PyTorch


if __name__ == "__main__":
    main()
