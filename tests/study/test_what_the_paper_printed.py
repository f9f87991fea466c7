"""What the paper printed, and the classes it is about."""

import numpy as np

from fooljax.data.imagenet_names import imagenet_names
from fooljax.study import RELATED, is_imagenet, published, published_for, short_names

LANDMARKS = {0: "tench, Tinca tinca", 151: "Chihuahua", 281: "tabby, tabby cat", 407: "ambulance"}
LANDMARKS |= {779: "school bus", 999: "toilet tissue, toilet paper, bathroom tissue"}
IMAGENET = tuple(LANDMARKS.get(label, f"class {label}, latin") for label in range(1000))


def test_knows_imagenet_by_its_names():
    assert is_imagenet(IMAGENET)
    assert is_imagenet([name.split(",")[0].upper() for name in IMAGENET])
    assert not is_imagenet(IMAGENET[:999])
    assert not is_imagenet(sorted(IMAGENET))
    assert not is_imagenet([str(label) for label in range(1000)])
    assert short_names(IMAGENET)[:2] == ["tench", "class 1"]
    assert short_names(("a, b",)) == ["a, b"]


def test_knows_the_names_that_come_with_the_package():
    names = imagenet_names()
    assert is_imagenet(names)
    related = [[names[label] for label in group] for group in RELATED.values()]
    assert related[0] == ["agama", "frilled lizard", "green lizard"]
    assert related[1] == ["Japanese spaniel", "Pekinese", "Blenheim spaniel"]


def test_published_curves_are_whole():
    for found in published.IMAGENET.values():
        for points in (found.medians, *found.shares.values()):
            generations, values = np.array(points).T
            assert (np.diff(generations) > 0).all() and (np.diff(values) > 0).all()
            assert values.min() >= 0 and values.max() < 1
    assert published_for(IMAGENET, "cppn").inside == 0.49
    assert published_for(("a",), "cppn") is None
