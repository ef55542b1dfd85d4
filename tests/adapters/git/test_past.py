"""What is newer is read alone, and the history is the one that a whole reading finds."""

import random
from pathlib import Path

import pytest

from lab.bare_repository import BareRemote, git
from reconciler.adapters.git.past import Past
from reconciler.adapters.git.repository import GitRepository
from reconciler.core.history import History
from tests.adapters.git.clones import another
from tests.adapters.git.test_history import history, moves, ours


def read_whole(repository: GitRepository, commit: str) -> History:
    """Return what somebody finds in the same clone who has read nothing of it before."""
    with repository._exclusively():
        return Past(repository._clone).up_to(commit)


def commit(remote: BareRemote, message: str, *parents: str, at: int) -> str:
    """Make a commit with any parents and date, and make it the tip of the branch."""
    tree = git(remote.path, "rev-parse", f"{remote.tip()}^{{tree}}")
    person = f"A <a@example.org> {at} +0000"
    lines = [f"tree {tree}", *(f"parent {each}" for each in parents)]
    text = "\n".join([*lines, f"author {person}", f"committer {person}", "", message, ""])
    made = git(remote.path, "hash-object", "-t", "commit", "-w", "--stdin", stdin=text.encode())
    git(remote.path, "update-ref", "refs/heads/main", made)
    return made


@pytest.mark.parametrize("depth", [3, 1000])
@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_pushed_the_history_is_that_of_a_whole_reading(
    remote: BareRemote, tmp_path: Path, seed: int, depth: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same steps each time
    repository = another(remote, tmp_path, history=depth)
    made, tags, steps = [remote.tip()], ["v0"], set[bool]()
    for number in range(1, 16):
        before = remote.tip()
        for _ in range(chance.choice([1, 1, 2, 5])):
            is_ours = chance.random() < 0.5
            text = ours(tags[-1], f"v{number}") if is_ours else "by a person"
            tags += [f"v{number}"] if is_ours else []
            others = chance.choices(made, k=chance.choice([0, 0, 1, 2]))
            parents = {
                "follows": [remote.tip(), *others],
                "the other way round": [*others, remote.tip()],
                "force": [chance.choice(made)],
                "orphan": [],
            }[chance.choice(["follows"] * 7 + ["the other way round", "force", "orphan"])]
            at = 1_700_000_000 + chance.randrange(40)
            made.append(commit(remote, text, *dict.fromkeys(parents), at=at))
        found = history(repository)

        assert found == read_whole(repository, remote.tip())
        steps.add(repository._clone.leads_to(remote.tip(), before))
    assert steps == {True, False}


def test_only_what_is_newer_is_read(
    remote: BareRemote, repository: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.put({"a": b"v4"}, ours("v3", "v4"))
    first = history(repository)
    remote.put({"a": b"v5"}, ours("v4", "v5"))
    monkeypatch.setattr(Past, "_read", lambda *_: pytest.fail("all of it is read"))

    second = history(repository)

    assert moves(second) == ["v3 -> v4", "v4 -> v5"]
    assert second.writes[0] is first.writes[0]
    assert history(repository) is second


def test_a_clone_that_another_process_has_deepened_is_read_whole(
    remote: BareRemote, tmp_path: Path
) -> None:
    for number in range(4, 8):
        remote.put({"a": b"%d" % number}, ours(f"v{number - 1}", f"v{number}"))
    short = another(remote, tmp_path, history=2)
    assert len(moves(history(short))) == 2

    another(remote, tmp_path, history=50).fetch()

    assert len(moves(history(short))) == 4


def test_a_clone_that_another_process_has_made_anew_is_read_whole(
    remote: BareRemote, repository: GitRepository, tmp_path: Path
) -> None:
    lost = remote.put({"a": b"v4"}, ours("v3", "v4"))
    assert moves(history(repository)) == ["v3 -> v4"]
    git(remote.path, "update-ref", "refs/heads/main", f"{lost}^")
    remote.put({"a": b"v5"}, ours("v3", "v5"))
    other = another(remote, tmp_path)
    other._forget()
    other.fetch()

    assert moves(history(repository)) == ["v3 -> v5"]
