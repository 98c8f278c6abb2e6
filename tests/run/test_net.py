"""What is trained, compiled or with its channels side by side, computes the same."""

import copy
import csv
import json
import shutil
from typing import Any

import pytest
import torch
from conftest import TINY, Train
from torch import nn

from seedbed.run.folder import Refused
from seedbed.run.net import Net, compile_net


def small() -> Net:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16, 4)]
    return Net(nn.Identity(), nn.Sequential(*layers))


def test_compiled_code_makes_way_for_whoever_listens() -> None:
    net, x, compiled, heard = small(), torch.randn(2, 3, 6, 6), [], []
    expected = net(x)

    def backend(graph: Any, examples: Any) -> Any:
        def run(*given: Any) -> Any:
            compiled.append(1)
            return graph(*given)

        return run

    net.compile(backend=backend)
    assert torch.equal(net(x), expected)
    assert len(compiled) == 1
    hook = net.model[1].register_forward_hook(lambda *given: heard.append(1))  # pyright: ignore[reportIndexIssue]
    assert torch.equal(net(x), expected)
    assert (len(compiled), len(heard)) == (1, 1)
    hook.remove()
    assert torch.equal(net(x), expected)
    assert (len(compiled), len(heard)) == (2, 1)


def test_a_copy_is_as_written_and_the_names_stay() -> None:
    net = small()
    names = list(net.state_dict())
    net.compile(backend="eager")
    assert list(net.state_dict()) == names
    assert copy.deepcopy(net)._compiled_call_impl is None


def test_channels_side_by_side_compute_the_same() -> None:
    net, x = small(), torch.randn(5, 3, 6, 6)
    expected = net(x)
    net.lay_channels_last()
    seen = []
    net.model.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    assert torch.allclose(net(x), expected, atol=1e-6)
    kernel = net.model[0].weight  # pyright: ignore[reportIndexIssue]
    for tensor in (seen[0], kernel):
        assert tensor.is_contiguous(memory_format=torch.channels_last)
        assert not tensor.is_contiguous()


def test_without_a_compiler_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(Refused, match="compile=true: it needs a C"):
        compile_net(small(), torch.device("cpu"))


def history(folder: Any) -> list[dict[str, str]]:
    with (folder / "history.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_compiled_training_measures_the_same(train: Train) -> None:
    words = [*TINY, "trainer.max_epochs=3", "stages=[fit,test]"]
    plain, compiled = train(*words), train(*words, "compile=true")
    assert (compiled.code, compiled.err) == (0, "")
    measured, expected = (
        json.loads((each.folder / "metrics.json").read_text()) for each in (compiled, plain)
    )
    assert measured == pytest.approx(expected, rel=1e-3)
    looks = [[row["doctor/dead"] for row in history(e.folder)] for e in (compiled, plain)]
    assert looks[0] == looks[1] != [""] * len(looks[0])  # the doctor still hears the layers


def test_a_training_with_channels_last_measures_the_same(train: Train) -> None:
    images = ["data=digits", "~data.size", "model=cnn", "~model.widths", "data.fraction=0.2"]
    words = [*TINY, *images, "model.channels=[4,8]", "trainer.max_epochs=2"]
    plain, laid = train(*words), train(*words, "channels_last=true")
    assert (laid.code, laid.err) == (0, "")
    measured, expected = (
        json.loads((each.folder / "metrics.json").read_text()) for each in (laid, plain)
    )
    assert measured == pytest.approx(expected, rel=1e-3)
