"""Model files of every parametrisation."""

import pytest
import torch
from gate_layers import layer_of

from gatewright.frontend import load_model, save_model
from gatewright.runtime.archive import read_archive, write_archive
from gatewright.runtime.errors import FileError


def changed(tmp_path, layer, change):
    """The path of a file of `layer` whose options `change` has edited."""
    path = tmp_path / "m.npz"
    save_model(layer, path, input_shape=(9,))
    manifest, arrays = read_archive(path, "model")
    change(manifest["model"]["options"])
    manifest = {key: manifest[key] for key in ("input_shape", "model")}
    write_archive(path, "model", manifest, dict(arrays))
    return path


def test_files_from_before_there_was_a_choice(tmp_path):
    def strip(options):
        for key in ("lut_rank", "parametrization", "forward_sampling"):
            del options[key]

    layer = layer_of("raw", 2).eval()
    found = load_model(changed(tmp_path, layer, strip))
    x = torch.randint(2, (30, 9)).float()
    assert torch.equal(found(x), layer(x))
    assert found.parametrization.forward_sampling == "soft"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lut_rank": 7}, "lut_rank is 7, which is out of range"),
        ({"lut_rank": 2}, r"array weight is float32 \[14, 8\]; its layer needs float32 \[14, 4\]"),
        ({"parametrization": "os"}, "parametrization='os'; allowed is 'raw', 'warp' or 'light'"),
        ({"parametrization": ["raw"]}, r"parametrization is \['raw'\], which is out of range"),
        ({"forward_sampling": 1}, "forward_sampling is 1, which is out of range"),
        ({"forward_sampling": "x"}, "forward_sampling='x'; allowed is 'soft'"),
    ],
)
def test_files_that_contradict_themselves(tmp_path, change, message):
    path = changed(tmp_path, layer_of("warp", 3), lambda options: options.update(change))
    with pytest.raises(FileError, match=message):
        load_model(path)
