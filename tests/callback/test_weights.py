"""The size of the weights, against the same by hand."""

from pathlib import Path

import pytest
import torch
from lightning import LightningModule
from quick import trainer
from torch import Tensor, nn

from seedbed.callback.weights import Weights
from seedbed.data.synthetic import Synthetic
from seedbed.logger.csv import CSV, read_rows
from seedbed.task.supervised import Supervised
from seedbed.types import Spec


def test_norm_and_share_of_zeros(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 3))
    model[0].load_state_dict(
        {"weight": torch.tensor([[3.0, 0.0], [0.0, 0.001]]), "bias": torch.ones(2)}
    )
    model[2].load_state_dict(
        {"weight": torch.tensor([[4.0, 0.0], [0.0, 12.0], [-0.5, 0.5]]), "bias": torch.ones(3)}
    )
    spec = Spec((2,), "class", 3, tuple("012"))
    still = Supervised(
        model, nn.CrossEntropyLoss(), spec, lambda params: torch.optim.SGD(params, lr=0.0)
    )
    log, data = CSV(str(tmp_path)), Synthetic(size=50)
    data.setup()
    callbacks = [Weights(below=0.001)]
    runner = trainer(max_epochs=2, logger=log, callbacks=callbacks, log_every_n_steps=1)
    runner.fit(still, datamodule=data)
    rows = [row for row in read_rows(log.path) if row["weight/norm"]]
    assert len(rows) == 2
    for row in rows:
        assert float(row["weight/norm"]) == pytest.approx((9 + 16 + 144 + 0.5) ** 0.5, abs=1e-6)
        assert float(row["weight/zeros"]) == pytest.approx(5 / 10)


def test_a_model_without_weights_has_no_size() -> None:
    class Bare(LightningModule):
        def record(self, values: dict[str, Tensor]) -> None:
            raise AssertionError(values)

    Weights().on_train_epoch_end(trainer(), Bare())


@pytest.mark.parametrize("below", [-0.1, float("nan")])
def test_a_bound_below_zero_is_refused(below: float) -> None:
    with pytest.raises(ValueError, match="below must be at least 0"):
        Weights(below=below)
