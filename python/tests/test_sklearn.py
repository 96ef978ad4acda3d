import unittest
import warnings

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn")
from sklearn.model_selection import GridSearchCV, cross_val_predict  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

import hardy  # noqa: E402

QUICK = dict(method="early_linear")


def blobs(n=120, missing=0.0):
    rng = np.random.default_rng(3)
    y = rng.integers(0, 3, size=n)
    x = rng.normal(size=(n, 8)) + np.eye(3)[y] @ rng.normal(size=(3, 8)) * 3
    lost = rng.random(n) < missing
    x[lost, :4] = np.nan
    return x, np.asarray(["anger", "joy", "sorrow"])[y]


def test_learns_and_predicts_names():
    x, y = blobs()
    model = hardy.HardyClassifier(blocks={"acoustic": 4, "textual": 4}, **QUICK).fit(x, y)
    assert list(model.classes_) == ["anger", "joy", "sorrow"]
    assert model.score(x, y) > 0.8
    p = model.predict_proba(x)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)


def test_rows_of_nan_are_missing_modalities():
    x, y = blobs(missing=0.4)
    model = hardy.HardyClassifier(blocks=[4, 4], **QUICK).fit(x, y)
    assert model.score(x, y) > 0.7


def test_works_in_pipelines_searches_and_cross_validation():
    x, y = blobs(90)
    pipeline = make_pipeline(StandardScaler(), hardy.HardyClassifier(blocks=[4, 4], **QUICK))
    predicted = cross_val_predict(pipeline, x, y, cv=3)
    assert (predicted == y).mean() > 0.7
    search = GridSearchCV(hardy.HardyClassifier(**QUICK), {"blocks": [(4, 4), (2, 6)]}, cv=2).fit(x, y)
    assert search.best_params_["blocks"] in [(4, 4), (2, 6)]


def checks():
    """scikit-learn's own; those of NOT_APPLICABLE carry their reason."""
    from sklearn.utils.estimator_checks import check_estimator

    for estimator in (hardy.HardyClassifier(**QUICK), hardy.HardyRegressor(**QUICK)):
        yield from check_estimator(estimator, generate_only=True)


def test_checks_of_scikit_learn():
    from hardy.sklearn import NOT_APPLICABLE

    failed, skipped = [], set()
    count = 0
    for estimator, check in checks():
        name = getattr(check, "func", check).__name__
        if name in NOT_APPLICABLE:
            skipped.add(name)
            continue
        count += 1
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                check(estimator)
        except unittest.SkipTest:
            pass
        except Exception as error:
            failed.append(f"{type(estimator).__name__}: {name}: {error}")
    assert failed == []
    assert count > 60
    assert skipped == set(NOT_APPLICABLE)


def test_groups_stay_together_and_are_checked():
    x, y = blobs(60)
    groups = np.repeat(np.arange(20), 3)
    model = hardy.HardyClassifier(blocks=[4, 4], **QUICK).fit(x, y, groups=groups)
    assert model.score(x, y) > 0.6
    with pytest.raises(hardy.ShapeError, match="groups"):
        hardy.HardyClassifier(blocks=[4, 4], **QUICK).fit(x, y, groups=[1])
    with pytest.raises(hardy.ConfigError, match="blocks"):
        hardy.HardyClassifier(blocks=[4, 5], **QUICK).fit(x, y)


def test_regression():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(150, 6))
    y = x @ rng.normal(size=6)
    model = hardy.HardyRegressor(blocks=[3, 3], **QUICK).fit(x, y)
    assert model.score(x, y) > 0.5


def test_equal_seeds_and_pickles_give_equal_answers():
    import pickle

    x, y = blobs(80)
    a = hardy.HardyClassifier(blocks=[4, 4], **QUICK).fit(x, y)
    b = pickle.loads(pickle.dumps(a))
    c = hardy.HardyClassifier(blocks=[4, 4], **QUICK).fit(x, y)
    np.testing.assert_array_equal(a.predict_proba(x), b.predict_proba(x))
    np.testing.assert_array_equal(a.predict_proba(x), c.predict_proba(x))
