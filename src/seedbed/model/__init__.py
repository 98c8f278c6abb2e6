"""Functions of `x`: pure `nn.Module`s from scaled inputs to logits."""
