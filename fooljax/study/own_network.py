"""A network from a file of the user's own, ``FILE.py:NAME``."""

import sys
from typing import TYPE_CHECKING

from fooljax.study.own_file import take

if TYPE_CHECKING:
    from fooljax.types import Classifier


def load(
    model: str, input_shape: tuple[int, ...] | None = None, num_classes: int | None = None
) -> "Classifier":
    """Run the user's file and take the network from it.

    Modules beside the file can be imported by it, as if it were run by itself.

    Args:
        model: ``FILE.py:NAME``; the name is a ``Classifier``, a network of PyTorch, Flax
            NNX, Equinox or Keras, or a function without arguments that returns one.
        input_shape: of one image of the data, ``(h, w, c)``; None without data.
        num_classes: of the data; None without data.

    Raises:
        ValueError: if there is no such file or name, if the file cannot be run,
            or if the name is something else.
    """
    from fooljax import models
    from fooljax.models.foreign import adapter_of
    from fooljax.types import Classifier

    name, found = model.rpartition(":")[2], take("--model", model)
    if callable(found) and not isinstance(found, Classifier) and adapter_of(found) is None:
        print(f"calling {name}() ...", file=sys.stderr)
        try:
            found = found()
        except (Exception, SystemExit) as error:
            raise ValueError(
                f"--model {model}: {name}() fails with {type(error).__name__}: {error}; it is "
                "called without arguments and returns a network (what answers images itself is "
                "one by fooljax.models.from_function)"
            ) from error
    if isinstance(found, Classifier):
        return found
    adapter = adapter_of(found)
    if adapter is None:
        raise ValueError(
            f"--model {model}: {name} must be a fooljax.types.Classifier, a network of another "
            f"library, or a function that returns one, got {type(found).__name__}"
        )
    if adapter == "from_flax" or input_shape is None:
        lacks, else_ = "what images it takes", ", or give --dataset"
        if adapter == "from_flax":  # no data tell them
            lacks, else_ = "its weights", ""
        raise ValueError(
            f"--model {model}: {type(found).__name__} does not say {lacks}; return "
            f"fooljax.models.{adapter}(...) of it{else_}"
        )
    try:
        return getattr(models, adapter)(found, input_shape, num_classes)
    except ValueError as error:
        raise ValueError(f"--model {model}: {error}") from error
