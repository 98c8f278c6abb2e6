"""Prototypes, pairs and their losses, against the same by hand."""

import math
from functools import partial
from typing import Any

import pytest
import torch
from quick import trainer
from torch import Tensor, nn

from seedbed.augment.basic import Basic
from seedbed.data.episodes import Episodes
from seedbed.loss.auto import Auto
from seedbed.regularizer.mixup import Mixup
from seedbed.task._metrics import Interval, metrics_of
from seedbed.task.prototypical import Prototypical, squared_distances
from seedbed.task.siamese import Siamese
from seedbed.types import Batch, Regularizer, Spec

SGD = partial(torch.optim.SGD, lr=0.1)
SPEC = Spec((2,), "class", 0, tuple("abcd"), episode=(2, 2, 1))


def task(kind: Any = Prototypical, model: nn.Module | None = None, **options: Any) -> Any:
    loss = Auto()
    loss.prepare(SPEC)
    parts = {"model": model or nn.Identity(), "loss": loss, "spec": SPEC, "optimizer": SGD}
    return kind(**parts | options)


def episode() -> Batch:
    """Two classes of two shots and one query: prototypes (1, 0) and (0, 3)."""
    first = [[0.0, 0.0], [2.0, 0.0], [1.0, 1.0]]
    second = [[-1.0, 3.0], [1.0, 3.0], [0.0, 1.0]]
    return Batch(torch.tensor([[first, second]]), torch.tensor([[[0] * 3, [1] * 3]]))


def test_prototypes_and_distances_by_hand() -> None:
    step = task().eval().forward_step(episode())
    distances = torch.tensor([[1.0, 5.0], [2.0, 4.0]])  # the second query is nearer the first
    torch.testing.assert_close(step.logits, -distances / math.sqrt(2))
    by_hand = [math.log(1 + math.exp(-4 / 2**0.5)), math.log(1 + math.exp(2 / 2**0.5))]
    assert step.loss.item() == pytest.approx(sum(by_hand) / 2)
    assert step.batch.y.tolist() == [0, 1]
    assert step.batch.x.tolist() == [[1.0, 1.0], [0.0, 1.0]]  # queries alone are counted


def test_the_temperature_is_learned_and_leaves_the_order_alone() -> None:
    made = task()
    made.log_temperature.data.fill_(math.log(4))
    torch.testing.assert_close(
        made.forward_step(episode()).logits, task().forward_step(episode()).logits / 4
    )
    made.forward_step(episode()).loss.backward()
    assert made.log_temperature.grad.item() != 0
    groups = made._groups()
    assert any(p is made.log_temperature for group in groups for p in group["params"])


def test_squared_distances_are_those_of_a_loop_and_exact_far_from_the_origin() -> None:
    torch.manual_seed(0)
    a, b = torch.randn(3, 5, 4), torch.randn(3, 2, 4)
    found = squared_distances(a + 1000, b + 1000)
    for e in range(3):
        for i in range(5):
            for j in range(2):
                assert found[e, i, j].item() == pytest.approx(
                    float(((a[e, i] - b[e, j]) ** 2).sum()), abs=5e-3
                )


def test_siamese_loss_by_hand() -> None:
    made = task(Siamese)
    x = torch.tensor([[[[1.0, 0], [0, 2.0], [3.0, 0]], [[-1.0, 0], [0, -1.0], [0, 5.0]]]])
    step = made.forward_step(Batch(x, torch.tensor([[[0] * 3, [1] * 3]])))
    # cosines of (3, 0): 1, 0 with its own class, -1, 0 with the other; of (0, 5): -1 and 0 with
    # its own, 1 and 0 with the other
    logit = {c: 10 * c - 5 for c in (1, 0, -1)}

    def soft(z: float) -> float:
        return math.log1p(math.exp(z))

    near = sum(soft(-logit[c]) for c in (1, 0, 0, -1)) / 4
    far = sum(soft(logit[c]) for c in (-1, 0, 1, 0)) / 4
    assert step.loss.item() == pytest.approx((near + far) / 2, rel=1e-5)
    expected = [[0.0, -10.0], [0.0, -10.0]]  # means of 10 cos - 5
    torch.testing.assert_close(step.logits, torch.tensor(expected), atol=1e-5, rtol=0)


def test_both_kinds_of_pairs_count_half_whatever_their_numbers() -> None:
    torch.manual_seed(0)
    spec = Spec((2,), "class", 0, tuple("abcdef"), episode=(4, 3, 2))
    made = task(Siamese, spec=spec)
    support, query = torch.randn(2, 4, 3, 2), torch.randn(2, 8, 2)
    y = torch.arange(4).repeat_interleave(2).expand(2, 8)
    near, far = [], []
    for e in range(2):
        for q in range(8):
            for n in range(4):
                for k in range(3):
                    cosine = torch.cosine_similarity(query[e, q], support[e, n, k], dim=0)
                    z = 10 * cosine - 5
                    same = n == y[e, q]
                    loss = nn.functional.softplus(-z if same else z).item()
                    (near if same else far).append(loss)
    expected = (sum(near) / len(near) + sum(far) / len(far)) / 2
    found = made.episode_loss(support, query, made.scores(support, query), y)
    assert found.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", [Prototypical, Siamese])
def test_each_episode_is_by_itself_and_the_order_of_classes_says_nothing(kind: Any) -> None:
    torch.manual_seed(1)
    spec = Spec((2,), "class", 0, tuple("abcdef"), episode=(3, 2, 4))
    made = task(kind, nn.Linear(2, 5), spec=spec).eval()
    x = torch.randn(4, 3, 6, 2)
    y = torch.arange(3)[None, :, None].expand(4, 3, 6)
    together = made.forward_step(Batch(x, y))
    alone = [made.forward_step(Batch(x[i : i + 1], y[:1])) for i in range(4)]
    torch.testing.assert_close(together.logits, torch.cat([each.logits for each in alone]))
    assert together.loss.item() == pytest.approx(
        sum(each.loss.item() for each in alone) / 4, rel=1e-5
    )
    order = torch.tensor([2, 0, 1])
    turned = made.forward_step(Batch(x[:, order], y))
    straight = together.logits.view(4, 3, 4, 3)
    torch.testing.assert_close(turned.logits.view(4, 3, 4, 3), straight[:, order][..., order])


def test_no_gradient_or_score_comes_from_labels_of_queries() -> None:
    made, batch = task(), episode()
    x = batch.x.clone().requires_grad_()
    made.forward_step(Batch(x, batch.y)).logits[0, 0].backward()
    assert x.grad is not None
    assert (x.grad[0, 0, :2] != 0).any()  # its support
    assert (x.grad[0, 1] == 0).all()  # neither the other class nor its query


def test_the_interval_is_that_of_the_accuracies_of_episodes() -> None:
    shares = [[1, 1, 0, 0], [1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0]]
    right = torch.tensor(shares).flatten()
    scores = torch.stack([right, 1 - right], 1).float()
    y = torch.zeros(20, dtype=torch.int64)
    metric = Interval(4)
    metric.update(scores[:8], y[:8])
    metric.update(scores[8:], y[8:])
    means = torch.tensor(shares).double().mean(1)
    assert metric.compute().item() == pytest.approx(1.96 * means.std().item() / 5**0.5)
    alone = Interval(4)
    alone.update(scores[:4], y[:4])
    assert math.isnan(alone.compute().item())


def test_metrics_are_the_accuracy_and_in_the_test_its_interval() -> None:
    assert [*metrics_of(SPEC, "val")] == ["val/acc"]
    assert [*metrics_of(SPEC, "test")] == ["test/acc", "test/interval"]


def test_augmentation_sees_single_images_and_labels_stay() -> None:
    spec = Spec((1, 4, 4), "class", 0, tuple("abcd"), episode=(2, 2, 1))
    seen: list[tuple[int, ...]] = []

    def augment(x: Tensor) -> Tensor:
        seen.append(tuple(x.shape))
        return x + 1

    made = task(spec=spec, augments=[augment, Basic(flip=1.0)])
    batch = Batch(torch.rand(3, 2, 3, 1, 4, 4), torch.arange(2)[None, :, None].expand(3, 2, 3))
    found = made.prepare_batch(batch)
    assert seen == [(18, 1, 4, 4)]
    assert found.x.shape == batch.x.shape
    assert torch.equal(found.y, batch.y)


def test_parts_that_do_not_go_with_episodes_are_refused() -> None:
    class Domains(Regularizer):
        needs_features = True

    with pytest.raises(ValueError, match=r"regularizer\.d: it looks at single examples"):
        task(regularizers={"d": Domains()}, model=nn.ModuleDict({"head": nn.Linear(2, 2)}))
    with pytest.raises(ValueError, match="mixup, cutmix and label_smoothing change labels"):
        task(regularizers={"mixup": Mixup()}).prepare_batch(episode())
    with pytest.raises(ValueError, match="leave loss=auto"):
        task(Siamese, loss=nn.CrossEntropyLoss())
    with pytest.raises(ValueError, match="leave loss=auto"):
        task(Siamese, loss=Auto(label_smoothing=0.1))
    with pytest.raises(ValueError, match="use data=episodes"):
        Prototypical.asks(Spec((2,), "class", 2, tuple("ab")))
    with pytest.raises(ValueError, match="dim must be at least 2"):
        Prototypical.asks(SPEC, dim=1)
    assert Prototypical.asks(SPEC, dim=7).outputs == 7
    assert Prototypical.asks(SPEC).outputs == 0


def fit(kind: Any) -> tuple[Any, float, dict[str, Any]]:
    torch.manual_seed(0)
    data = Episodes(episodes=20, val_episodes=10, test_episodes=20)
    data.setup()
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32))
    made = task(kind, model, spec=data.spec, optimizer=partial(torch.optim.Adam, lr=1e-2))
    runner = trainer(max_epochs=2)
    runner.fit(made, datamodule=data)
    validated = runner.callback_metrics["val/acc"].item()
    runner.test(made, datamodule=data, verbose=False)
    return made, validated, dict(runner.callback_metrics)


@pytest.mark.parametrize("kind", [Prototypical, Siamese])
def test_training_raises_the_accuracy_of_training_episodes(kind: Any) -> None:
    made, validated, tested = fit(kind)
    assert validated > 0.85
    assert 0 < tested["test/interval"] < 0.1
    assert made.log_temperature.item() != 0 if kind is Prototypical else made.bias.item() != -5
