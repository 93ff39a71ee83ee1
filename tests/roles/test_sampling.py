"""How many are sampled, and who (R-B05, X-03)."""

import pytest

from hall import limits
from hall.limits import Limits
from roles import sampling
from tests import make

RULE = "R-B05"


@pytest.mark.django_db
@pytest.mark.covers("R-B05", "X-03", "H-08")
@pytest.mark.parametrize(
    ("on_duty", "sampled"),
    [(0, 0), (1, 1), (4, 4), (5, 5), (6, 3), (7, 4), (19, 10), (20, 10), (21, 7), (30, 9), (31, 10), (40, 12)],
)
def test_five_are_all_sampled_twenty_by_half_more_by_three_tenths_rounded_up(on_duty: int, sampled: int):
    make.limits()

    assert sampling.sample_size(on_duty, limits.in_force(0, [RULE])) == sampled


def force(**more: object) -> Limits:
    known = {"all_up_to": 5, "middle_up_to": 20, "middle_share": 50.0, "large_share": 30.0, **more}
    return Limits({(RULE, name): value for name, value in known.items()})


@pytest.mark.covers("X-03")
@pytest.mark.parametrize(("on_duty", "sampled"), [(20, 10), (21, 10), (33, 10), (34, 11)])
def test_a_greater_hall_samples_no_fewer_than_twenty_do_where_the_hall_says_so(on_duty: int, sampled: int):
    assert sampling.sample_size(on_duty, force(never_below_middle="yes")) == sampled


def test_the_shares_are_the_halls_own():
    assert sampling.sample_size(21, force(large_share=50.0)) == 11


def test_the_same_seed_draws_the_same_people_in_whatever_order_they_are_named():
    one = sampling.draw([1, 2, 3, 4, 5, 6], [2, 4, 6], 3, 99)

    assert one == sampling.draw([6, 5, 4, 3, 2, 1], [6, 4, 2], 3, 99)
    assert sorted(one.first) == [2, 4, 6]


def test_another_seed_draws_others():
    drawn = {tuple(sampling.draw(range(20), range(20), 10, seed).first) for seed in range(20)}

    assert len(drawn) > 15


def test_the_next_turn_begins_only_when_all_were_seen():
    drawn = sampling.draw([1, 2, 3, 4, 5, 6], [3], 3, 1)

    assert drawn.first == [3]
    assert len(drawn.again) == 2
    assert 3 not in drawn.again


def test_nobody_is_drawn_twice_in_one_round():
    for seed in range(50):
        drawn = sampling.draw(range(7), [0, 1], 4, seed)
        assert len({*drawn.first, *drawn.again}) == 4
