"""SqueezeNet's published weights: maps as Captum draws them, and what survives shuffling."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import saliency


@pytest.mark.slow
def test_maps_of_squeezenet(data_dir):
    weights = Path(data_dir) / "models" / "squeezenet1_1_imagenet.safetensors"
    if not weights.exists():
        pytest.skip(f"{weights} is not there")
    config = saliency.Config(str(weights), data_dir, images=4, shuffles=1, rounds=1)
    document = saliency.measure(config)
    top = {rule: next(iter(layers.values())) for rule, layers in document["shuffled"].items()}
    assert np.mean(top["guided"]) > 0.9 and np.mean(top["gradient"]) < 0.7
    for rule, correlation in document.get("correlation", {}).items():  # with Captum installed
        assert correlation > 0.9999, rule
    assert "classifier.1" in saliency.summarize(document)
