"""What healthy trainings look like, over many draws: nothing may be called ill."""

from collections.abc import Callable

import numpy as np
import pytest
from patient import BASE, Case, case, curve, decay, looks

from seedbed import doctor

Draw = Callable[[np.random.Generator], Case]
LOOKS = {
    "doctor/update": looks(2e-3),
    "doctor/gradient_ratio": looks(0.6),
    "doctor/dead": looks(0.3),
    "doctor/frozen": looks(0.0),
    "doctor/mixed": looks(0.98),
}


def noisy(rng: np.random.Generator, values: np.ndarray, spread: float) -> np.ndarray:
    return values * np.exp(spread * rng.standard_normal(len(values)))


def both(rng: np.random.Generator, n: int, end: float = 0.03, spread: float = 0.03) -> dict:
    return {
        "train/loss": noisy(rng, decay(n, end=end), spread),
        "val/loss": noisy(rng, decay(n, end=end + 0.03), spread),
    }


def noise(rng: np.random.Generator) -> Case:
    return case(LOOKS | both(rng, 30, spread=0.06))


def small_validation(rng: np.random.Generator) -> Case:
    seen = both(rng, 40)
    return case(seen | {"val/loss": noisy(rng, seen["val/loss"], 0.2)})


def warm_up(rng: np.random.Generator) -> Case:
    """Five epochs at a rate that hardly moves anything."""
    flat = BASE * np.linspace(1, 0.98, 5)
    return case({"train/loss": noisy(rng, np.append(flat, decay(25)), 0.01)})


def one_cycle(rng: np.random.Generator) -> Case:
    """The loss stands still while the rate is high, and falls when it falls."""
    share = np.concatenate([np.linspace(1, 0.3, 6), np.full(10, 0.3), np.geomspace(0.3, 0.02, 14)])
    lr = np.concatenate([np.linspace(0.05, 1, 10), np.linspace(1, 1e-4, 20)])
    return case({"train/loss": noisy(rng, BASE * share, 0.04), "lr": lr})


def irreducible(rng: np.random.Generator) -> Case:
    """Half of the loss is noise that nobody can explain."""
    return case(LOOKS | both(rng, 30, end=0.5, spread=0.01))


def two_epochs(rng: np.random.Generator) -> Case:
    steps = noisy(rng, decay(20, end=0.5, times=2), 0.1)
    seen = {"train/loss_step": curve(steps, every=10), "train/loss": [BASE * 0.8, BASE * 0.6]}
    return case(seen | {"val/loss": [BASE * 0.7, BASE * 0.55]}, {"per_epoch": 100})


def one_epoch_of_a_large_set(rng: np.random.Generator) -> Case:
    steps = noisy(rng, decay(500, end=0.2, times=4), 0.15)
    return case({"train/loss_step": curve(steps, every=10)}, {"per_epoch": 5000})


def regression(rng: np.random.Generator) -> Case:
    facts = {"kind": "value", "classes": None, "counts": None, "base": 1.0}
    seen = {name: values / BASE for name, values in both(rng, 30, end=0.2).items()}
    return case(seen, facts)


def dropout(rng: np.random.Generator) -> Case:
    """Training is the harder exercise."""
    seen = both(rng, 30)
    return case(seen | {"train/loss": seen["val/loss"] * 2})


def overconfident(rng: np.random.Generator) -> Case:
    """The validation loss creeps up by a fifth while the accuracy grows on."""
    val = np.append(decay(12, end=0.06), BASE * 0.066 * np.linspace(1, 1.2, 18))
    seen = {"train/loss": decay(30), "val/loss": noisy(rng, val, 0.01)}
    return case(seen | {"val/acc": np.linspace(0.9, 0.97, 30)})


def fitted_to_the_end(rng: np.random.Generator) -> Case:
    """A training loss near 0 may jump as it likes."""
    return case({"train/loss": noisy(rng, decay(40, end=0.001, times=9), 0.3)})


def steps_down(rng: np.random.Generator) -> Case:
    """A step schedule that ends at a thousandth, after the loss has come to rest each time."""
    lr = np.repeat([1, 0.1, 0.01, 0.001], 10)
    return case({"train/loss": noisy(rng, decay(40, end=0.25, times=20), 0.005), "lr": lr})


def stopped_early(rng: np.random.Generator) -> Case:
    seen = both(rng, 30)
    return case({name: values[:9] for name, values in seen.items()})


@pytest.mark.parametrize(
    "draw",
    [
        *(
            noise,
            small_validation,
            warm_up,
            one_cycle,
            irreducible,
            two_epochs,
            regression,
            dropout,
        ),
        *(one_epoch_of_a_large_set, overconfident, fitted_to_the_end, steps_down, stopped_early),
    ],
)
def test_healthy_trainings_are_never_called_ill(draw: Draw) -> None:
    for seed in range(30):
        findings = doctor.examine(draw(np.random.default_rng(seed)))
        assert [(f.symptom, f.says) for f in findings if f.ill] == []
        assert doctor.healthy(findings)


def test_nor_at_any_moment_before_their_end() -> None:
    """A live look sees the beginning of a curve alone."""
    for draw in (noise, irreducible, one_cycle, regression, dropout, small_validation):
        for seed in range(5):
            seen = draw(np.random.default_rng(seed))
            for n in range(1, 30):
                part = {k: type(c)(c.steps[:n], c.values[:n]) for k, c in seen.curves.items()}
                found = doctor.examine(case(part, seen.facts))
                assert [(n, f.symptom) for f in found if f.ill] == [], draw


def test_why_it_is_healthy_is_said_with_numbers() -> None:
    why = doctor.healthy(doctor.examine(noise(np.random.default_rng(0))))
    assert why.startswith("healthy, because training loss 0.0")
    assert "30% of a layer's units are dead" in why


def test_what_is_too_short_or_too_little_known_is_not_called_healthy() -> None:
    short = doctor.healthy(doctor.examine(case({"train/loss": [2.0, 1.5], "val/loss": [2, 1]})))
    assert short.startswith("nothing ill is seen, but the training is short")
    assert doctor.healthy(doctor.examine(case({}))) == "too little is known to call it healthy"
