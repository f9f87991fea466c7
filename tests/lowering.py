"""Lower a compiled function for devices that are not here."""

import jax

PLATFORMS = ("cuda", "tpu")


def assert_lowers(function, *arguments, **options):
    """Fail if an operation of the function has no rule on a GPU or a TPU."""
    for platform in PLATFORMS:  # a kernel written for one of them has no rule for both at once
        exported = jax.export.export(function, platforms=(platform,))(*arguments, **options)
        assert exported.platforms == (platform,)
        assert "func.func public @main" in exported.mlir_module()
