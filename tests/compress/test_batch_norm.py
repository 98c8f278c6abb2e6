"""Running statistics against the closed form over all examples."""

import copy

import pytest
import torch
from shrinking import Net, examples, net_of
from torch import Tensor, nn

from seedbed.compress._batch_norm import Pool, reestimate
from seedbed.types import Batch


def split(data: Batch, sizes: list[int]) -> list[Batch]:
    return [Batch(x, y) for x, y in zip(data.x.split(sizes), data.y.split(sizes), strict=True)]


class First(nn.Module):
    """Batch norm of what comes in, and dropout after it."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm, self.drop = norm, nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.drop(self.norm(x))


@pytest.mark.parametrize("sizes", [[40], [16, 16, 8], [13, 13, 13, 1], [2, 38]])
@pytest.mark.parametrize("momentum", [0.1, 0.0, None])
def test_every_example_counts_the_same(sizes: list[int], momentum: float | None) -> None:
    data = examples()
    data.x[:16] += 5  # batches differ: their variances alone would be too small
    net = First(nn.BatchNorm2d(2, momentum=momentum)).eval()
    reestimate(net, split(data, sizes))
    norm = net.norm
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    torch.testing.assert_close(norm.running_mean, data.x.mean((0, 2, 3)))
    torch.testing.assert_close(norm.running_var, data.x.var((0, 2, 3)))  # N - 1, as torch keeps it


def test_units_and_a_last_example_alone() -> None:
    x = torch.randn(33, 5, generator=torch.Generator().manual_seed(0)) * 3 + 7
    net = First(nn.BatchNorm1d(5)).eval()
    reestimate(net, split(Batch(x, x), [16, 16, 1]))
    expected = {"norm.running_mean": x.mean(0), "norm.running_var": x.var(0)}
    for name, value in expected.items():
        torch.testing.assert_close(net.get_buffer(name), value)


def test_far_from_zero_no_digits_are_lost() -> None:
    x = torch.randn(64, 3, generator=torch.Generator().manual_seed(0)) + 1000
    pool = Pool()
    for piece in x.split(7):
        pool.add(piece)
    variance = pool.squares / (pool.count - 1)
    torch.testing.assert_close(variance, x.double().var(0), rtol=1e-5, atol=0)


@pytest.mark.parametrize("kind", ["cnn", "resnet", "inception"])
def test_in_one_batch_it_is_what_torch_measures_in_training(kind: str) -> None:
    net, data = net_of(kind, norm="batch"), examples()
    torchs = copy.deepcopy(net).train()
    for module in torchs.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the plain average of all batches, here one
    with torch.no_grad():
        torchs(data.x)
    reestimate(net, [data])
    torch.testing.assert_close(dict(net.named_buffers()), dict(torchs.named_buffers()))


def test_nothing_else_changes() -> None:
    net, data = net_of("cnn", norm="batch", dropout=0.9), examples()
    before = {name: p.clone() for name, p in net.named_parameters()}
    states = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        draws = torch.get_rng_state()
        reestimate(net, split(data, [20, 20]))
        assert torch.equal(torch.get_rng_state(), draws)  # no dropout
        states.append(copy.deepcopy(net.state_dict()))
    assert all(torch.equal(v, states[1][k]) for k, v in states[0].items())  # whatever it was
    assert all(torch.equal(p, before[name]) for name, p in net.named_parameters())
    assert not any(m.training for m in net.modules())
    assert not any(m._forward_pre_hooks for m in net.modules())


def test_a_model_without_batch_norm_is_not_run() -> None:
    net = net_of("cnn", norm="layer")
    reestimate(net, iter([]))  # not even asked for


def test_a_norm_that_no_batch_reaches_keeps_its_statistics() -> None:
    net = Net(nn.Sequential(nn.Flatten(), nn.BatchNorm1d(128)))
    net.unused = nn.BatchNorm2d(3)
    net.unused.get_buffer("running_mean").fill_(4)
    reestimate(net.eval(), [examples()])
    assert net.get_buffer("unused.running_mean").tolist() == [4, 4, 4]
    assert net.get_buffer("model.1.running_mean").abs().min() > 0


def test_a_norm_without_statistics_has_none_to_measure() -> None:
    net = First(nn.BatchNorm2d(2, track_running_stats=False))
    reestimate(net, [])
    assert net.norm.running_mean is None


def test_no_example_is_refused_and_leaves_no_hook() -> None:
    net = First(nn.BatchNorm2d(2)).eval()
    with pytest.raises(ValueError, match="need examples, got none"):
        reestimate(net, [])
    assert not net.norm._forward_pre_hooks
    assert not net.norm.training
