"""Flags that say how images are encoded, and which looks are kept; impossible ones go by flag."""

import jax
import numpy as np
import pytest

from fooljax import study
from fooljax.evolution import CVT
from fooljax.media import Pictures, Sounds, Texts
from fooljax.study import Genotype, Looks, build_encoding


def test_what_is_asked_for_is_built():
    shape, keys = (4, 4, 1), iter(jax.random.split(jax.random.key(0), 5))
    draw = lambda encoding: encoding.init(next(keys))
    stepped = build_encoding(Genotype(), shape, Pictures())
    smooth = build_encoding(Genotype(), shape, Pictures(), smooth=True)
    levels = np.asarray(stepped.express(draw(stepped))) * 255
    np.testing.assert_allclose(levels, levels.round(), atol=1e-4)
    levels = np.asarray(smooth.express(draw(smooth))) * 255
    assert np.abs(levels - levels.round()).max() > 0.1
    assert draw(build_encoding(Genotype(genes="uint8"), shape, Pictures())).dtype == np.uint8
    cppn = build_encoding(Genotype("cppn", nodes=9, edges=20), shape, Pictures())
    assert cppn.express(draw(cppn)).shape == shape
    letters = build_encoding(Genotype("characters", alphabet="ab"), (30,), Texts())
    assert set(Texts().spell(np.asarray(letters.express(draw(letters))))) == set("ab")


@pytest.mark.parametrize(
    ("genotype", "shape", "medium", "message"),
    [
        (
            Genotype("cppnn"),
            (4, 4, 1),
            Pictures(),
            "--encoding: unknown 'cppnn'; did you mean cppn",
        ),
        (Genotype("partials"), (4, 4, 1), Pictures(), "--encoding partials: the network takes pi"),
        (Genotype(), (4, 4, 2), Pictures(), "--encoding direct: images of 1 or 3 channels"),
        (Genotype("cppn", nodes=3), (4, 4, 1), Pictures(), "--encoding cppn: --nodes, --edges: "),
        (Genotype("cppn", genes="uint8"), (4, 4, 1), Pictures(), "--genes belong to --encoding di"),
        (Genotype(nodes=20), (4, 4, 1), Pictures(), "--nodes and --edges belong to --encoding cp"),
        (
            Genotype("waveform", mutation_rate=0.2),
            (99, 1),
            Sounds(),
            "--mutation-rate and --color belong to --encoding direct and cppn",
        ),
        (
            Genotype(variation="iso_line", mutation_rate=0.2),
            (4, 4, 1),
            Pictures(),
            "--variation iso_line changes every gene; leave --mutation-rate",
        ),
        (Genotype("waveform", alphabet="all"), (99, 1), Sounds(), "--alphabet belongs to --enc"),
    ],
)
def test_what_cannot_be_built_is_refused_by_its_flag(genotype, shape, medium, message):
    with pytest.raises(ValueError, match=message):
        build_encoding(genotype, shape, medium)


def test_looks_are_divided_as_asked():
    assert study.cells_of(Looks()) is None
    names = ("brightness", "contrast:0:0.5")
    grid = study.cells_of(Looks(names, grid=3), num_classes=10)
    assert grid.size == 9 and grid.descriptors[1].high == 0.5
    assert isinstance(cvt := study.cells_of(Looks(names, "cvt", cells=7)), CVT) and cvt.size == 7
    with pytest.raises(ValueError, match="--descriptors: 100 looks of 200 classes"):
        study.cells_of(Looks(names, grid=10), num_classes=200)
    with pytest.raises(ValueError, match="--cells 7 are those of --archive cvt"):
        study.cells_of(Looks(names, cells=7))
