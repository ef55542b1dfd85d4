"""An object's time to become healthy goes on from cycle to cycle."""

from reconciler.core.objects.health import Health, Status
from reconciler.core.objects.identity import ObjectKey
from reconciler.pipeline.patience import Patience
from tests.fakes.clock import FakeClock

WEB = ObjectKey("apps", "Deployment", "web", "nginx")
SHOP = ObjectKey("apps", "Deployment", "shop", "nginx")
UNDER_WAY = Health(Status.IN_PROGRESS, "1 of 2")
CURRENT = Health(Status.CURRENT, "")


def begun(clock: FakeClock) -> Patience:
    patience = Patience(now=clock.now)
    patience.begin([WEB, SHOP], applied=[WEB, SHOP])
    return patience


def test_the_time_goes_on_over_cycles_that_are_cut_short() -> None:
    clock = FakeClock()
    patience = begun(clock)
    for _ in range(2):
        clock.sleep(3.0)
        patience.note({WEB: UNDER_WAY, SHOP: UNDER_WAY})
        patience.begin([WEB, SHOP], applied=[])

    assert patience.is_over(WEB, 6.0)
    assert not patience.is_over(WEB, 7.0)


def test_what_is_applied_anew_begins_anew() -> None:
    clock = FakeClock()
    patience = begun(clock)
    clock.sleep(6.0)

    patience.begin([WEB, SHOP], applied=[WEB])

    assert (patience.is_over(WEB, 5.0), patience.is_over(SHOP, 5.0)) == (False, True)


def test_what_became_healthy_has_its_time_again_when_it_is_not() -> None:
    clock = FakeClock()
    patience = begun(clock)
    patience.note({WEB: CURRENT, SHOP: Health(Status.FAILED, "")})
    clock.sleep(6.0)

    assert not patience.is_over(WEB, 5.0)
    patience.begin([WEB, SHOP], applied=[])
    assert (patience.is_over(WEB, 5.0), patience.is_over(SHOP, 5.0)) == (False, False)


def test_what_left_git_is_forgotten() -> None:
    clock = FakeClock()
    patience = begun(clock)
    clock.sleep(6.0)

    patience.begin([WEB], applied=[])

    assert not patience.is_over(SHOP, 0.0)
