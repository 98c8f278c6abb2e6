"""What stops a trial early, against medians by hand; and that all processes stop together."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from lightning import LightningModule, Trainer

from seedbed.callback._pruning import Pruning
from seedbed.run.search import Contest, contest, storage
from seedbed.types import Pruned

optuna = pytest.importorskip("optuna", reason="needs optuna: pip install 'seedbed[optuna]'")

CURVES = [[5, 4, 3], [6, 5, 2], [7, 3, 1], [8, 6, 5], [9, 7, 4]]  # of five trials that ended


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A study of five trials with these curves, and a sixth that runs."""
    file = tmp_path / "study.log"
    study = optuna.create_study(study_name="seedbed", storage=storage(file))
    for curve in CURVES:
        trial = study.ask()
        for epoch, value in enumerate(curve):
            trial.report(value, epoch)
        study.tell(trial, curve[-1])
    study.ask()
    return file


@pytest.mark.parametrize(
    ("curve", "told"),
    [
        ([9, 5, 3], [False, False, False]),  # medians 7, 5, 3; the first epoch is let pass
        ([9, 5.1, 0], [False, True, False]),  # its best so far counts: 0 is the best of all
        ([4, 9, 9], [False, False, True]),  # best 4: behind the median of the third epoch alone
    ],
)
def test_a_trial_is_behind_when_its_best_is_worse_than_the_median(
    journal: Path, curve: list[float], told: list[bool]
) -> None:
    mine = Contest(journal, 5, "median", "val/loss")
    assert [mine.behind(epoch, value) for epoch, value in enumerate(curve)] == told


def test_a_value_that_is_told_again_counts_for_nothing(journal: Path) -> None:
    mine = Contest(journal, 5, "median", "val/loss")
    assert mine.behind(1, 5.1)
    assert Contest(journal, 5, "median", "val/loss").was_behind()  # a run that goes on
    assert Contest(journal, 5, "median", "val/loss").behind(1, 0.0)
    assert not Contest(journal, 5, "median", "val/loss").behind(0, 99.0)  # it went further before
    trial = mine.study.get_trials()[5]
    assert trial.intermediate_values == {0: 99.0, 1: 5.1}


def test_of_five_trials_none_is_stopped_before_the_others_have_ended(tmp_path: Path) -> None:
    study = optuna.create_study(study_name="seedbed", storage=storage(tmp_path / "study.log"))
    for _ in range(5):
        study.ask()
    mine = Contest(tmp_path / "study.log", 4, "median", "val/loss")
    assert not any(mine.behind(epoch, 1e9) for epoch in range(9))


def test_hyperband_keeps_a_third_at_each_rung(tmp_path: Path) -> None:
    """Successive halving: of trials that end at the first rung, the best third goes on."""
    file = tmp_path / "study.log"
    study = optuna.create_study(study_name="seedbed", storage=storage(file))
    first = study.ask()
    for epoch in range(9):
        first.report(1.0, epoch)
    study.tell(first, 1.0)
    kept = 0
    for number in range(1, 40):
        study.ask()
        mine = Contest(file, number, "hyperband", "val/loss")
        gone = next((e for e in range(9) if mine.behind(e, float(number))), None)
        kept += gone is None
    assert 0 < kept < 20  # each is worse than all before it


@pytest.mark.parametrize("where", ["not a job", "no search", "no pruner", "a job"])
def test_only_a_job_of_a_search_that_prunes_takes_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    search: dict[str, Any] = {
        "settings": {"pruner": "none" if where == "no pruner" else "median"},
        "goals": {"val/acc": "max"},
        "journal": "logs/s/study.log",
        "trials": [4, 7],
    }
    plain = {} if where == "no search" else {"search": search}
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(plain))
    if where != "not a job":
        monkeypatch.setenv("SEEDBED_SWEEP", "1")
    found = contest(tmp_path / "1")
    if where != "a job":
        assert found is None
        return
    assert found is not None
    assert (found.number, found.kind, found.metric) == (7, "median", "val/acc")
    assert found.journal == Path("logs/s/study.log")


class Curve(LightningModule):
    """Logs a curve as its validation loss, and counts its epochs."""

    def __init__(self, values: list[float]) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.values, self.epochs = values, 0

    def training_step(self, batch: Any, index: int) -> Any:
        return self.weight.sum()

    def validation_step(self, batch: Any, index: int) -> None:
        self.log("val/loss", self.values[self.current_epoch])

    def on_train_epoch_end(self) -> None:
        self.epochs += 1

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), 0.1)


def test_a_training_ends_where_it_is_behind(tmp_path: Path) -> None:
    told: list[tuple[int, float]] = []

    def behind(epoch: int, value: float) -> bool:
        told.append((epoch, value))
        return value > 2

    model = Curve([1.0, float("nan"), 2.0, 3.0, 0.0])
    trainer = Trainer(
        default_root_dir=tmp_path,
        accelerator="cpu",
        max_epochs=5,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[Pruning("val/loss", behind)],
        num_sanity_val_steps=1,
    )
    batches = torch.utils.data.DataLoader([0])  # type: ignore[arg-type]
    with pytest.raises(Pruned, match=r"val/loss was behind .* after epoch 4"):
        trainer.fit(model, batches, batches)
    assert told == [(0, 1.0), (2, 2.0), (3, 3.0)]  # no sanity check, and nothing of NaN
