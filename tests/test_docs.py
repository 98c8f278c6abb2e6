import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from seedbed import help

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_texts_are_what_make_docs_writes(generate: ModuleType) -> None:
    for path, text in generate.generated().items():
        assert path.read_text() == text, f"{path.name} is stale; run make docs"


def test_every_option_has_a_line_in_the_help_and_the_table() -> None:
    page, table = help.page(), help.table()
    options = [(group, option) for group in help.groups() for option in help.options(group)]
    assert len(options) >= 40
    for group, option in options:
        assert help.about(group, option), f"{group}={option} says nothing of itself"
        assert f"  {option}" in page
        assert option in table


def test_the_help_speaks_of_the_class_that_the_yaml_names() -> None:
    assert help.about("task", "supervised").startswith("A model, its loss")


def test_defaults_are_those_of_the_defaults_list() -> None:
    chosen = help.defaults()
    assert chosen["optimizer"] == ["adam"]
    assert chosen["callback"] == ["gradient_clip", "early_stopping", "ema"]
    assert "schema" not in chosen


def test_what_a_docstring_says_of_arguments_is_read(generate: ModuleType) -> None:
    text = "Title.\n\nArgs:\n    a: one,\n        two.\n    b: three.\n\nRaises:\n    c: no."
    assert dict(generate.args_section(text)) == {"a": "one, two.", "b": "three."}


@pytest.mark.parametrize(
    "file", [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")], ids=lambda p: p.name
)
def test_links_inside_the_repository_lead_somewhere(file: Path) -> None:
    targets = [part.partition(")")[0] for part in file.read_text().split("](")[1:]]
    for target in targets:
        if not target.startswith(("http", "#")):
            assert (file.parent / target).exists(), target
