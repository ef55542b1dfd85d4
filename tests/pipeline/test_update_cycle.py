"""Cycles without a cluster, on fakes: what they do to Git, by behaviour."""

from collections.abc import Mapping, Sequence

import pytest

from reconciler.core.manifests.images import SkipReason
from reconciler.core.manifests.tree import EntryKind
from reconciler.core.message import ImageTrailer, parse_by, parse_trailers
from reconciler.core.outcome import CycleOutcome
from reconciler.errors import (
    AccessDeniedError,
    ClusterError,
    GitError,
    ReconcilerError,
    RefusedError,
    RegistryError,
)
from reconciler.exit_codes import PENDING, STALLED, TRANSIENT
from reconciler.pipeline import cycle
from reconciler.pipeline.events import Event, Fetching, Planned, Pushed, Scanning
from reconciler.pipeline.parts import Parts
from reconciler.settings import GitSettings, SourceSettings, SyncSettings
from tests.fakes.clock import FakeClock
from tests.fakes.git import FakeFile, FakeGit
from tests.fakes.registry import FakeRegistries
from tests.fakes.secrets import FakeSecrets

DEPLOYMENT = """\
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx-deployment
  namespace: web
  annotations:
    fluxcd.io/automated: "true"
spec:
  template:
    spec:
      containers:
      - name: nginx
        image: registry.example/acme/nginx:v3  # the story's image
        ports:
        - containerPort: 80
"""
PATH = "workloads/nginx-deployment.yaml"
TAGS = {"registry.example/acme/nginx": ["v1", "v4", "v3", "latest"]}


class Recorder:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def tell(self, event: Event) -> None:
        self.events.append(event)


def run(
    git: FakeGit,
    tags: Mapping[str, Sequence[str] | ReconcilerError] = TAGS,
    *,
    paths: tuple[str, ...] = (),
    dry_run: bool = False,
    is_updated: bool = True,
    recorder: Recorder | None = None,
    registries: FakeRegistries | None = None,
    secrets: FakeSecrets | None = None,
) -> CycleOutcome:
    source = SourceSettings(
        name="default",
        git=GitSettings(url=git.url),
        sync=SyncSettings(dry_run=dry_run),
        paths=paths,
        is_synced=False,
        is_updated=is_updated,
    )
    parts = Parts(
        repository=git,
        registries=registries or FakeRegistries(tags),
        cluster=None,
        clock=FakeClock(),
        jitter=lambda: 0.5,
        progress=recorder or Recorder(),
        secrets=secrets,
    )
    return cycle.run(source, parts)


def remote(text: str = DEPLOYMENT, path: str = PATH) -> FakeGit:
    git = FakeGit()
    git.put({path: text.encode()})
    return git


def test_a_newer_tag_becomes_one_commit_with_one_changed_word() -> None:
    git = remote()

    outcome = run(git)

    assert outcome.exit_code == 0
    assert git.files()[PATH].decode() == DEPLOYMENT.replace("nginx:v3", "nginx:v4")
    assert len(git.pushes) == 1
    assert outcome.pushed == outcome.revision
    assert [line for line in outcome.commit_diff.splitlines() if line[:1] in "+-"][2:] == [
        "-        image: registry.example/acme/nginx:v3  # the story's image",
        "+        image: registry.example/acme/nginx:v4  # the story's image",
    ]


def test_the_commit_says_what_changed_for_people_and_for_us() -> None:
    git = remote()

    run(git)

    message = git.log()[0]
    assert message.startswith(
        "Update nginx to v4\n\n"
        "web:deployment/nginx-deployment nginx: registry.example/acme/nginx:v3 -> v4\n\n"
    )
    assert parse_by(message) == "default@-"
    assert parse_trailers(message) == (
        ImageTrailer(
            PATH,
            "web:deployment/nginx-deployment",
            "nginx",
            "registry.example/acme/nginx:v3",
            "registry.example/acme/nginx:v4",
        ),
    )


def test_the_second_cycle_changes_nothing_and_says_why() -> None:
    git = remote()
    run(git)

    outcome = run(git)

    assert len(git.pushes) == 1
    assert outcome.exit_code == 0
    assert [skip.reason for skip in outcome.skips] == [SkipReason.ALREADY_NEWEST]


def test_what_happens_is_told_as_it_happens() -> None:
    git, recorder = remote(), Recorder()

    run(git, recorder=recorder)

    assert [type(event) for event in recorder.events] == [Fetching, Scanning, Planned, Pushed]


def test_a_dry_run_tells_the_diff_and_leaves_git_alone() -> None:
    git = remote()
    before = git.tip

    outcome = run(git, dry_run=True)

    assert git.tip == before
    assert len(git.commits) == 1
    assert outcome.exit_code == PENDING
    assert "+        image: registry.example/acme/nginx:v4" in outcome.commit_diff


def test_a_source_that_is_not_updated_asks_no_registry() -> None:
    assert run(remote(), {}, is_updated=False).exit_code == 0


def test_someone_who_pushes_in_between_keeps_their_commit_and_we_make_ours_on_top() -> None:
    git = remote()
    git.others_push = [{"README.md": b"hello\n"}, {PATH: b"# moved\n" + DEPLOYMENT.encode()}]

    outcome = run(git)

    assert outcome.exit_code == 0
    assert git.log()[1:3] == ["pushed in between", "pushed in between"]
    assert git.files()["README.md"] == b"hello\n"
    assert git.files()[PATH].startswith(b"# moved\n")
    assert b"nginx:v4" in git.files()[PATH]
    assert len(git.pushes) == 1


def test_someone_who_makes_our_change_in_between_leaves_us_nothing_to_do() -> None:
    git = remote()
    git.others_push = [{PATH: DEPLOYMENT.replace("v3", "v4").encode()}]

    outcome = run(git)

    assert outcome.exit_code == 0
    assert git.pushes == []
    assert outcome.changes == ()


def test_a_branch_that_never_stands_still_is_given_up_for_this_cycle() -> None:
    git = remote()
    git.others_push = [{"counter": str(number).encode()} for number in range(50)]

    outcome = run(git)

    assert outcome.exit_code == TRANSIENT
    assert len(git.others_push) == 40
    assert outcome.changes == ()


def test_a_push_whose_answer_was_lost_is_found_by_looking() -> None:
    git = remote()
    git.lost_answers = 1

    outcome = run(git)

    assert outcome.exit_code == 0
    assert outcome.pushed is not None
    assert len(git.pushes) == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(RefusedError("pre-receive hook declined"), STALLED, id="hook"),
        pytest.param(AccessDeniedError("may not push"), STALLED, id="denied"),
        pytest.param(GitError("timed out"), TRANSIENT, id="down"),
    ],
)
def test_a_push_that_fails_is_reported_and_nothing_is_claimed(
    error: ReconcilerError, code: int
) -> None:
    git = remote()
    git.failures = {"push": [error]}

    outcome = run(git)

    assert outcome.exit_code == code
    assert outcome.pushed is None
    assert outcome.revision == outcome.fetched
    assert outcome.changes == ()


def test_a_remote_that_is_down_is_a_transient_problem_with_its_url() -> None:
    git = remote()
    git.failures = {"fetch": [GitError("could not connect", where=git.url)]}

    outcome = run(git)

    assert outcome.exit_code == TRANSIENT
    assert str(outcome.problems[0]) == f"{git.url}: could not connect"


def test_an_empty_repository_is_told() -> None:
    assert run(FakeGit()).exit_code == STALLED


def test_a_registry_that_is_down_leaves_the_others_done() -> None:
    git = remote()
    git.put({"api.yaml": DEPLOYMENT.replace("registry.example", "down.example").encode()})
    down = RegistryError("cannot connect", where="https://down.example/v2/", is_retryable=False)

    outcome = run(git, {**TAGS, "down.example/acme/nginx": down})

    assert outcome.exit_code == TRANSIENT
    assert b"nginx:v4" in git.files()[PATH]
    assert [str(problem) for problem in outcome.problems] == [
        "https://down.example/v2/: cannot connect"
    ]
    assert [skip.reason for skip in outcome.skips] == [SkipReason.REGISTRY_FAILED]


PRIVATE = {"registry.example/acme/nginx": "{}"}
PULLING = "    spec:\n      imagePullSecrets: [{name: regcred}]\n      containers:"


def with_pull_secret(text: str = DEPLOYMENT) -> str:
    return text.replace("    spec:\n      containers:", PULLING)


def test_a_private_registry_is_asked_with_the_secrets_of_all_who_pull_from_it_and_once() -> None:
    git = remote(with_pull_secret())
    git.put({"a.yaml": with_pull_secret().replace("namespace: web", "namespace: blog").encode()})
    git.put({"b.yaml": with_pull_secret().encode()})
    registries = FakeRegistries(TAGS, PRIVATE)
    secrets = FakeSecrets({"web/regcred": "{}", "blog/regcred": "other"})

    outcome = run(git, registries=registries, secrets=secrets)

    assert outcome.exit_code == 0
    assert len(outcome.changes) == 3
    assert registries.asked == ["registry.example/acme/nginx"]
    assert secrets.reads == ["secret blog/regcred", "secret web/regcred"]


def test_secrets_that_cannot_be_read_are_nobodys_business_while_the_registry_lets_us_in() -> None:
    registries = FakeRegistries(TAGS, PRIVATE, own_logins=frozenset({"{}"}))

    outcome = run(remote(with_pull_secret()), registries=registries, secrets=FakeSecrets())

    assert outcome.exit_code == 0
    assert outcome.problems == ()
    assert len(registries.looked_at["registry.example/acme/nginx"]) == 1


@pytest.mark.parametrize(
    ("secrets", "code", "reason"),
    [
        pytest.param(FakeSecrets(), STALLED, "it is not there", id="missing"),
        pytest.param(
            FakeSecrets(down=ClusterError("the API server did not answer")),
            TRANSIENT,
            "the API server did not answer",
            id="down",
        ),
        pytest.param(None, STALLED, "no cluster is configured to read it from", id="no-cluster"),
    ],
)
def test_a_registry_that_refuses_us_is_told_with_the_secrets_that_could_not_be_read(
    secrets: FakeSecrets | None, code: int, reason: str
) -> None:
    git = remote(with_pull_secret())
    git.put({"api.yaml": DEPLOYMENT.replace("acme/nginx", "acme/api").encode()})
    registries = FakeRegistries({**TAGS, "registry.example/acme/api": ["v4"]}, PRIVATE)

    outcome = run(git, registries=registries, secrets=secrets)

    assert outcome.exit_code == code
    (problem,) = outcome.problems
    assert f"the secret web/regcred cannot be used: {reason}" in problem.message
    assert b"acme/api:v4" in git.files()["api.yaml"]


ON = 'automated: "true"'
WEB = "web:deployment/nginx-deployment"
BAD = {
    "yaml": (
        DEPLOYMENT.replace("name: nginx\n", "name: [nginx\n"),
        "bad.yaml:14: is no valid YAML",
    ),
    "policy": (
        DEPLOYMENT.replace(ON, f"{ON}\n    fluxcd.io/tag.nginx: semver:>>1"),
        "bad.yaml:9: invalid policy 'semver:>>1': cannot read '>>1'",
    ),
    "container": (
        DEPLOYMENT.replace(ON, f"{ON}\n    fluxcd.io/tag.ngin: semver:^1"),
        f"bad.yaml:9: {WEB} has no container 'ngin'; did you mean 'nginx'?",
    ),
    "key": (
        DEPLOYMENT.replace(ON, f"{ON}\n    reconcile/polcy: semver:^1"),
        "bad.yaml:9: unknown annotation 'reconcile/polcy'; did you mean 'policy'?",
    ),
    "no-version": (
        DEPLOYMENT.replace("nginx:v3", "nginx:stable"),
        "bad.yaml:14: 'stable' is no version: give a policy",
    ),
    "reference": (
        DEPLOYMENT.replace("nginx:v3", "nginx:v3:v4"),
        "bad.yaml:14: invalid image reference",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_one_bad_manifest_is_told_with_its_line_and_the_others_are_done(name: str) -> None:
    text, message = BAD[name]
    git = remote()
    git.put({"bad.yaml": text.encode()})

    outcome = run(git)

    assert outcome.exit_code == STALLED
    assert str(outcome.problems[0]).startswith(message)
    assert len(outcome.problems) == 1
    assert b"nginx:v4" in git.files()[PATH]
    assert git.files()["bad.yaml"].decode() == text


def test_files_that_cannot_be_read_are_told_and_the_others_are_done() -> None:
    git = remote()
    git.put(
        {
            "big.yaml": b"#" * (16 * 1024 * 1024 + 1),
            "latin.yaml": b"a: 1\nb: \xe9\n",
            "out.yaml": FakeFile(b"../../etc/passwd", EntryKind.LINK),
            "in.yaml": FakeFile(b"latin.yaml", EntryKind.LINK),
        }
    )

    outcome = run(git, paths=(".", "nowhere"))

    assert outcome.exit_code == STALLED
    assert sorted(str(problem) for problem in outcome.problems) == [
        "big.yaml: has 16,777,217 bytes; the limit is 16,777,216",
        "latin.yaml:2: is not UTF-8",
        f"nowhere: no such folder at {outcome.fetched}: check --git-path",
        "out.yaml: is a link that leads out of the repository: '../../etc/passwd'; not followed",
    ]
    assert b"nginx:v4" in git.files()[PATH]


def test_a_bug_is_an_outcome_and_not_a_crash() -> None:
    class Broken(FakeGit):
        def fetch(self) -> object:  # type: ignore[override]  # broken on purpose
            raise ZeroDivisionError("division by zero")

    outcome = run(Broken())

    assert outcome.exit_code == 70
    assert outcome.is_bug


@pytest.mark.parametrize(
    ("ignore", "message"),
    [
        pytest.param(b"# caf\xe9\nprivate/\n", "is not UTF-8", id="not-utf-8"),
        pytest.param(b"#" * (16 * 1024 * 1024 + 1), "the limit is", id="oversize"),
        pytest.param(FakeFile(b"../ignored", EntryKind.LINK), "is a link", id="link"),
    ],
)
def test_below_an_ignore_file_that_cannot_be_read_nothing_is_touched(
    ignore: bytes | FakeFile, message: str
) -> None:
    git = remote()
    git.put({"apps/.sourceignore": ignore, "apps/private/api.yaml": DEPLOYMENT.encode()})

    outcome = run(git)

    assert outcome.exit_code == STALLED
    assert [problem.where.partition(":")[0] for problem in outcome.problems] == [
        "apps/.sourceignore"
    ]
    assert message in outcome.problems[0].message
    assert "nothing below 'apps' is read" in outcome.problems[0].message
    assert b"nginx:v3" in git.files()["apps/private/api.yaml"]
    assert b"nginx:v4" in git.files()[PATH]


def test_after_a_race_the_outcome_is_about_what_we_found_in_the_end() -> None:
    git = remote()
    moved = DEPLOYMENT.replace("name: nginx-deployment", "name: renamed").encode()
    git.others_push = [{PATH: moved, "latin.yaml": b"a: \xe9\n"}]

    outcome = run(git)

    changed = [line for line in outcome.commit_diff.splitlines() if line[:1] in "+-"][2:]
    assert [line.strip("+- ").split("  #")[0] for line in changed] == [
        "image: registry.example/acme/nginx:v3",
        "image: registry.example/acme/nginx:v4",
    ]
    assert [problem.where for problem in outcome.problems] == ["latin.yaml:1"]
