"""Wheels and the source distribution hold every source file and ask for the right packages.

Built here by the environment's own setuptools, which asks no network; :mod:`fresh_install` installs
what students get.
"""

from __future__ import annotations

import configparser
import email
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from autograder.assignments.source import load_assignment
from autograder.assignments.student_zip import KIT, LIBRARY, StudentZip, pack
from autograder.course import Course
from replearn import __version__

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "autograder" / "fixtures"
NOT_COPIED = shutil.ignore_patterns(
    *(".git", ".venv", "_build", "shared", "__pycache__", "*.egg-info", ".*_cache", "build"),
    *("dist", ".coverage*", ".hypothesis"),  # the last two come and go while tests run
)

pytest.importorskip("setuptools", minversion="77", reason="builds with the installed setuptools")


def build(source: Path, kind: str, into: Path) -> Path:
    """Build a ``wheel`` or ``sdist`` without isolation, so that nothing is downloaded."""
    program = f"from setuptools import build_meta; build_meta.build_{kind}({str(into)!r})"
    into.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=source, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (made,) = into.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return made


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository: building leaves files behind."""
    return Path(
        shutil.copytree(ROOT, tmp_path_factory.mktemp("copy") / "replearn", ignore=NOT_COPIED)
    )


@pytest.fixture(scope="module")
def wheel(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(build(sources, "wheel", tmp_path_factory.mktemp("wheel")))


@pytest.fixture(scope="module", params=[LIBRARY, KIT], ids=lambda wanted: wanted.name)
def student(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[StudentZip, zipfile.ZipFile]:
    """The wheel that pip makes of a student's zip."""
    wanted: StudentZip = request.param
    folder = tmp_path_factory.mktemp(wanted.name)
    name = "ps1_pca" if wanted is LIBRARY else "ps0_tiny"
    home = (ROOT / "solutions" if wanted is LIBRARY else FIXTURES) / name
    (path,) = pack(Course(folder), [load_assignment(home)])
    zipfile.ZipFile(path).extractall(folder)
    return wanted, zipfile.ZipFile(build(folder / wanted.name, "wheel", folder / "wheel"))


def packed(archive: zipfile.ZipFile) -> set[str]:
    """The files of a wheel's packages."""
    return {name for name in archive.namelist() if ".dist-info/" not in name}


def in_tree(*packages: Path) -> set[str]:
    return {
        path.relative_to(package.parent).as_posix()
        for package in packages
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def metadata(archive: zipfile.ZipFile) -> Message:
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    return email.message_from_bytes(archive.read(name))


def scripts(archive: zipfile.ZipFile) -> dict[str, str]:
    (name,) = (name for name in archive.namelist() if name.endswith("/entry_points.txt"))
    parser = configparser.ConfigParser()
    parser.read_string(archive.read(name).decode())
    return dict(parser["console_scripts"])


def requirements(archive: zipfile.ZipFile) -> list[Requirement]:
    return [Requirement(text) for text in metadata(archive).get_all("Requires-Dist", [])]


def test_the_wheel_holds_every_file_of_the_packages(wheel: zipfile.ZipFile) -> None:
    folders = (ROOT / "src" / "replearn", ROOT / "src" / "gradekit", ROOT / "autograder")
    assert packed(wheel) == in_tree(*folders)


def test_the_wheel_says_its_version_and_ranges(wheel: zipfile.ZipFile) -> None:
    said = metadata(wheel)
    assert (said["Name"], said["Version"]) == ("replearn", __version__)
    assert said["Requires-Python"] == ">=3.11"
    assert scripts(wheel) == {"gradekit": "gradekit.__main__:main"}
    exact = [str(need) for need in requirements(wheel) if "==" in str(need.specifier)]
    assert exact == []
    assert "torch>=2.4" in map(str, requirements(wheel))


def test_a_students_wheel_holds_every_file_of_its_packages(
    student: tuple[StudentZip, zipfile.ZipFile],
) -> None:
    wanted, archive = student
    assert packed(archive) == in_tree(*(ROOT / "src" / name for name in wanted.packages))
    assert f"{wanted.name}/py.typed" in packed(archive)


def test_a_students_wheel_asks_for_its_own_packages(
    student: tuple[StudentZip, zipfile.ZipFile],
) -> None:
    wanted, archive = student
    said = metadata(archive)
    assert (said["Name"], said["Version"]) == (wanted.name, __version__)
    assert scripts(archive) == {"gradekit": "gradekit.__main__:main"}
    names = {need.name for need in requirements(archive)}
    assert {"numpy", "ipython"} <= names
    assert ("torch" in names) == (wanted is LIBRARY)
    assert not names & {"nbgrader", "jupyter-book", "bleach", "pytest"}
    assert said.get_all("Provides-Extra") is None


def test_the_source_distribution_holds_the_tests(sources: Path, tmp_path: Path) -> None:
    with tarfile.open(build(sources, "sdist", tmp_path)) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    wanted = in_tree(*(sources / name for name in ("tests", "solutions", "book", "lectures")))
    assert wanted - names == set()
    assert {"requirements.txt", "Makefile", "src/gradekit/py.typed", "pyproject.toml"} <= names
    assert not [name for name in names if name.endswith(".pyc")]


def test_changelog_citation_and_version_agree() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    releases = re.findall(r"^## (\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d)$", changelog, re.MULTILINE)
    versions = [Version(version) for version, _ in releases]
    assert versions == sorted(versions, reverse=True)
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    version, date = releases[0]
    assert f"\nversion: {version}\n" in citation
    assert f'\ndate-released: "{date}"\n' in citation
    if "## Unreleased" in changelog:
        assert Version(__version__).is_devrelease
        assert Version(__version__) > Version(version)
    else:
        assert __version__ == version
