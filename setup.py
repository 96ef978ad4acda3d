"""Builds the Python package with CMake: `pip install .` (offline with --no-build-isolation).

HARDY_TRAINING=OFF in the environment leaves out what links libtorch; by default it is built where
libtorch is found. HARDY_CMAKE_ARGS are passed on to CMake.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent.resolve()


class CMakeBuild(build_ext):
    """Configures once, builds the extension modules and the program, copies them into the package."""

    def run(self):
        training = os.environ.get("HARDY_TRAINING", "ON")
        work = Path(self.build_temp).resolve() / "cmake"
        subprocess.run(
            ["cmake", "-S", str(ROOT), "-B", str(work), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
             "-DHARDY_UNITY=ON", "-DHARDY_TESTS=OFF", "-DHARDY_PYTHON=ON", f"-DHARDY_TRAINING={training}",
             f"-DPython3_EXECUTABLE={sys.executable}", *shlex.split(os.environ.get("HARDY_CMAKE_ARGS", ""))],
            check=True)
        targets = ["inference", "data", "hardy"] + (["training", "hardy_trainer"] if training != "OFF" else [])
        subprocess.run(["cmake", "--build", str(work), "--target", *targets], check=True)
        package = Path(self.build_lib) / "hardy" if not self.inplace else ROOT / "python" / "hardy"
        package.mkdir(parents=True, exist_ok=True)
        for module in (work / "python" / "hardy").glob("_*"):
            self.copy_file(str(module), str(package / module.name))
        programs = package / "bin"
        programs.mkdir(exist_ok=True)
        for name in ("hardy", "hardy-trainer"):
            if (work / "cli" / name).exists():
                self.copy_file(str(work / "cli" / name), str(programs / name))


def version():
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    return re.search(r"project\(hardy VERSION ([\d.]+)", text).group(1)


setup(
    version=version(),
    packages=["hardy"],
    package_dir={"hardy": "python/hardy"},
    package_data={"hardy": ["py.typed", "*.pyi"]},
    ext_modules=[Extension("hardy._inference", sources=[])],
    cmdclass={"build_ext": CMakeBuild},
)
