"""What webhooks tell: the payloads that the senders document, and what strangers make of them."""

import json

import pytest

from reconciler.core.hooks.events import MAX_HINTS, BranchHint, Hint, ImageHint, hints_of
from reconciler.errors import HookError

COMMIT = "3a33f0a" + "0" * 33


def distribution(*targets: tuple[str, str], action: str = "push") -> object:
    return {
        "events": [
            {
                "id": "320678d8-ca14-430f-8bb6-4ca139cd83f7",
                "timestamp": "2026-03-09T14:44:26.402973972-08:00",
                "action": action,
                "target": {
                    "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "digest": f"sha256:{64 * 'a'}",
                    "length": 708,
                    "repository": repository,
                    "url": f"http://registry:5000/v2/{repository}/manifests/sha256:fea8",
                    "tag": tag,
                },
                "request": {"host": "registry:5000", "method": "PUT"},
                "actor": {},
            }
            for repository, tag in targets
        ]
    }


HARBOR = {
    "type": "PUSH_ARTIFACT",
    "occur_at": 1586922308,
    "operator": "admin",
    "event_data": {
        "resources": [
            {"digest": "sha256:8a9e", "tag": "v4", "resource_url": "hub.example/acme/web:v4"}
        ],
        "repository": {
            "date_created": 1586922308,
            "name": "web",
            "namespace": "acme",
            "repo_full_name": "acme/web",
            "repo_type": "private",
        },
    },
}
HARBOR_CLOUD_EVENT = {
    "specversion": "1.0",
    "type": "harbor.artifact.pushed",
    "datacontenttype": "application/json",
    "data": HARBOR["event_data"],
}
PACKAGE = {
    "name": "Web",
    "namespace": "acme",
    "package_type": "CONTAINER",
    "owner": {"login": "Acme"},
    "package_version": {"package_url": "ghcr.io/acme/web:v4"},
}
PUSH = {
    "ref": "refs/heads/main",
    "before": "0" * 40,
    "after": COMMIT,
    "repository": {"full_name": "acme/shop", "clone_url": "https://git.example/acme/shop.git"},
    "commits": [{"id": COMMIT, "message": "Deploy"}],
}
GITLAB = {
    "object_kind": "push",
    "ref": "refs/heads/main",
    "after": COMMIT,
    "project": {"path_with_namespace": "acme/group/shop", "default_branch": "main"},
}
WEB = ImageHint("registry:5000", "acme/web")


@pytest.mark.parametrize(
    ("sender", "said", "hints"),
    [
        pytest.param("registry/distribution", distribution(("acme/web", "v4")), [WEB], id="one"),
        pytest.param(
            "registry/distribution",
            distribution(("acme/web", "v4"), ("acme/web", "v5"), ("acme/api", "")),
            [WEB],
            id="several tags, and one by digest",
        ),
        pytest.param(
            "registry/distribution", distribution(("acme/web", "v4"), action="pull"), [], id="pull"
        ),
        pytest.param("registry/distribution", {"events": []}, [], id="none"),
        pytest.param(
            "registry/harbor", HARBOR, [ImageHint("hub.example", "acme/web")], id="harbor"
        ),
        pytest.param(
            "registry/harbor",
            HARBOR_CLOUD_EVENT,
            [ImageHint("hub.example", "acme/web")],
            id="harbor's cloud events",
        ),
        pytest.param("registry/harbor", {"type": "DELETE_ARTIFACT"}, [], id="harbor's others"),
        pytest.param(
            "registry/dockerhub",
            {"push_data": {"tag": "v4"}, "repository": {"repo_name": "acme/web"}},
            [ImageHint("docker.io", "acme/web")],
            id="docker hub",
        ),
        pytest.param(
            "registry/dockerhub",
            {"repository": {"repo_name": "nginx"}},
            [ImageHint("docker.io", "library/nginx")],
            id="official image",
        ),
        pytest.param(
            "registry/ghcr",
            {"action": "published", "registry_package": PACKAGE},
            [ImageHint("ghcr.io", "acme/web")],
            id="ghcr",
        ),
        pytest.param(
            "registry/ghcr",
            {"package": {"name": "web", "namespace": "acme/x", "package_type": "container"}},
            [ImageHint("ghcr.io", "acme/web")],
            id="ghcr, bare",
        ),
        pytest.param(
            "registry/ghcr", {"package": {"name": "web", "package_type": "npm"}}, [], id="npm"
        ),
        pytest.param("registry/ghcr", {"zen": "Keep it logically awesome."}, [], id="ping"),
        pytest.param(
            "registry/quay",
            {
                "name": "web",
                "repository": "acme/web",
                "namespace": "acme",
                "docker_url": "quay.io/acme/web",
                "updated_tags": ["v4"],
            },
            [ImageHint("quay.io", "acme/web")],
            id="quay",
        ),
        pytest.param(
            "git/github", PUSH, [BranchHint("acme/shop", "main", COMMIT)], id="github"
        ),
        pytest.param(
            "git/gitea",
            {**PUSH, "ref": "refs/heads/feat/one", "after": "0" * 40},
            [BranchHint("acme/shop", "feat/one", "")],
            id="a branch that was deleted",
        ),
        pytest.param("git/github", {**PUSH, "ref": "refs/tags/v1"}, [], id="a tag"),
        pytest.param("git/github", {"zen": "Half measures."}, [], id="ping of github"),
        pytest.param(
            "git/gitlab", GITLAB, [BranchHint("acme/group/shop", "main", COMMIT)], id="gitlab"
        ),
        pytest.param("git/gitlab", {"object_kind": "tag_push"}, [], id="gitlab's tags"),
    ],
)  # fmt: skip
def test_what_senders_say(sender: str, said: object, hints: list[Hint]) -> None:
    family, _, name = sender.partition("/")

    assert list(hints_of(family, name, json.dumps(said).encode())) == hints


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"[" * 100_000, id="deep list"),
        pytest.param(b'{"events":[{"target":' + b'{"x":' * 100_000, id="deep mapping"),
        pytest.param(b'{"events": 5}', id="another shape"),
        pytest.param(b'{"events": [{"target": {"repository": 5}}]}', id="another shape within"),
        pytest.param(b'{"events": [{"action": "\xff"}]}', id="no UTF-8"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"events": [' + b"1" * 5000 + b"]}", id="long number"),
    ],
)
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(HookError, match="no such event"):
        hints_of("registry", "distribution", body)


@pytest.mark.parametrize(
    "target",
    [
        {"repository": "acme/web", "tag": "v4", "url": "http://[::1"},
        {"repository": "", "tag": "v4"},
    ],
)
def test_odd_targets_are_hints_without_a_host_or_none(target: dict[str, str]) -> None:
    body = json.dumps({"events": [{"action": "push", "target": target}]}).encode()

    expected = (ImageHint("", "acme/web"),) if target["repository"] else ()
    assert hints_of("registry", "distribution", body) == expected


def test_hints_of_one_delivery_are_limited_in_number() -> None:
    many = distribution(*((f"acme/web{number}", "v4") for number in range(MAX_HINTS + 50)))

    assert len(hints_of("registry", "distribution", json.dumps(many).encode())) == MAX_HINTS
