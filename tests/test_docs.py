import re
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from scripts import script

from seedbed import help
from seedbed.signature import resolve

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    return script("generate")


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


FORMULA = ("scaling", "loss", "init", "optimizer", "scheduler", "regularizer", "augment")
SOURCE = (*FORMULA, "callback")
PLAIN = ("none", "default", "constant")  # what does nothing has no formula


@pytest.mark.parametrize("group", SOURCE)
def test_every_technique_has_a_formula_and_a_source(generate: ModuleType, group: str) -> None:
    options = [o for o in help.options(group) if o not in PLAIN]
    known = {option: generate.facts(group, option) for option in options}
    assert options
    assert [o for o in options if not known[o].get("Source")] == []
    if group in FORMULA:
        assert [o for o in options if not known[o].get("Formula")] == []


def test_formulas_and_sources_are_read_to_their_end(generate: ModuleType) -> None:
    text = ["Title.", "", "Formula: a = b", "Source: X 1999,", '"T", https://x.y/z.', "", "More."]
    assert generate.labelled(text) == {"Formula": "a = b", "Source": 'X 1999, "T", https://x.y/z.'}
    assert generate.linked("see https://x.y/z(1)2, p. 3") == "see <https://x.y/z(1)2>, p. 3"
    assert generate.facts("callback", "gradient_clip")["Formula"].startswith("by norm g ← g·min(1,")


def test_the_catalogue_tells_all_of_every_option(generate: ModuleType) -> None:
    text = generate.generated()[ROOT / "docs/techniques.md"]
    for group in help.groups():
        for option in help.options(group):
            _, _, rest = text.partition(f"### `{group}={option}`\n")
            own = rest.partition("\n### ")[0].partition("\n## ")[0]
            assert generate.escaped(help.about(group, option)) in own, f"{group}={option}"
            for fact in generate.facts(group, option).values():
                assert generate.linked(fact) in own
    clip = text.partition("### `callback=gradient_clip`")[2].partition("\n### ")[0]
    assert "| `callback.gradient_clip.threshold` | `1.0` | θ, in units of the gradient" in clip
    assert "**The default.**" in clip


def test_the_table_of_contents_leads_to_every_option(generate: ModuleType) -> None:
    text = generate.generated()[ROOT / "docs/techniques.md"]
    links = re.findall(r"\]\(#([^)]*)\)", text)
    headings = [
        generate.anchor(line.lstrip("# ")) for line in text.splitlines() if line[:2] == "##"
    ]
    assert links
    assert set(links) == set(headings)
    assert len(set(links)) == len(links)


@pytest.mark.parametrize("group", [*FORMULA, "model", "callback", "checkpoint"])
def test_every_argument_of_the_yaml_has_a_meaning(generate: ModuleType, group: str) -> None:
    silent = []
    for option in help.options(group):
        file = help.CONFIGS / group / f"{option}.yaml"
        node = yaml.safe_load(file.read_text()) or {}
        if "_target_" in node:
            known = generate.meanings_of(file, resolve(node["_target_"]))
            silent += [f"{option}.{k}" for k in node if k[0] != "_" and k not in known]
    assert silent == []


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
            assert (file.parent / target.partition("#")[0]).exists(), target
