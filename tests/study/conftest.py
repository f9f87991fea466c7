import jax
import pytest

from fooljax import encodings, evolution
from fooljax.study import search_run
from fooljax.types import Classifier

GENERATIONS = 12


def linear(params, images):
    return images.reshape(len(images), -1) @ params


@pytest.fixture(scope="session")
def toy():
    """A linear network for images of 4 x 4 pixels and 3 classes."""
    return Classifier(jax.random.normal(jax.random.key(5), (16, 3)), linear, (4, 4, 1), 3)


@pytest.fixture(scope="session")
def evolve(toy):
    """Evolve in a folder, from where it stands."""
    encoding = encodings.direct((4, 4, 1))
    search = evolution.repeat(evolution.map_elites(encoding, 10))

    def run(folder, chunk=None, classifier=toy, **options):
        keys = jax.random.split(jax.random.key(7), 2)
        return search_run.run(
            folder,
            keys,
            search,
            classifier,
            encoding,
            GENERATIONS,
            lambda generation: 20 * (generation + 1),
            chunk=chunk,
            **options,
        )

    return run


@pytest.fixture(scope="session")
def uncut(evolve, tmp_path_factory):
    """What a run gives that was never stopped."""
    return evolve(tmp_path_factory.mktemp("uncut"), 4)
