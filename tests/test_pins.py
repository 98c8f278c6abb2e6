"""What is installed: no version that is known to be malicious or unsafe, in ranges and in pins."""

import re
import tomllib
from importlib.metadata import metadata

import pytest
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RANGES = {r.name: r for r in map(Requirement, PROJECT["project"]["dependencies"])}
LINES = (ROOT / "requirements.txt").read_text().splitlines()
PINS = dict(line.split("==") for line in LINES if line and not line.startswith(("#", "-e")))

UNSAFE = {
    "lightning": ["2.6.2", "2.6.3"],  # releases with malicious code
    "torch": ["2.5.1", "2.9.1"],  # advisories on loading weights
    "hydra-core": ["1.3.2", "1.3.7"],  # advisories on instantiating
}


@pytest.mark.parametrize(("name", "version"), [(n, v) for n, vs in UNSAFE.items() for v in vs])
def test_an_unsafe_version_cannot_be_installed(name: str, version: str) -> None:
    assert version not in RANGES[name].specifier
    assert Version(version) != Version(PINS[name])


@pytest.mark.parametrize("name", RANGES)
def test_a_pin_lies_in_its_range(name: str) -> None:
    assert PINS[name] in RANGES[name].specifier


def test_lightning_s_other_name_is_the_same_version() -> None:
    assert PINS["pytorch-lightning"] == PINS["lightning"]


def test_every_line_is_a_pin() -> None:
    loose = [
        line for line in LINES if not re.fullmatch(r"#.*|[\w.-]+==[\w.+!]+|-e \.\[dev\]", line)
    ]
    assert not loose
    assert len(PINS) > 50


@pytest.mark.parametrize("version", ["3.11.0", "3.12.0", "3.13.0"])
def test_every_pin_installs_on_the_oldest_release_of_each_python(version: str) -> None:
    asked = {name: metadata(name).get_all("Requires-Python") or [] for name in PINS}
    refuses = [f"{n}: {python}" for n, python in asked.items() if version not in to_set(python)]
    assert not refuses


def to_set(python: list[str]) -> SpecifierSet:
    return SpecifierSet(",".join(python))
