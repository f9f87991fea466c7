import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import metrics


@pytest.mark.parametrize("broken", [jnp.nan, jnp.inf])
@pytest.mark.parametrize("wrap", [jax.jit, lambda function: function])
def test_broken_logits_have_no_confidence(key, broken, wrap):
    logits = jax.random.normal(key, (40, 7)).at[::3, 2].set(broken).at[1::3, 4].set(-jnp.inf)
    confidence = np.asarray(wrap(metrics.probabilities)(logits))
    assert np.isnan(confidence[::3]).all()
    rest = np.delete(confidence, np.s_[::3], axis=0)
    np.testing.assert_allclose(rest.sum(axis=1), 1.0, rtol=1e-5)
