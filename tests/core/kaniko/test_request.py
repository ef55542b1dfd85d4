import pytest

from reconciler.core.kaniko.request import check_job_name
from reconciler.errors import SettingsError
from tests.core.kaniko.asking import asked

SSH = "git@git.example:acme/web"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"context": ""}, "--context is missing"),
        ({"context": "https://a:canary@b/c"}, "--context: is a URL with a user or password"),
        ({"context": "http://git.example/a"}, "--git-insecure permits it"),
        ({"context": SSH}, "needs --git-secret"),
        ({"destinations": []}, "--destination is missing"),
        ({"destinations": ["registry.example/acme/web"]}, "has no tag"),
        ({"destinations": ["a/b:1", "Registry/A:1:2"]}, "--destination: invalid image reference"),
        ({"destinations": ["a/b:1@sha256:" + "0" * 64]}, "has a digest"),
        ({"dockerfile": "../Dockerfile"}, "is no path in the context"),
        ({"dockerfile": "/Dockerfile"}, "is no path in the context"),
        ({"dockerfile": ""}, "is no path in the context"),
        ({"namespace": "Web"}, "is no name of a namespace"),
        ({"registry_secret": "a/b"}, "--registry-secret: 'a/b' is no name"),
        ({"git_secret": "A"}, "--git-secret: 'A' is no name"),
        ({"executor_image": "kaniko"}, "--executor-image: 'kaniko' has no tag"),
        ({"executor_image": ""}, "--executor-image is empty"),
        ({"build_args": ["VERSION"]}, "--build-arg: 'VERSION': write NAME=VALUE"),
        ({"build_args": ["1=canary"]}, "--build-arg: '1': write NAME=VALUE"),
        ({"platform": "arm"}, "--platform: invalid"),
        ({"cache_repo": "A"}, "--cache-repo: invalid image reference"),
        ({"limits": {"memory": "lots"}}, "--memory: 'lots' is no quantity"),
        ({"flags": ["use-new-run"]}, "--executor-flag: 'use-new-run' is no flag"),
        ({"flags": ["--destination=evil/web:1"]}, "'--destination' is what the Job says"),
        ({"flags": ["-cdir:///"]}, "'-cdir:///' is no flag"),
        ({"flags": ["--digest-file=/x"]}, "'--digest-file' is what the Job says"),
    ],
)
def test_what_is_wrong_is_told(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        asked(**changes)

    assert problem in str(caught.value)
    assert "canary" not in str(caught.value)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        asked(context="", destinations=[], namespace="_", platform="x", limits={"cpu": "?"})

    assert len(str(caught.value).splitlines()) == 5


def test_plain_http_is_permitted_by_name() -> None:
    assert asked(context="http://git.example/a", is_insecure=True).context.scheme == "http"


def test_a_repository_for_the_cache_means_that_there_is_one() -> None:
    assert asked(cache_repo="registry.example/acme/cache").has_cache


@pytest.mark.parametrize("name", ["", "Web", "a.b", "-a", "a" * 53])
def test_a_name_that_no_job_can_have_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="--name"):
        check_job_name(name)
