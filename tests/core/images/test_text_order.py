from decimal import Decimal

from reconciler.core.images.policy import Direction
from reconciler.core.images.text_order import AlphabeticalOrder, NumericOrder


def test_numbers_may_have_a_sign_and_a_fraction() -> None:
    order = NumericOrder(Direction.ASCENDING, "")

    assert [order.rank(text, "") for text in ("7", "+7", "-7.50", ".5", "5.")] == [
        (Decimal(7),),
        (Decimal(7),),
        (Decimal("-7.5"),),
        (Decimal("0.5"),),
        (Decimal(5),),
    ]
    assert [order.rank(text, "") for text in ("", ".", "1e3", "0x1", "1_0", "٣", "nan", "1 ")] == [
        None
    ] * 8


def test_every_text_has_a_place_between_letters() -> None:
    for direction in Direction:
        order = AlphabeticalOrder(direction, "b")

        assert order.rank("", "") is not None
        assert order.refusal("a", "a") == "is a text like any other"
