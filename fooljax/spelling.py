"""What was probably meant by a name that nobody knows. Nothing here waits for JAX."""

import difflib
from collections.abc import Iterable


def meant(name: str, known: Iterable[str]) -> str:
    """Return "did you mean NAME? " of the nearest known name; nothing where none is near.

    Example:
        >>> from fooljax.spelling import meant
        >>> meant("lenett", ["lenet", "mlp"]), meant("LeNet", ["lenet"]), meant("x", ["mlp"])
        ('did you mean lenet? ', 'did you mean lenet? ', '')
    """
    spelled = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower(), spelled, 1, 0.5)
    return f"did you mean {spelled[near[0]]}? " if near else ""
