"""What the estimators share: scikit-learn's own checks, input and output in kind, its tools."""

from __future__ import annotations

import copy
import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from replearn._estimator import as_tensor, draw_seed
from replearn.dictionary import KSVD, DictionaryLearning
from replearn.images import PatchWhitener
from replearn.logistic import LogisticPCA
from replearn.pca import PCA
from replearn.pretraining import RBMLearning

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Squashed:
    """The checks draw data of any size; this estimator sees it behind a logistic function."""

    def _training_data(self, X, **options):
        return torch.sigmoid(super()._training_data(X, **options))

    def _new_data(self, X, like, name="X"):
        return torch.sigmoid(super()._new_data(X, like, name))


class SquashedLogisticPCA(Squashed, LogisticPCA):
    """Logistic PCA takes values in [0, 1]."""


class SquashedRBMLearning(Squashed, RBMLearning):
    """So does a machine of binary units."""


CHECKED = [
    PCA(),
    PCA(1, svd_solver="covariance_eigh", whiten=True),
    PatchWhitener(),
    DictionaryLearning(2, 0.01, epochs=2),
    DictionaryLearning(
        2, 0.01, method="alternating", positive_dictionary=True, max_iter=20, tol=1e-3
    ),
    KSVD(2, max_iter=2),
    SquashedLogisticPCA(1, ridge=0.1),
    SquashedRBMLearning(2, epochs=2),
    RBMLearning(2, epochs=2, visible="gaussian", lr=1e-3),
]


@parametrize_with_checks(CHECKED, expected_failed_checks=lambda estimator: {})
def test_scikit_learns_checks(estimator, check):
    """None of them is expected to fail."""
    check(estimator)


# Input and output in kind

RNG = np.random.RandomState(0)
#: Values in [0, 1], so that every estimator takes them.
ARRAY = np.clip(RNG.randn(40, 2) @ RNG.randn(2, 5) * 0.2 + 0.5 + 0.05 * RNG.randn(40, 5), 0, 1)
FRAME = pd.DataFrame(ARRAY, columns=list("abcde"))

ESTIMATORS = {
    "pca": PCA(2),
    "randomized": PCA(2, svd_solver="randomized"),
    "logistic": LogisticPCA(2, ridge=0.1),
    "whitener": PatchWhitener(),
    "dictionary": DictionaryLearning(4, 0.05, epochs=2),
    "alternating": DictionaryLearning(4, 0.05, method="alternating", max_iter=30),
    "k-svd": KSVD(4, n_nonzero=2, max_iter=5),
    "rbm": RBMLearning(3, epochs=2),
}
each = pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)


def fitted_arrays(estimator):
    """The fitted attributes that are tensors or arrays, but for names of columns."""
    return {
        name: value
        for name, value in vars(estimator).items()
        if name.endswith("_") and isinstance(value, torch.Tensor | np.ndarray)
        if name != "feature_names_in_"
    }


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_and_tensors_give_the_same_each_in_kind(estimator, dtype):
    X = ARRAY.astype(dtype)
    of_array, of_tensor = clone(estimator).fit(X), clone(estimator).fit(torch.from_numpy(X))
    arrays, tensors = fitted_arrays(of_array), fitted_arrays(of_tensor)
    assert arrays.keys() == tensors.keys() != set()
    for name, value in arrays.items():
        assert isinstance(value, np.ndarray), name
        assert isinstance(tensors[name], torch.Tensor), name
        assert value.dtype == dtype, name
        np.testing.assert_array_equal(value, tensors[name].numpy())
    H = of_array.transform(X)
    assert isinstance(H, np.ndarray)
    assert H.dtype == dtype
    np.testing.assert_array_equal(H, of_tensor.transform(torch.from_numpy(X)).numpy())
    # And the other way about: the result is in the kind of the argument, not of what was fitted.
    assert isinstance(of_array.transform(torch.from_numpy(X)), torch.Tensor)
    assert isinstance(of_tensor.transform(X), np.ndarray)
    back = of_array.inverse_transform(H)
    assert isinstance(back, np.ndarray)
    assert back.shape == X.shape
    assert isinstance(of_array.inverse_transform(torch.from_numpy(H)), torch.Tensor)


@each
def test_data_frames_are_taken_and_given_where_asked(estimator):
    model = clone(estimator).fit(FRAME)
    assert list(model.feature_names_in_) == list("abcde")
    H = model.transform(FRAME)
    np.testing.assert_array_equal(H, clone(estimator).fit_transform(ARRAY))
    framed = model.set_output(transform="pandas").transform(FRAME)
    assert list(framed.columns) == list(model.get_feature_names_out())
    assert list(framed.index) == list(FRAME.index)
    np.testing.assert_array_equal(framed.to_numpy(), H)
    with pytest.raises(ValueError, match="feature names"):
        model.transform(FRAME[list("edcba")])


def test_names_of_columns_are_forgotten_where_there_are_none():
    model = PCA(2).fit(FRAME).fit(torch.from_numpy(ARRAY))
    assert not hasattr(model, "feature_names_in_")
    assert list(PCA(2).fit(FRAME).fit(FRAME[list("abc")]).feature_names_in_) == list("abc")


@each
def test_integers_lists_and_strange_layouts_are_read_as_scikit_learn_reads_them(estimator):
    bits = (ARRAY > 0.5).astype(int)
    bits[0], bits[1] = 0, 1
    expected = clone(estimator).fit_transform(bits.astype(float))
    for X in (
        bits,
        bits.astype(bool),
        bits.tolist(),
        np.asfortranarray(bits.astype(float)),
        bits.astype(float)[::-1][::-1],
        bits.astype(">f8"),
        bits.astype(np.float16),
    ):
        np.testing.assert_allclose(clone(estimator).fit_transform(X), expected, atol=1e-9)


@each
def test_models_are_copied_pickled_and_cloned(estimator):
    model = clone(estimator).fit(ARRAY)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(twin.transform(ARRAY), model.transform(ARRAY))
    fresh = clone(model)
    assert fresh.get_params() == model.get_params()
    with pytest.raises(NotFittedError, match="not fitted yet"):
        fresh.transform(ARRAY)
    assert type(model).__name__ in repr(model)


@each
def test_joblib_gives_them_memory_mapped_arrays_of_other_processes(estimator, tmp_path):
    model = clone(estimator).fit(ARRAY)
    joblib.dump((model, ARRAY), tmp_path / "model")
    mapped, X = joblib.load(tmp_path / "model", mmap_mode="r")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # torch's, of arrays that may not be written
        warnings.simplefilter("ignore", ConvergenceWarning)
        # Maps lie in rows, where an attribute may have been a view in columns.
        np.testing.assert_allclose(mapped.transform(X), model.transform(ARRAY), rtol=1e-11)


@each
def test_they_stand_in_pipelines_unions_and_columns(estimator):
    y = (ARRAY[:, 0] > 0.5).astype(int)
    pipeline = make_pipeline(
        StandardScaler(), MinMaxScaler(clip=True), clone(estimator), LogisticRegression()
    )
    assert cross_val_score(pipeline, FRAME, y, cv=2, error_score="raise").shape == (2,)
    union = FeatureUnion([("own", clone(estimator)), ("scaled", StandardScaler())])
    assert len(union.fit(FRAME).get_feature_names_out()) == union.transform(FRAME).shape[1]
    columns = ColumnTransformer([("own", clone(estimator), list("abcd"))], remainder="passthrough")
    columns.set_output(transform="pandas")
    assert "remainder__e" in columns.fit_transform(FRAME).columns


@pytest.mark.parametrize(
    ("estimator", "grid"),
    [
        (PCA(), {"n_components": [1, np.int64(2)]}),
        (LogisticPCA(1, ridge=0.1), {"n_components": [1, 2]}),
        (DictionaryLearning(2, 0.05, epochs=2), {"n_atoms": [2, 4]}),
        (RBMLearning(2, epochs=200), {"lr": [1e-6, 0.5]}),
    ],
    ids=["pca", "logistic", "dictionary", "rbm"],
)
def test_a_grid_search_needs_no_scorer(estimator, grid):
    bits = (ARRAY > 0.5).astype(float)
    X = bits if isinstance(estimator, RBMLearning) else ARRAY
    search = GridSearchCV(estimator, grid, cv=2, error_score="raise").fit(X)
    (name,) = grid
    assert search.best_params_[name] == grid[name][1]
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@each
def test_tensors_keep_their_gradients_and_fits_no_graph(estimator):
    X = torch.from_numpy(ARRAY).requires_grad_()
    model = clone(estimator).fit(X)
    assert not any(value.requires_grad for value in fitted_arrays(model).values())
    if isinstance(estimator, PCA | PatchWhitener):
        model.transform(X).square().sum().backward()
        assert float(X.grad.abs().max()) > 0


@each
def test_nothing_is_made_on_the_default_device(estimator):
    X = torch.from_numpy(ARRAY)
    expected = clone(estimator).fit(X).transform(X)
    with torch.device("meta"):
        model = clone(estimator).fit(X)
        found = model.transform(X)
        back = model.inverse_transform(found)
        of_array = clone(estimator).fit_transform(ARRAY)
        if hasattr(model, "score"):
            model.score(X)
        if hasattr(model, "partial_fit"):
            model.partial_fit(X)
    assert found.device.type == back.device.type == "cpu"
    assert torch.equal(found, expected)
    np.testing.assert_array_equal(of_array, expected.numpy())


@each
def test_tensors_that_do_not_fit_are_refused_in_one_sentence(estimator):
    X = torch.from_numpy(ARRAY)
    for wrong, sentence in (
        (X.to_sparse(), "X: got layout torch.sparse_coo, want a dense tensor"),
        (X.to(torch.bfloat16), "X: got dtype torch.bfloat16, want"),
        (X.to(torch.complex64), "X: got dtype torch.complex64, want"),
        (X.long(), "X: got dtype torch.int64, want"),
        (X[0], r"X: got shape \(5,\), want \(n, d\)"),
        (X[:0], r"X: got shape \(0, 5\), want"),
    ):
        with pytest.raises(ValueError, match=sentence):
            clone(estimator).fit(wrong)
    model = clone(estimator).fit(X)
    with pytest.raises(ValueError, match=r"X: got shape \(40, 4\), want \(n, 5\)"):
        model.transform(X[:, :4])
    with pytest.raises(ValueError, match=r"X: got dtype torch.float32, want torch.float64, as in"):
        model.transform(X.float())
    for array, sentence in (
        (np.full((4, 5), np.nan), "contains NaN"),
        (np.array([["a"] * 5] * 4), "could not convert string"),
        (ARRAY + 1j, "Complex data not supported"),
        (ARRAY[:, :4], "X has 4 features, but .* is expecting 5 features"),
    ):
        with pytest.raises(ValueError, match=sentence):
            model.transform(array)


@pytest.mark.parametrize("table", [None, "X", 3, {"X": 1}], ids=repr)
@each
def test_what_is_no_table_is_refused_in_one_sentence(estimator, table):
    wanted = f"got {type(table).__name__}, want a tensor, an array or a DataFrame"
    with pytest.raises(ValueError, match=f"^X: {wanted}"):
        clone(estimator).fit(table)


def test_set_output_holds_for_tensors_too():
    model = PCA(2).fit(torch.from_numpy(ARRAY)).set_output(transform="pandas")
    framed = model.transform(torch.from_numpy(ARRAY))
    assert list(framed.columns) == ["pca0", "pca1"]
    assert framed["pca0"].dtype == np.float64


# The parts


def test_seeds_are_drawn_as_scikit_learn_draws_them():
    assert draw_seed(np.int64(7)) == draw_seed(7) == 7
    one, same = (draw_seed(np.random.RandomState(3)) for _ in range(2))
    assert one == same
    np.random.seed(0)
    first = draw_seed(None)
    assert first != draw_seed(None)
    np.random.seed(0)
    assert draw_seed(None) == first
    for wrong in ("a", 1.5, True, -1, 2**64, np.zeros(2)):
        with pytest.raises(ValueError, match=r"random_state: got .*, want an integer from 0"):
            draw_seed(wrong)


def test_an_array_is_a_view_where_torch_can_have_one():
    X = np.ones((2, 3))
    as_tensor(X)[0, 0] = 5
    assert X[0, 0] == 5
    X.flags.writeable = False
    as_tensor(X)[0, 0] = 7
    assert X[0, 0] == 5


def test_a_warning_points_at_the_line_of_the_caller():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        LogisticPCA(2, max_iter=2, tol=0.0).fit_transform(torch.from_numpy(ARRAY))
    assert [warning.filename for warning in caught] == [__file__, __file__]
