"""Every symptom on both sides of its threshold, in curves whose numbers are known."""

from typing import Any

import numpy as np
import pytest
from patient import BASE, CONFIG, FACTS, Case, case, curve, decay, looks

from seedbed import doctor
from seedbed.doctor import Curve

UP = np.linspace(1, 1.4, 20)
GOOD = decay(20)
TREND = np.linspace(0, 1, 20)
SMALL = {"counts": [4] * 10}


PLAIN = ("unshuffled", "frozen")  # of which no option may be the cause


def level(symptom: str, seen: Case) -> str:
    [found] = [f for s in doctor.SYMPTOMS if s.__name__ == symptom for f in [s(seen)]]
    assert found.symptom == symptom
    assert found.says
    assert not found.ill or (found.cause and (found.remedies or symptom in PLAIN))
    return found.level


def ends(values: Any, *later: float) -> list[float]:
    return [*map(float, values), *later]


def stepped(low: float, at: int, n: int = 20) -> dict[str, Any]:
    """A rate that falls to a share at an epoch, and a loss that stands still from there on."""
    falls = np.linspace(1, low, at)
    values = BASE * np.append(falls, np.full(n - at, low))
    return {"train/loss": values, "lr": np.append(np.ones(at), np.full(n - at, 1e-4))}


def jagged(rise: float, share: float = 1.0) -> np.ndarray:
    """A loss around a share of guessing that rises by so much in every other epoch."""
    return BASE * share * np.tile([1.0, 1.0 + rise], 10)


def average(decay: float, updates: int, *, warmup: bool = False) -> Case:
    """A training whose weights are averaged."""
    ema = {"callback": {"ema": {"decay": decay, "warmup": warmup}}}
    return Case({}, {"total": updates}, CONFIG | ema)


CASES: list[tuple[str, str, Case]] = [
    # nan: once there, it stays
    ("nan", "fail", case({"train/loss": ends(GOOD, np.nan)})),
    ("nan", "fail", case({"train/loss": ends(GOOD, np.inf, np.inf)})),
    ("nan", "fail", case({"train/loss": [np.nan]})),
    ("nan", "pass", case({"train/loss": ends([2.0, np.nan], *GOOD)})),
    ("nan", "pass", case({"train/loss": GOOD, "val/loss": [2.0, np.nan] * 3 + [1.0, np.nan]})),
    ("nan", "fail", case({"train/loss": GOOD, "val/loss": [2.0, np.nan] * 3 + [np.nan] * 2})),
    ("nan", "fail", case({"train/loss": GOOD}, {"diverged": "the gradient became non-finite"})),
    ("nan", "pass", case({"train/loss": GOOD})),
    ("nan", "unknown", case({})),
    # divergence: above 1.3 of guessing and twice the lowest; or above 3 and never better
    ("divergence", "fail", case({"train/loss": [-1.0, -5, -40, -300], "train/acc": [0.01] * 4})),
    ("divergence", "pass", case({"train/loss": [-1.0, -5, -40, -300], "train/acc": [0.9] * 4})),
    ("divergence", "fail", case({"train/loss": ends(GOOD, *[1.35 * BASE] * 3)})),
    ("divergence", "pass", case({"train/loss": ends(GOOD, *[1.25 * BASE] * 3)})),
    ("divergence", "pass", case({"train/loss": ends(GOOD, 9 * BASE)})),  # a single jump
    ("divergence", "fail", case({"train/loss": [3.2 * BASE] * 10})),
    ("divergence", "pass", case({"train/loss": [2.9 * BASE] * 10})),
    ("divergence", "pass", case({"train/loss": np.linspace(9, 3.2, 10) * BASE})),  # still falls
    ("divergence", "unknown", case({"train/loss": [1.0]})),
    ("divergence", "unknown", case({"train/loss": [-1.0, -2.0, -3.0]}, {"base": None})),
    # gradients over the layers, and over time
    ("exploding_gradients", "warn", case({"doctor/gradient_ratio": looks(1.1e3)})),
    ("exploding_gradients", "pass", case({"doctor/gradient_ratio": looks(0.9e3)})),
    (
        "exploding_gradients",
        "info",
        case({"doctor/gradient_ratio": looks(1e4), "train/loss": GOOD}),
    ),
    ("exploding_gradients", "warn", case({"gradient/norm": np.geomspace(1, 1e5, 40)})),
    ("exploding_gradients", "pass", case({"gradient/norm": np.geomspace(1, 1e2, 40)})),
    ("exploding_gradients", "unknown", case({"train/loss": GOOD})),
    ("vanishing_gradients", "warn", case({"doctor/gradient_ratio": looks(0.9e-3)})),
    ("vanishing_gradients", "pass", case({"doctor/gradient_ratio": looks(1.1e-3)})),
    ("vanishing_gradients", "info", case({"doctor/gradient_ratio": looks(0), "train/loss": GOOD})),
    ("vanishing_gradients", "unknown", case({"doctor/gradient_ratio": looks(0, 2)})),
    # units
    ("dead_units", "warn", case({"doctor/dead": looks(0.51, first=0.2)})),
    ("dead_units", "pass", case({"doctor/dead": looks(0.49, first=0.6)})),
    ("dead_units", "warn", case({"doctor/saturated": looks(0.8, first=0.8)})),
    ("dead_units", "info", case({"doctor/dead": looks(0.8), "train/loss": GOOD})),
    ("dead_units", "unknown", case({"train/loss": GOOD})),
    # the first weights
    ("bad_init", "warn", case({"doctor/loss": looks(BASE, first=1.6 * BASE)})),
    ("bad_init", "pass", case({"doctor/loss": looks(BASE, first=1.4 * BASE)})),
    (
        "bad_init",
        "info",
        case({"doctor/loss": looks(0.1, first=3 * BASE), "train/loss": GOOD}, {"total": 4000}),
    ),
    ("bad_init", "unknown", case({"train/loss": GOOD})),
    (
        "bad_init",
        "pass",  # a fair loss is ln C where the classes are not alike
        case({"doctor/loss": looks(1.0, first=1.2 * BASE)}, {"base": 0.5 * BASE}),
    ),
    # learning at all
    ("not_learning", "warn", case({"train/loss": [0.98 * BASE] * 10})),
    ("not_learning", "pass", case({"train/loss": [0.96 * BASE] * 10})),
    ("not_learning", "unknown", case({"train/loss": [BASE] * 4})),  # 80 updates
    ("not_learning", "unknown", case({"train/loss": [BASE] * 3}, {"base": None})),
    ("not_learning", "unknown", case({})),
    # a rate too low: the loss falls, and updates are tiny
    ("slow", "warn", case({"train/loss": BASE * (1 - 0.02 * TREND), "doctor/update": looks(5e-5)})),
    ("slow", "pass", case({"train/loss": BASE * (1 - 0.02 * TREND), "doctor/update": looks(1e-3)})),
    ("slow", "pass", case({"train/loss": [BASE] * 20, "doctor/update": looks(5e-5)})),  # flat
    ("slow", "pass", case({"train/loss": GOOD, "doctor/update": looks(5e-5)})),  # low
    ("slow", "warn", case({"train/loss": BASE * (1 - 0.2 * TREND)})),  # a straight line
    ("slow", "pass", case({"train/loss": decay(20, end=0.5)})),
    ("slow", "unknown", case({"train/loss": [1.0] * 4})),
    # jumps
    ("oscillation", "warn", case({"train/loss": jagged(0.12, 0.5)})),
    ("oscillation", "pass", case({"train/loss": jagged(0.09, 0.5)})),
    ("oscillation", "pass", case({"train/loss": jagged(0.5, 0.03)})),  # too low to matter
    ("oscillation", "pass", case({"train/loss": ends(jagged(0.5)[:8], *decay(20))})),  # settled
    ("oscillation", "pass", case({"train/loss": jagged(0.5, 0.5), "val/loss": GOOD})),  # mixing
    ("oscillation", "warn", case({"train/loss": jagged(0.5, 0.5), "val/loss": jagged(0.5, 0.5)})),
    ("oscillation", "unknown", case({"train/loss": [1.0] * 5})),
    # overfitting
    ("overfitting", "warn", case({"train/loss": GOOD, "val/loss": [*GOOD[:8], *(UP * 2)[:12]]})),
    (
        "overfitting",
        "info",  # by a third, and the accuracy holds
        case(
            {"train/loss": GOOD, "val/loss": ends(GOOD[:9], *(UP[:11] * GOOD[8])), "val/acc": TREND}
        ),
    ),
    (
        "overfitting",
        "warn",  # as much, and it falls
        case(
            {
                "train/loss": GOOD,
                "val/loss": ends(GOOD[:9], *(UP[:11] * GOOD[8])),
                "val/acc": 1 - TREND,
            }
        ),
    ),
    (
        "overfitting",
        "info",  # by half, but of next to nothing
        case({"train/loss": GOOD / 20, "val/loss": ends(GOOD[:9] / 10, *(UP[:11] * GOOD[8] / 9))}),
    ),
    ("overfitting", "pass", case({"train/loss": GOOD, "val/loss": GOOD + 0.05})),
    ("overfitting", "pass", case({"train/loss": GOOD + 2, "val/loss": UP})),  # training is higher
    ("overfitting", "warn", case({"train/loss": GOOD, "val/loss": np.maximum(GOOD, 0.35 * BASE)})),
    ("overfitting", "pass", case({"train/loss": GOOD, "val/loss": np.maximum(GOOD, 0.18 * BASE)})),
    (
        "overfitting",
        "pass",
        case({"train/loss": GOOD + 0.06, "val/loss": np.maximum(GOOD, 0.2 * BASE)}),
    ),
    (
        "overfitting",
        "pass",  # known by heart, and validation rests near it
        case({"train/loss": GOOD / 4, "val/loss": np.maximum(GOOD, 0.18 * BASE)}),
    ),
    ("overfitting", "unknown", case({"train/loss": GOOD})),
    ("overfitting", "unknown", case({"train/loss": GOOD, "val/loss": UP[:4]})),
    # high and flat; noise looks the same
    ("underfitting", "info", case({"train/loss": decay(20, end=0.4, times=30)})),
    ("underfitting", "pass", case({"train/loss": decay(20, end=0.3, times=30)})),
    ("underfitting", "pass", case({"train/loss": BASE * (1 - 0.6 * TREND)})),  # falls
    ("underfitting", "unknown", case({"train/loss": [1.0] * 4})),
    # an end too early
    ("still_improving", "info", case({"train/loss": GOOD, "val/loss": 2 - TREND})),
    ("still_improving", "pass", case({"train/loss": GOOD, "val/loss": 2 - 0.1 * TREND})),
    ("still_improving", "unknown", case({"train/loss": [2.0, 1.0]})),
    ("still_improving", "warn", case({"train/loss": BASE * (1 - 0.38 * TREND**2)}, {"total": 400})),
    ("still_improving", "info", case({"train/loss": BASE * (1 - 0.42 * TREND**2)}, {"total": 400})),
    ("still_improving", "info", case({"train/loss": BASE * (1 - 0.38 * TREND**2)})),  # ended?
    ("still_improving", "unknown", case({"train/loss": GOOD}, {"total": 430})),
    ("still_improving", "pass", case({"train/loss": 0.06 * BASE * (1 - 0.4 * TREND)})),
    # averaged weights: dⁿ = .1 of the first ones
    ("stale_average", "warn", average(0.99, 229)),  # .99^229 = .1001
    ("stale_average", "pass", average(0.99, 230)),  # .0991
    ("stale_average", "pass", average(0.999, 100, warmup=True)),
    ("stale_average", "pass", case({})),
    ("stale_average", "unknown", Case()),
    # labels
    ("label_noise", "warn", case({"train/loss": GOOD, "val/loss": [BASE * 1.1] * 20})),
    ("label_noise", "pass", case({"train/loss": GOOD, "val/loss": [BASE * 0.49] * 20})),
    ("label_noise", "warn", case({"train/loss": GOOD, "val/loss": [BASE * 0.55] * 20})),
    ("label_noise", "pass", case({"train/loss": GOOD, "val/loss": [BASE * 0.55] * 20}, SMALL)),
    ("label_noise", "unknown", case({"train/loss": GOOD})),
    # penalties
    (
        "over_regularised",
        "warn",
        case(
            {"train/loss": [0.8 * BASE] * 20, "train/l1": [0.9 * BASE] * 20},
            config=CONFIG | {"regularizer": {"l1": {"coef": 0.04}}},
        ),
    ),
    (
        "over_regularised",
        "pass",
        case(
            {"train/loss": [0.8 * BASE] * 20, "train/l1": [0.7 * BASE] * 20},
            config=CONFIG | {"regularizer": {"l1": {"coef": 0.04}}},
        ),
    ),
    (
        "over_regularised",
        "pass",
        case({"train/loss": GOOD}, config=CONFIG | {"model": {"dropout": 0.9}}),
    ),
    (
        "over_regularised",
        "warn",
        case({"train/loss": [0.8 * BASE] * 20}, config=CONFIG | {"model": {"dropout": 0.9}}),
    ),
    (
        "over_regularised",
        "warn",  # too strong for any data, however small it has made the weights
        case(
            {"train/loss": [0.8 * BASE] * 20, "train/l1": [0.1 * BASE] * 20},
            config=CONFIG | {"regularizer": {"l1": {"coef": 0.05}}},
        ),
    ),
    ("over_regularised", "unknown", case({})),
    # schedules
    ("decayed_too_early", "warn", case(stepped(0.5, at=8))),
    ("decayed_too_early", "pass", case(stepped(0.1, at=8))),  # low enough
    ("decayed_too_early", "pass", case(stepped(0.5, at=16))),  # the end is near
    ("decayed_too_early", "pass", case({"train/loss": GOOD, "lr": [1.0] * 20})),
    ("decayed_too_early", "unknown", case({"train/loss": GOOD})),
    # what does not move
    ("frozen", "warn", case({"doctor/frozen": looks(0.3), "doctor/update": looks(1e-3)})),
    ("frozen", "pass", case({"doctor/frozen": looks(0, first=1), "doctor/update": looks(1e-3)})),
    ("frozen", "warn", case({"doctor/update": looks(0)})),
    ("frozen", "unknown", case({"doctor/update": looks(0, 2)})),
    # order
    ("unshuffled", "warn", case({"doctor/mixed": looks(0.6)})),
    ("unshuffled", "pass", case({"doctor/mixed": looks(0.8)})),
    ("unshuffled", "unknown", case({"doctor/mixed": looks(0, 4)})),
]


@pytest.mark.parametrize(
    ("symptom", "expected", "seen"),
    CASES,
    ids=[f"{n}-{s}-{e}" for n, (s, e, _) in enumerate(CASES)],
)
def test_level(symptom: str, expected: str, seen: Case) -> None:
    assert level(symptom, seen) == expected


def test_every_symptom_was_seen_ill_or_told_and_well_and_unknown() -> None:
    for name in doctor.NAMES:
        levels = {e for s, e, _ in CASES if s == name}
        assert {"pass", "unknown"} < levels, name


@pytest.mark.parametrize(
    ("u", "words"),
    [(1e-2, "optimizer.lr=0.0001"), (1e-5, "optimizer.lr=0.1"), (1e-8, "optimizer.lr=1")],
)
def test_how_far_updates_move_says_where_the_rate_should_go(u: float, words: str) -> None:
    seen = case({"train/loss": [BASE] * 20, "doctor/update": looks(u)})
    assert doctor.not_learning(seen).remedies[0] == (words,)


def test_numbers_and_span_are_those_of_the_curve() -> None:
    seen = case({"train/loss": GOOD, "val/loss": [3.0, 2, 1, 1, 1, 1, 0.5] + [2.0] * 6})
    found = doctor.overfitting(seen)
    assert found.level == "warn"
    assert found.span == (140, 260)
    lowest = (0.5 + 0.5 + 0.25 + 0.125 + 0.0625 + 2 / 32 + 3 / 64) / (2 - 1 / 64)
    assert found.numbers["lowest"] == pytest.approx(lowest)
    assert found.numbers["rise"] == pytest.approx(2 / lowest - 1, rel=0.02)


def test_what_was_alive_at_the_start_was_killed_by_the_rate() -> None:
    killed = doctor.dead_units(case({"doctor/dead": looks(0.9, first=0.3)}))
    born = doctor.dead_units(case({"doctor/dead": looks(0.9, first=0.9)}))
    assert killed.remedies[0] == ("optimizer.lr=0.0001",)
    assert born.remedies[-1] == ("init=he",)


def test_without_a_config_there_are_no_words() -> None:
    for _, _, seen in CASES:
        for found in doctor.examine(Case(seen.curves, FACTS)):
            assert found.remedies == ()


def test_single_steps_serve_where_epochs_are_few() -> None:
    steps = Curve(np.arange(1.0, 401), BASE * np.linspace(1, 0.99, 400))
    seen = Case({"train/loss_step": steps, "train/loss": curve([BASE])}, {"base": BASE})
    assert doctor.not_learning(seen).level == "warn"
