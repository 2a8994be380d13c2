import pytest

from knowledge.verify import conflict


@pytest.mark.proves("VERIFY-011")
@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("The meal allowance is 72 AUD a day.", "In 2024 the meal allowance was 61 AUD a day.", "number"),
        ("Claims must be made within 30 days.", "Claims have to be made within 60 days.", "number"),
        ("Receipts are needed for meals.", "Receipts are not needed for meals.", "negation"),
        ("The gates open before departure.", "The gates open after departure.", "opposite"),
    ],
)
def test_two_values_of_one_fact_are_a_conflict(one: str, other: str, kind: str) -> None:
    found = conflict(one, other)
    assert found is not None
    assert found.kind == kind
    assert found.one != found.other
    swapped = conflict(other, one)
    assert swapped is not None
    assert (swapped.one, swapped.other) == (found.other, found.one)


@pytest.mark.parametrize(
    ("one", "other", "about"),
    [
        ("Claims must be made within two weeks.", "Claims have to be made within 14 days.", ""),
        ("The night allowance is 15 %.", "The canteen closes at 15:00.", ""),
        ("Hotels of up to 180 AUD a night.", "A meal of up to 24 AUD a night.", ""),
        (
            "Probation lasts six months.",
            "Probation can be extended by three months.",
            "How long does it last?",
        ),
    ],
)
def test_the_same_value_or_another_fact_is_none(one: str, other: str, about: str) -> None:
    assert conflict(one, other, about) is None
