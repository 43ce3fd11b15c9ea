"""The wheel: what `pip install` brings to a machine without the repository."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.support.tracked_files import ROOT, tracked


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in the wheel, which is built without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True)
    assert built.returncode == 0, f"{built.stdout}{built.stderr}\nIs hatchling missing? Run: make install"
    (wheel,) = folder.glob("*.whl")
    return set(ZipFile(wheel).namelist())


def names_of(*patterns: str) -> set[str]:
    return {str(path.relative_to(ROOT)) for pattern in patterns for path in tracked(ROOT, pattern)}


def test_the_wheel_has_every_file_of_the_application_except_the_demo(packaged: set[str]) -> None:
    demo = names_of("app/demo/**")
    assert demo
    assert names_of("app/**") - demo - packaged == set()
    assert {name for name in packaged if name.startswith("app/demo/")} == set()


def test_the_wheel_has_the_migrations_within_the_application(packaged: set[str]) -> None:
    migrations = {f"app/{name}" for name in names_of("migrations/**")}
    assert migrations
    assert migrations - packaged == set()


def test_the_wheel_adds_no_other_package_to_an_environment(packaged: set[str]) -> None:
    folders = {Path(name).parts[0] for name in packaged}
    assert {name for name in folders if not name.endswith(".dist-info")} == {"app"}
