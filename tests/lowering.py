"""Lower a compiled function for devices that are not here."""

import jax

PLATFORMS = ("cuda", "tpu")


def assert_lowers(function, *arguments, **options):
    """Fail if an operation of the function has no rule on a GPU or a TPU."""
    exported = jax.export.export(function, platforms=PLATFORMS)(*arguments, **options)
    assert exported.platforms == PLATFORMS
    assert "func.func public @main" in exported.mlir_module()
