"""Randomness as a pure function of the place."""

import pytest
import torch

from seedbed.randomness import mix, permutation, seed_here


def splitmix64(state: int) -> int:
    """Return the next output of the published generator from `state`."""
    z = (state + 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


def test_one_number_is_splitmix64() -> None:
    assert splitmix64(0) == 0xE220A8397B1DCDAF  # the first output published for seed 0
    assert mix(0) == 0xE220A8397B1DCDAF >> 1
    assert mix(12345) == splitmix64(12345) >> 1


def test_every_number_and_their_order_count() -> None:
    places = [(0,), (0, 0), (1, 0), (0, 1), (1, 2, 3), (3, 2, 1), (1, 2, 4), (-1,), (2**64 - 2,)]
    assert len({mix(*place) for place in places}) == len(places)


def test_mix_is_a_seed_that_torch_takes() -> None:
    assert all(0 <= mix(n, -n) < 2**63 for n in range(1000))


def test_neighbours_differ_in_half_of_their_bits() -> None:
    flips = [(mix(7, n) ^ mix(7, n + 1)).bit_count() for n in range(400)]
    error = (63 / 4 / 400) ** 0.5  # of the mean of 400 binomials
    assert abs(sum(flips) / 400 - 31.5) < 4 * error


def test_seed_here_depends_on_the_place_alone() -> None:
    def draw(*place: int) -> torch.Tensor:
        seed_here(torch.device("cpu"), *place)
        return torch.rand(5)

    first = draw(3, 1, 4)
    torch.rand(100)
    assert torch.equal(draw(3, 1, 4), first)
    assert not torch.equal(draw(3, 1, 5), first)


@pytest.mark.parametrize("n", [0, 1, 2, 97])
def test_permutation_holds_every_number_once(n: int) -> None:
    assert permutation(n, 1, 2).sort().values.tolist() == list(range(n))


def test_permutation_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    assert not torch.equal(permutation(50, 0), permutation(50, 1))
    assert torch.equal(permutation(50, 0), permutation(50, 0))
    assert torch.equal(torch.rand(3), expected)
