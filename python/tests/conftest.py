"""Makes a package of python/hardy and the extension modules of a build, and trains one small model."""

import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "hardy"


def pytest_addoption(parser):
    parser.addoption("--modules", default=None, help="folder of the built extension modules")
    parser.addoption("--finished-run", default=None, help="a finished run to test with instead of a new one")


def pytest_configure(config):
    modules = config.getoption("--modules")
    if modules is None:
        return  # the installed package is tested
    folder = tempfile.mkdtemp(prefix="hardy-package-")
    package = Path(folder) / "hardy"
    package.mkdir()
    for file in [*PACKAGE.iterdir(), *Path(modules).glob("_*.so")]:
        if file.is_file():
            os.symlink(file, package / file.name)
    sys.path.insert(0, folder)


@pytest.fixture(scope="session")
def corpus():
    import hardy

    return hardy.Corpus.load("")


@pytest.fixture(scope="session")
def run(request, corpus, tmp_path_factory):
    import hardy

    if request.config.getoption("--finished-run"):
        return hardy.Run.open(request.config.getoption("--finished-run"))
    folder = tmp_path_factory.mktemp("run") / "run"
    return hardy.run(corpus, config={"preset": "quick"}, out=folder)


@pytest.fixture(scope="session")
def model(run):
    return run.model()


@pytest.fixture()
def features(model):
    rng = np.random.default_rng(5)
    return {m.name: rng.normal(size=(6, m.width)).astype(np.float32) for m in model.modalities}
