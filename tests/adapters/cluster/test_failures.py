import pytest

from reconciler.adapters.cluster.failures import failure_of
from reconciler.errors import AccessDeniedError

URL = "https://10.0.0.1"
DENIED = (
    'deployments.apps "web" is forbidden: User "robot" cannot patch resource "deployments" in API'
    ' group "apps" in the namespace "shop"'
)


@pytest.mark.parametrize(
    ("what", "verb", "granted"),
    [
        pytest.param("PATCH /x", "patch", "get, list, watch, create, patch, delete", id="apply"),
        pytest.param("watch /x", "watch", "watch", id="watch"),
        pytest.param("PUT /x", "update", "update", id="our-own-memory"),
    ],
)
def test_what_rbac_refuses_is_told_with_the_rule_that_grants_it(
    what: str, verb: str, granted: str
) -> None:
    said = DENIED.replace("cannot patch", f"cannot {verb}")

    error = failure_of(403, {"message": said}, what=what, url=URL)

    assert isinstance(error, AccessDeniedError)
    assert error.message == (
        f'{said}; this rule grants it: apiGroups: ["apps"], resources: [deployments],'
        f" verbs: [{granted}]"
    )


def test_what_others_forbid_is_told_as_they_tell_it() -> None:
    said = 'pods "web" is forbidden: exceeded quota: small'

    error = failure_of(403, {"message": said}, what="PATCH /x", url=URL)

    assert isinstance(error, AccessDeniedError)
    assert error.message == said


def test_wrong_credentials_are_told_in_our_words() -> None:
    error = failure_of(401, {"message": "Unauthorized"}, what="GET /x", url=URL)

    assert isinstance(error, AccessDeniedError)
    assert error.message == "GET /x: credentials refused"
