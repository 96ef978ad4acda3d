"""What the package says of itself: version, stubs, help, what it loads and what it links."""

import ast
import importlib
import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hardy

PACKAGE = Path(hardy.__file__).parent
MODULES = ["_inference", "_data", "_training"]


def stub_names(body):
    """Names that a stub declares, with those of its classes."""
    names = set()
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            names.add(node.target.id)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{n}" for n in stub_names(node.body)}
    return names - {n for n in names if n.endswith("__init__")}


def module_names(module):
    names = {n for n in vars(module) if not n.startswith("_") or n == "__version__"}
    for name, value in vars(module).items():
        if inspect.isclass(value):
            names |= {f"{name}.{n}" for n in vars(value) if not n.startswith("_") or n == "__len__"}
    return names


@pytest.mark.parametrize("name", MODULES)
def test_a_stub_declares_what_its_module_has(name):
    module = importlib.import_module(f"hardy.{name}")
    stub = ast.parse((PACKAGE / f"{name}.pyi").read_text(encoding="utf-8"))
    assert stub_names(stub.body) == module_names(module)


@pytest.mark.skipif("HARDY_STUBTEST" not in os.environ,
                    reason="reads NumPy's stubs for a minute: HARDY_STUBTEST=1 and the package mypy")
def test_stubs_have_the_signatures_of_the_modules(tmp_path):
    """pybind11 2.10 has no __text_signature__, so that stubtest sees names and kinds."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "--concise", "--ignore-missing-stub", "--allowlist", "/dev/stdin",
         *(f"hardy.{m}" for m in MODULES)],
        input=r".*\.__init__" "\n", text=True, capture_output=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent), "MYPYPATH": str(PACKAGE.parent)})
    # Classes of pybind11 have a metaclass of its own, which a stub cannot name.
    found = [x for x in done.stdout.splitlines() if not x.endswith("metaclass differs")]
    assert found == [] and done.stderr == ""
    assert done.stdout.count("metaclass differs") == 6  # so it did look at the classes


def test_every_public_name_is_there_and_has_help():
    for name in hardy.__all__:
        if name.startswith("__") or name == "torch_module":  # which needs PyTorch
            continue
        value = getattr(hardy, name)
        assert inspect.getdoc(value), name
        if inspect.isclass(value):
            for method, function in vars(value).items():
                if not method.startswith("_") and callable(function):
                    assert inspect.getdoc(getattr(value, method)), f"{name}.{method}"
    for module in MODULES:
        loaded = importlib.import_module(f"hardy.{module}")
        assert loaded.__doc__ and all(inspect.getdoc(c) for _, c in inspect.getmembers(loaded, inspect.isclass))
    with pytest.raises(AttributeError, match="hardy.*nothing_such"):
        hardy.nothing_such


def test_the_version_is_that_of_the_program():
    assert re.fullmatch(r"\d+\.\d+\.\d+", hardy.__version__)
    source = Path(__file__).resolve().parents[2] / "CMakeLists.txt"
    if source.exists():
        assert f"project(hardy VERSION {hardy.__version__} " in source.read_text(encoding="utf-8")
    if "HARDY_PROGRAM" in os.environ:
        said = subprocess.run([os.environ["HARDY_PROGRAM"], "--version"], text=True, capture_output=True)
        assert hardy.__version__ in said.stdout


def test_prediction_needs_the_c_and_cpp_runtimes_only():
    if shutil.which("readelf") is None:
        pytest.skip("readelf is not installed")
    from hardy import _inference

    dynamic = subprocess.run(["readelf", "-d", _inference.__file__], text=True, capture_output=True).stdout
    needed = set(re.findall(r"\(NEEDED\).*\[(.+?)\]", dynamic))
    if any(re.match(r"lib(asan|ubsan|tsan)\.", n) for n in needed):
        pytest.skip("built with sanitizers")
    allowed = r"lib(c|m|stdc\+\+|gcc_s|pthread|dl|rt)\.so.*|ld-linux.*"
    assert [n for n in needed if not re.fullmatch(allowed, n)] == []


def test_import_loads_neither_libtorch_nor_pandas():
    """What would make the import slow; bench/python_speed.py measures the time."""
    code = ("import sys; sys.path.insert(0, sys.argv[1]); import hardy; "
            "maps = open('/proc/self/maps').read(); assert 'libtorch' not in maps; "
            "assert not {'pandas', 'sklearn', 'torch', 'hardy._data'} & set(sys.modules)")
    subprocess.run([sys.executable, "-c", code, str(PACKAGE.parent)], check=True)


def test_without_training_the_message_says_how_to_get_it(tmp_path):
    """A package with the two modules that need no libtorch, as HARDY_TRAINING=OFF builds it."""
    copy = tmp_path / "hardy"
    copy.mkdir()
    for file in PACKAGE.iterdir():
        if file.is_file() and not file.name.startswith("_training."):
            os.symlink(file.resolve(), copy / file.name)
    code = ("import sys; sys.path.insert(0, sys.argv[1]); import hardy\n"
            "corpus = hardy.Corpus.load('')\n"
            "try:\n    hardy.run(corpus)\n"
            "except hardy.TrainingUnavailable as e:\n    assert 'libtorch' in str(e) and e.remedy, e\n"
            "else:\n    raise SystemExit('trained without training')")
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)


def test_pip_makes_a_wheel_of_a_build(request, tmp_path):
    """All of `pip install .` but the compilation: HARDY_BUILD takes the modules just built."""
    modules = request.config.getoption("--modules")
    if modules is None:
        pytest.skip("the installed package is tested (no --modules)")
    pytest.importorskip("pip")
    pytest.importorskip("wheel")
    root, clone, place = Path(__file__).resolve().parents[2], tmp_path / "clone", tmp_path / "place"
    shutil.copytree(root / "python" / "hardy", clone / "python" / "hardy")
    for name in ("setup.py", "pyproject.toml", "CMakeLists.txt", "README.md"):
        shutil.copy(root / name, clone / name)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-build-isolation", "--no-deps", "--no-index",
         "--disable-pip-version-check", "--target", str(place), str(clone)],
        text=True, capture_output=True, cwd=tmp_path,
        env={**os.environ, "HARDY_BUILD": str(Path(modules).resolve().parents[1])})
    assert done.returncode == 0, done.stderr
    code = ("import hardy; assert hardy.__path__[0].startswith(sys.argv[1]); hardy.settings; "
            "print(hardy.__version__, hardy.Corpus.load('').classes)")
    said = subprocess.run(
        [sys.executable, "-c", "import sys; sys.path.insert(0, sys.argv[1]); " + code, str(place)],
        text=True, capture_output=True, cwd=tmp_path)
    assert said.stdout.startswith(hardy.__version__ + " "), said.stderr
    without = {k: v for k, v in os.environ.items() if k != "HARDY_PROGRAM"}
    for line in ([str(place / "bin" / "hardy")], [sys.executable, "-m", "hardy"]):
        version = subprocess.run([*line, "--version"], text=True, capture_output=True, cwd=tmp_path,
                                 env={**without, "PYTHONPATH": str(place)})
        assert version.stdout.startswith(f"hardy {hardy.__version__}"), version.stderr
    assert (place / "hardy" / "py.typed").exists()
    assert f"Version: {hardy.__version__}" in next(place.glob("hardy-*/METADATA")).read_text()
