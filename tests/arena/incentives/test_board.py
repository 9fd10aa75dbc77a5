"""The board: who shares whose noise, and what the rules get to see."""

from __future__ import annotations

import numpy as np

from iotapretrain.arena.incentives.board import Board


def board_of(*models: tuple[float, int, int]) -> Board:
    """A board with (loss, content, origin) by hotkey; a content of 0 stays empty."""
    board = Board(len(models))
    for hotkey, (loss, content, origin) in enumerate(models):
        if content:
            board.publish(hotkey, loss, 100 + hotkey, content, origin)
    return board


def test_exact_copies_lose_alike_on_every_page() -> None:
    board = board_of((2.5, 1, 1), (2.6, 2, 2), (2.5, 1, 1))
    losses = board.page_losses(np.random.default_rng(1).standard_normal((3, 50)), 0.01)
    assert np.array_equal(losses[0], losses[2])
    assert abs(np.corrcoef(losses[0], losses[1])[0, 1]) < 0.5


def test_a_damaged_copy_shares_nearly_all_noise() -> None:
    board = board_of((2.5, 1, 1), (2.5, 2, 1))
    losses = board.page_losses(np.random.default_rng(1).standard_normal((2, 2_000)), 0.01)
    assert 0.98 < np.corrcoef(losses)[0, 1] < 1


def test_the_noise_has_its_size() -> None:
    board = board_of((2.5, 1, 1), (2.5, 2, 1), (2.5, 3, 3))
    losses = board.page_losses(np.random.default_rng(1).standard_normal((3, 20_000)), 0.01)
    assert np.allclose(losses.std(axis=1), 0.01, rtol=0.03)
    assert np.allclose(losses.mean(axis=1), 2.5, atol=0.0005)


def test_a_field_holds_who_has_committed() -> None:
    board = board_of((2.5, 1, 1), (0.0, 0, 0), (2.4, 1, 1))
    field = board.field(board.losses[:, np.newaxis], remembering=False)
    assert field.uids.tolist() == [0, 2]
    assert field.blocks.tolist() == [100, 102]
    assert field.digests == ("1", "1")


def test_who_remembers_admits_a_content_from_its_first_owner_only() -> None:
    board = board_of((2.5, 1, 1), (2.5, 1, 1))
    board.publish(0, 2.4, 200, 2, 2)
    losses = board.losses[:, np.newaxis]
    assert board.field(losses, remembering=False).uids.tolist() == [0, 1]
    assert board.field(losses, remembering=True).uids.tolist() == [0]
