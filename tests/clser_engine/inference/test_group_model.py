import numpy as np
import pytest
from safetensors.numpy import save_file

from clser_engine.errors import BundleError
from clser_engine.inference.group_model import (
    FILE,
    RESTS,
    read_group_model,
    to_tensors,
    untrained,
)


def test_a_bundle_gives_it_back_or_says_what_is_wrong(tmp_path):
    assert read_group_model(tmp_path, 4, 3) is None
    values = np.random.default_rng(0).standard_normal((9, 3)).astype(np.float32)
    model = untrained(values, 4)
    model.temperatures["speaker"] = 2.0
    save_file(to_tensors(model), tmp_path / FILE)

    again = read_group_model(tmp_path, 4, 3)

    np.testing.assert_array_equal(again.prior_mean, model.prior_mean)
    np.testing.assert_array_equal(again.class_offsets, model.class_offsets)
    assert again.temperatures == {name: 2.0 if name == "speaker" else 1.0 for name in RESTS}
    assert (again.least_project, again.least_speaker) == (0.0, 0.5)
    with pytest.raises(BundleError) as raised:
        read_group_model(tmp_path, 5, 3)
    assert str(raised.value) == (
        f"{tmp_path / FILE} does not fit its card (class_offsets); install the model again."
    )
    (tmp_path / FILE).write_bytes(b"")
    with pytest.raises(BundleError) as raised:
        read_group_model(tmp_path, 4, 3)
    assert str(raised.value) == f"{tmp_path / FILE} is damaged; install the model again."


def test_without_training_the_recordings_are_their_own_prior():
    values = np.random.default_rng(0).standard_normal((50, 3)).astype(np.float32)
    broken = np.concatenate([values, np.full((1, 3), np.nan, np.float32)])

    for rows in (values, broken):
        model = untrained(rows, 4)
        np.testing.assert_allclose(model.prior_mean, values.mean(axis=0), atol=1e-6)
        np.testing.assert_allclose(model.prior_std, values.std(axis=0), rtol=1e-4)
    nothing = untrained(broken[-1:], 4)
    assert np.isfinite(nothing.prior_std).all()
    assert (nothing.prior_std > 0).all()
