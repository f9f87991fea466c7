"""Is this a classifier to be believed? Asked before hours are spent on it."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fooljax import checks
from fooljax.models import findings
from fooljax.models.findings import Finding
from fooljax.models.leaves import is_weight
from fooljax.types import Classifier, Images

_LEAST = 0.5  # share of the images looked at that must have an answer
_FEW = 128  # ids that texts are drawn from: characters of ASCII, or frequent words


def validate(classifier: Classifier) -> tuple[Finding, ...]:
    """Refuse what is no classifier, and warn of what is suspicious; see ``look``.

    Counters, random keys and Python numbers among the params are left alone.

    Returns:
        What it warns of.

    Raises:
        ValueError: if the weights hold NaN or infinity, if ``apply`` fails on
            images of ``input_shape``, if it does not return floating point logits
            ``[b, m]`` with ``m >= num_classes``, or if these are NaN or infinite for a
            mid-gray image or for more than half of the images looked at.

    Warns:
        UserWarning: for each finding.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> network = fj.models.build("lenet", jax.random.key(0), (28, 28, 1), 10)
        >>> fj.models.validate(network)  # nothing to warn of
        ()
        >>> bare = lambda params, images: images.reshape(len(images), -1) @ params["w"]
        >>> weights = {"w": jax.numpy.full((784, 10), jax.numpy.nan)}
        >>> broken = fj.types.Classifier(weights, bare, (28, 28, 1), 10)
        >>> try:
        ...     fj.models.validate(broken)
        ... except ValueError as error:
        ...     print(error)
        the classifier's weights w hold NaN or infinity; all must be finite
    """
    found = look(classifier)
    for one in found:
        warnings.warn(f"{one.name}: {one.message}", stacklevel=2)
    return found


def look(classifier: Classifier) -> tuple[Finding, ...]:
    """Show a network six images, two of them twice in other company, and judge its answers.

    The images are gray, noise, a ramp and noise of low contrast, then black and white. It
    takes eight forward passes, and four more where answers differ, of one compiled program.

    Returns:
        Whether several outputs belong to no class, or the outputs look like probabilities, are
        the same for all images, are random, depend on the rest of the batch, or are NaN for
        some images.

    Raises:
        ValueError: as ``validate``.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> logits = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 10)
        >>> softmax = lambda params, images: jax.nn.softmax(logits.apply(params, images))
        >>> wrong = fj.types.Classifier(logits.params, softmax, (8, 8, 1), 10)  # a softmax too many
        >>> [finding.name for finding in fj.models.look(wrong)]
        ['outputs are probabilities']
        >>> fj.models.look(logits)
        ()
    """
    checks.classifier(classifier)
    for path, leaf in jax.tree_util.tree_leaves_with_path(classifier.params):
        # in numpy: jax would compile a program for the shape of every layer
        if is_weight(leaf) and not np.isfinite(leaf).all():
            name = f" {_name(path)}" if path else ""
            raise ValueError(
                f"the classifier's weights{name} hold NaN or infinity; all must be finite"
            )
    count = None if classifier.tokens is None else classifier.tokens.count
    images = _probes(classifier.input_shape, count)
    logits = _answers(classifier, images)
    if len(logits) != len(images):
        raise ValueError(
            f"a classifier must return logits for each image, got {logits.shape} for {len(images)}"
        )
    if not np.isfinite(logits[0]).all():
        raise ValueError(
            "the classifier's logits for a mid-gray image hold NaN or infinity; they must be finite"
        )
    broken = findings.no_answer(logits)
    if broken is not None and broken.share > _LEAST:
        raise ValueError(broken.message)
    company = jnp.concatenate([_ends(classifier.input_shape, count), images[:2][::-1]])
    in_it = _answers(classifier, company)
    every = np.concatenate([logits, in_it[:2]])
    apart = findings.batch_dependence(logits[:2], in_it[:1:-1])
    if apart is not None:
        again = np.stack([logits, _answers(classifier, images)])
        apart = findings.random_outputs(again) or apart
    found = (
        findings.columns_without_a_class(logits, classifier.num_classes),
        findings.probabilities(logits),
        findings.same_answer(every),
        findings.no_answer(every),
        apart,
    )
    return tuple(one for one in found if one is not None)


def has_gradient(classifier: Classifier) -> bool:
    """Tell whether a network's answers can be followed uphill, without asking it anything.

    Example:
        >>> import numpy as np
        >>> import fooljax as fj
        >>> answer = lambda images: images.reshape(len(images), -1)[:, :3]  # of numpy arrays
        >>> network = fj.models.from_function(answer, (8, 8, 1), num_classes=3)
        >>> fj.models.has_gradient(network)
        False
    """
    tokens = classifier.tokens
    if tokens is not None:
        return tokens.embed is not None
    total = lambda images: jnp.sum(classifier(images))
    try:
        jax.eval_shape(
            jax.grad(total), jax.ShapeDtypeStruct((1, *classifier.input_shape), jnp.float32)
        )
    except (ValueError, TypeError, NotImplementedError):  # whatever cannot be differentiated raises
        return False
    return True


def _answers(classifier: Classifier, images: Images) -> Float[np.ndarray, "b m"]:
    """Return the logits; NaN among them is what is asked for, also where JAX would stop at it."""
    with jax.debug_nans(False):
        logits = jax.jit(classifier.apply)(classifier.params, images)
    return np.asarray(logits, np.float32)


def _probes(shape: tuple[int, ...], count: int | None) -> Array:
    """Gray, noise, a ramp, noise of low contrast: the first two are looked at in company.

    Of a network that reads texts: four texts of random ids, the first of a single one.
    """
    noise = np.random.default_rng(0).random((2, *shape))
    if count is not None:
        drawn = np.random.default_rng(0).integers(1, min(count, _FEW), (4, *shape))
        drawn[0, 1:] = 0
        return jnp.asarray(drawn, jnp.int32)
    ramp = np.linspace(0.0, 1.0, noise[0].size).reshape(shape)
    images = np.stack([np.full(shape, 0.5), noise[0], ramp, 0.4 + 0.2 * noise[1]])
    return jnp.asarray(images, jnp.float32)


def _ends(shape: tuple[int, ...], count: int | None) -> Array:
    """Black and white, where logarithms, roots and divisions break; an empty text and a full."""
    if count is not None:
        return jnp.stack([jnp.zeros(shape, jnp.int32), jnp.full(shape, count - 1, jnp.int32)])
    return jnp.stack([jnp.zeros(shape, jnp.float32), jnp.ones(shape, jnp.float32)])


def _name(path: tuple) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".")
