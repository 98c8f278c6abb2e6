"""First weights from the command line: their order, and weights of another run."""

import shutil

import pytest
import torch
from conftest import TINY, Train

import seedbed
from seedbed.checkpoint._file import read_checkpoint

STILL = ["stages=fit", "optimizer=sgd", "optimizer.lr=0", "callback=[]", "data.batch_size=full"]


def state_of(run: object) -> dict[str, torch.Tensor]:
    return read_checkpoint(run / "checkpoints/last.ckpt")["state_dict"]  # type: ignore[operator]


@pytest.mark.slow
@pytest.mark.parametrize("words", ["init=[he,class_prior]", "init=[class_prior,he]"])
def test_the_head_comes_after_the_body_whatever_the_order(words: str, train: Train) -> None:
    ended = train(*TINY, *STILL, words, "model.widths=[400]")
    assert ended.code == 0, ended.err
    state = state_of(ended.folder)
    counts = torch.tensor(read_checkpoint(ended.folder / "checkpoints/last.ckpt")["spec"]["counts"])
    assert (state["model.model.head.weight"] == 0).all()
    torch.testing.assert_close(state["model.model.head.bias"].softmax(0), counts / counts.sum())
    assert state["model.model.body.1.weight"].std().item() == pytest.approx(1, rel=0.15)  # √(2/2)


@pytest.mark.slow
@pytest.mark.parametrize("words", ["init=[pretrained,he]", "init=[he,pretrained]"])
def test_pretrained_weights_replace_those_that_fill(words: str, train: Train) -> None:
    """`init=pretrained` from a run with other classes: the body is loaded, the head is He's."""
    first = train(*TINY, "model.norm=batch", "stages=fit").folder
    more = [words, f"init.pretrained.run={first}", "model.norm=batch", "data.num_classes=4"]
    ended = train(*TINY, *STILL, *more, "scaling=minmax")
    assert ended.code == 0, ended.err
    assert "6 of 8 tensors loaded; of another shape: head.weight, head.bias" in ended.out
    learned = read_checkpoint(first / "checkpoints/best.ckpt")["state_dict"]
    state = state_of(ended.folder)
    for name in ("body.1.weight", "body.2.weight", "body.2.bias"):
        assert torch.equal(state[f"model.model.{name}"], learned[f"model.model.{name}"])
    assert (state["model.model.head.bias"] == 0).all()  # He's; torch's own are not
    shutil.rmtree(first)  # the new run needs the old one no more
    assert train(f"run={ended.folder}", "stages=test").code == 0
    assert train(f"run={ended.folder}", "trainer.max_epochs=2", "stages=fit").code == 0
    assert seedbed.load(ended.folder).spec.outputs == 4


@pytest.mark.slow
def test_the_fitted_scaling_is_never_loaded(train: Train) -> None:
    first = train(*TINY, "stages=fit").folder
    more = ["init=[pretrained]", f"init.pretrained.run={first}", "data.noise=3"]
    state = state_of(train(*TINY, *STILL, *more).folder)
    plain = state_of(train(*TINY, *STILL, "data.noise=3").folder)
    before = read_checkpoint(first / "checkpoints/best.ckpt")["state_dict"]
    scaling = [k for k in state if k.startswith("model.scaling.")]
    assert scaling
    for name in scaling:
        assert torch.equal(state[name], plain[name])
        assert not torch.equal(state[name], before[name])


@pytest.mark.slow
def test_weight_norm_through_ema_checkpoint_and_load(train: Train) -> None:
    words = ["model.norm=weight", "init=he", "callback=[ema]", "trainer.max_epochs=3"]
    ended = train(*TINY, *words, "stages=[fit,predict,test]")
    assert ended.code == 0, ended.err
    model = seedbed.load(ended.folder).model
    state = read_checkpoint(ended.folder / "checkpoints/best.ckpt")["state_dict"]
    names = {k.removeprefix("model.") for k in state if k.startswith("model.")}
    assert names == set(model.state_dict())
    assert any(name.endswith("parametrizations.weight.original0") for name in names)
    again = train(f"run={ended.folder}", "stages=test")
    assert again.code == 0, again.err
    shown = [line for line in ended.out.splitlines() if line.startswith("test/")]
    assert shown
    assert all(line in again.out for line in shown)
    longer = train(f"run={ended.folder}", "trainer.max_epochs=4", "stages=fit")
    assert longer.code == 0, longer.err
