"""Dense networks and recipes by description."""

import pytest
import torch
from training_threads import one_thread  # noqa: F401

from gatewright.frontend import LogicDense, Recipe, evaluate, load_dataset, recipe
from gatewright.frontend.zoo.dense import dense
from gatewright.runtime.errors import InputError


def test_dense_builds_what_it_is_told():
    model = dense((1, 8, 8), [300, 200], 10, thresholds=[2.0, 9.0], tau=7.0)
    assert [type(part).__name__ for part in model] == [
        "Flatten", "FixedBinarization", "LogicDense", "LogicDense", "GroupSum",
    ]  # fmt: skip
    assert (model[2].in_dim, model.input_shape, model[-1].tau) == (128, (1, 8, 8), 7.0)
    assert model(torch.zeros(3, 1, 8, 8)).shape == (3, 10)
    assert [type(part).__name__ for part in dense(6, [4], 2)] == ["LogicDense", "GroupSum"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: dense(6, [], 2), "no layers; allowed are one width or more"),
        (lambda: dense(6, [25], 10), "25 gates for 10 classes; allowed is a multiple of 10, such"),
        (lambda: recipe("mnist"), "recipe 'mnist'; allowed are digits"),
        (lambda: Recipe({"layer": [4]}, {}), r"\[model\] has layer; allowed are bits, grad_factor"),
        (lambda: Recipe({}, {"rate": 1}), r"\[train\] has rate; allowed are augment, batch_size"),
        (
            lambda: Recipe({}, {"lr": "x"}),
            r"\[train\] lr = \"x\"; allowed is a number, such as 0.01",
        ),
        (lambda: Recipe({}, {"seed": True}), r"\[train\] seed = true; allowed is a whole number"),
    ],
)
def test_model_registry_messages(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_recipe_trains_without_looking_at_the_test_part():
    data = load_dataset("iris")
    found = Recipe({"layers": (60, 60), "bits": 4}, {"steps": 150, "lr": 0.03})
    model, history = found.train(data, progress=False)
    assert model.input_shape == (4,)
    assert history.best.discrete > 0.8
    assert evaluate(model, data.x_test, data.y_test) > 0.8
    with pytest.raises(InputError, match=r"fraction -0\.1; allowed is above 0 and below 1"):
        Recipe({"layers": (60, 60)}, {"steps": 1, "validation": -0.1}).train(data)
    boolean = Recipe({"layers": (60,), "bits": 0}, {}).build(data)
    assert isinstance(boolean[0], LogicDense)


def test_digits_recipe_is_small():
    found = recipe("digits")
    assert sum(found.network["layers"]) <= 12000
    model = found.build(load_dataset("digits"))
    assert model(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
