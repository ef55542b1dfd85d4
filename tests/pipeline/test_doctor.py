"""What doctor tries, and with whose logins."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.core.checkup import Check, Checkup, failed, passed
from reconciler.core.images.endpoint import Endpoint
from reconciler.core.images.pull_secret import PullCredential, Puller, Unread
from reconciler.core.images.reference import Repository
from reconciler.core.manifests.images import FileReport, inspect
from reconciler.pipeline.doctor import (
    RepositorySubject,
    distinct,
    examine_registries,
    subjects_of,
)

WEB = Repository("registry.example", "acme/web")
API = Repository("registry.example", "acme/api")


def report(namespace: str, *, is_automated: bool) -> FileReport:
    text = f"""\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: {namespace}
  annotations: {{fluxcd.io/automated: "{str(is_automated).lower()}"}}
spec:
  template:
    spec:
      imagePullSecrets: [{{name: regcred}}]
      containers: [{{name: web, image: "{WEB}:v3"}}]
"""
    return inspect(f"{namespace}.yaml", text, default_namespace="default", is_survey=True)


def secrets_of(who: Sequence[Puller]) -> list[PullCredential]:
    return [Unread(each.namespace, "not asked") for each in who]


@dataclass(frozen=True)
class NamingProbe:
    """Says whose logins it was given."""

    def endpoints_of(self, repository: Repository) -> Sequence[Endpoint]:
        return (Endpoint(repository.host, repository),)

    def check_host(self, host: str) -> Iterable[Check]:
        yield passed("connect", host)

    def check_repository(
        self, endpoint: Endpoint, *, tag: str | None, pull_secrets: Iterable[PullCredential]
    ) -> Iterable[Check]:
        whose = [each.origin for each in pull_secrets if isinstance(each, Unread)]
        yield passed("login", f"{endpoint.repository.path}:{tag} by {whose}")


def said(subjects: Iterable[RepositorySubject]) -> list[tuple[str, str]]:
    found: list[Checkup] = list(examine_registries(subjects, (), NamingProbe()))
    return [(each.subject, each.checks[0].detail) for each in found[1:]]


def test_only_logins_of_automated_workloads_count_where_there_are_any() -> None:
    reports = [report("lab", is_automated=False), report("web", is_automated=True)]

    assert said(subjects_of(reports, secrets_of)) == [(str(WEB), "acme/web:v3 by ['web']")]


def test_where_nothing_is_automated_yet_all_logins_count() -> None:
    reports = [report("lab", is_automated=False), report("web", is_automated=False)]

    assert said(subjects_of(reports, secrets_of)) == [(str(WEB), "acme/web:v3 by ['lab', 'web']")]


def subject(source: str, namespace: str = "", repository: Repository = WEB) -> RepositorySubject:
    who = (Puller(namespace),) if namespace else ()
    return RepositorySubject(repository, "v3", lambda: secrets_of(who), who, source)


def test_a_repository_is_tried_for_each_source_that_has_other_logins() -> None:
    subjects = [subject("one", "a"), subject("one", "a", API), subject("two", "b")]

    assert said(distinct(subjects)) == [
        (f"{WEB} (source one)", "acme/web:v3 by ['a']"),
        (str(API), "acme/api:v3 by ['a']"),
        (f"{WEB} (source two)", "acme/web:v3 by ['b']"),
    ]


def test_a_repository_is_tried_once_for_sources_with_the_same_logins() -> None:
    assert said(distinct([subject("one"), subject("two")])) == [(str(WEB), "acme/web:v3 by []")]


@dataclass(frozen=True)
class MirrorProbe:
    """Every repository has a mirror; what is named in ``down`` does not work."""

    down: frozenset[str]

    def endpoints_of(self, repository: Repository) -> Sequence[Endpoint]:
        mirror = Repository("mirror.example", repository.path)
        return (
            Endpoint(mirror.host, mirror, is_mirror=True),
            Endpoint(repository.host, repository),
        )

    def check_host(self, host: str) -> Iterable[Check]:
        yield self._check("connect", host)

    def check_repository(
        self, endpoint: Endpoint, *, tag: str | None, pull_secrets: Iterable[PullCredential]
    ) -> Iterable[Check]:
        assert tag == "v3"
        assert not list(pull_secrets)
        yield self._check("tags", str(endpoint.repository))

    def _check(self, name: str, subject: str) -> Check:
        if subject in self.down:
            return failed(name, f"no {subject}", cause="it is down", may_pass=True)
        return passed(name, subject)


def healths(*down: str) -> list[list[str]]:
    asked = [subject("web"), subject("api", repository=API)]
    found = list(examine_registries(asked, (), MirrorProbe(frozenset(down))))
    return [[check.health.value for check in each.checks] for each in found]


def test_a_mirror_that_is_down_is_a_warning_where_the_registry_itself_works() -> None:
    skipped = ["skipped"] * 3

    assert healths("mirror.example") == [["warning"], skipped, skipped, ["ok"], ["ok"], ["ok"]]


def test_a_registry_that_is_down_is_a_warning_where_its_mirror_has_everything() -> None:
    found = healths("registry.example")

    assert found == [["ok"], ["ok"], ["ok"], ["warning"], ["skipped"] * 3, ["skipped"] * 3]


def test_what_no_place_has_is_a_failure_and_so_is_the_host_it_needs() -> None:
    found = healths("registry.example", "mirror.example/acme/web")

    assert found == [["ok"], ["failed"], ["ok"], ["failed"], ["skipped"] * 3, ["skipped"] * 3]
