from reconciler.adapters.registry.kept import Kept
from reconciler.core.images.reference import Repository

WEB, API = Repository("r.example", "acme/web"), Repository("r.example", "acme/api")


def test_what_was_read_in_one_repository_is_not_known_in_another() -> None:
    kept: Kept[str] = Kept(most=10)
    kept.put(WEB, "a", "content", weight=1)

    assert kept.get(WEB, "a") == "content"
    assert kept.get(API, "a") is None


def test_what_was_not_used_for_longest_makes_room() -> None:
    kept: Kept[str] = Kept(most=3)
    for digest in ("a", "b", "c"):
        kept.put(WEB, digest, digest, weight=1)
    kept.get(WEB, "a")

    kept.put(WEB, "d", "d", weight=2)

    assert [kept.get(WEB, digest) for digest in ("a", "b", "c", "d")] == ["a", None, None, "d"]


def test_a_content_that_is_put_twice_weighs_once() -> None:
    kept: Kept[str] = Kept(most=2)
    kept.put(WEB, "a", "a", weight=1)
    kept.put(WEB, "b", "b", weight=1)

    kept.put(WEB, "b", "b", weight=1)

    assert kept.get(WEB, "a") == "a"


def test_what_is_heavier_than_all_may_be_is_not_kept() -> None:
    kept: Kept[str] = Kept(most=2)

    kept.put(WEB, "a", "a", weight=3)
    kept.put(WEB, "b", "b", weight=2)

    assert kept.get(WEB, "a") is None
    assert kept.get(WEB, "b") == "b"
