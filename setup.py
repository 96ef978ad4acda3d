"""Builds the Python package with CMake: `pip install .` (offline with --no-build-isolation).

What this machine has the libraries of is built: prediction and corpora always, training where
libtorch is, recordings where libav and OpenCV are. HARDY_TRAINING and HARDY_MEDIA in the environment
(ON, OFF) decide otherwise; HARDY_CMAKE_ARGS are passed on to CMake. HARDY_BUILD names a finished
build with -DHARDY_PYTHON=ON, whose modules and programs are packed instead.
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
    """Configures, builds the extension modules and the programs, copies them into the package."""

    def run(self):
        if "HARDY_BUILD" in os.environ:
            self.take(Path(os.environ["HARDY_BUILD"]).resolve())
            return
        work = ROOT / "build" / "python"
        parts = {part: os.environ.get(part, "AUTO") for part in ("HARDY_TRAINING", "HARDY_MEDIA")}
        subprocess.run(
            ["cmake", "-S", str(ROOT), "-B", str(work), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
             "-DHARDY_UNITY=ON", "-DHARDY_TESTS=OFF", "-DHARDY_PYTHON=ON",
             *(f"-D{part}={value}" for part, value in parts.items()),
             f"-DPython3_EXECUTABLE={sys.executable}",
             *shlex.split(os.environ.get("HARDY_CMAKE_ARGS", ""))],
            check=True)
        subprocess.run(["cmake", "--build", str(work), "--target", "python_package"], check=True)
        self.take(work)

    def take(self, work):
        """Copies what a build made into the package."""
        package = Path(self.build_lib) / "hardy" if not self.inplace else ROOT / "python" / "hardy"
        programs = package / "bin"
        programs.mkdir(parents=True, exist_ok=True)
        # Of an earlier configuration there may be more than python_package builds.
        for built in (work / "python" / "package.txt").read_text().splitlines():
            target = package if Path(built).name.startswith("_") else programs
            self.copy_file(built, str(target / Path(built).name))


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
