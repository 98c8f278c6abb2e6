"""One cause is told once, and remedies fit into the command that they heal."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from patient import BASE, case, decay, looks

from seedbed import doctor
from seedbed.doctor import NAMES, _masks, merged
from seedbed.doctor._masks import HIDES


def ill(curves: dict[str, Any], off: Sequence[str] = ()) -> list[str]:
    return [f.symptom for f in doctor.examine(case(curves), off) if f.ill]


def test_nan_hides_the_divergence_that_led_to_it() -> None:
    curves = {"train/loss": [*decay(10), *[5 * BASE] * 4, np.nan]}
    assert ill(curves) == ["nan"]
    assert ill(curves, off=["nan"]) == ["divergence"]


def test_dead_units_hide_that_nothing_is_learned() -> None:
    curves = {"train/loss": [BASE] * 20, "doctor/dead": looks(1.0, first=0.2)}
    assert ill(curves) == ["dead_units"]
    hidden = {f.symptom: f for f in doctor.examine(case(curves))}["not_learning"]
    assert (hidden.level, hidden.cause, hidden.remedies) == ("info", "follows from dead_units", ())
    assert ill(curves, off=["dead_units"]) == ["not_learning"]


def test_the_worst_comes_first_and_all_symptoms_answer() -> None:
    findings = doctor.examine(case({"train/loss": [3.5 * BASE] * 20}))
    assert {f.symptom for f in findings} == set(NAMES)
    assert findings[0].symptom == "divergence"


def test_the_table_names_symptoms_and_no_pair_hides_each_other() -> None:
    named = {*HIDES, *(name for names in HIDES.values() for name in names)}
    assert named <= set(NAMES)
    for root, names in HIDES.items():
        assert not [name for name in names if root in HIDES.get(name, ())]


def test_the_first_of_several_causes_is_named() -> None:
    nan, slow = (doctor.Finding(s, "warn", "x") for s in ("nan", "slow"))
    late = doctor.Finding("still_improving", "info", "x")
    assert _masks.masked([nan, slow, late])[2].cause == "follows from nan"


@pytest.mark.parametrize(
    ("words", "remedy", "expected"),
    [
        ("optimizer.lr=1 seed=2", "optimizer.lr=0.1", "seed=2 optimizer.lr=0.1"),
        ("scheduler=step scheduler.size=2", "scheduler=cosine", "scheduler=cosine"),
        ("callback=[ema]", "+callback=swa", "callback=[ema,swa]"),
        ("callback=ema", "+callback=swa", "callback=[ema,swa]"),
        ("callback=[]", "+callback=swa", "callback=[swa]"),
        ("callback=none", "+callback=swa", "callback=[swa]"),
        ("+callback=ema", "+callback=swa", "+callback=ema +callback=swa"),
        ("", "+callback=swa callback.swa.start=1", "+callback=swa callback.swa.start=1"),
        ("regularizer=[l1,l2] regularizer.l1.coef=1", "~regularizer.l1", "regularizer=[l2]"),
        ("+regularizer=l1", "~regularizer.l1", ""),
        ("+init.a._target_=b.C +init.a.c=1 seed=1", "~init.a", "seed=1"),
        ("seed=1", "~callback.ema", "seed=1 ~callback.ema"),
        ("run=x out=y stages=fit name=z", "seed=1", "name=z seed=1"),
    ],
)
def test_a_remedy_joins_the_words_of_a_command(words: str, remedy: str, expected: str) -> None:
    assert merged(words.split(), tuple(remedy.split())) == expected.split()
