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


ESCALATION = (
    'user "system:serviceaccount:web:deployer" (groups=["system:authenticated"]) is attempting to'
    ' grant RBAC permissions not currently held: {APIGroups:[""], Resources:["nodes"]}'
)


@pytest.mark.parametrize(
    ("resource", "rule"),
    [
        pytest.param(
            "roles", "resources: [roles], resourceNames: [x], verbs: [escalate]", id="role"
        ),
        pytest.param(
            "clusterrolebindings",
            "resources: [roles, clusterroles], resourceNames: [the role that is bound],"
            " verbs: [bind]",
            id="binding",
        ),
    ],
)
def test_who_hands_out_rights_that_it_has_not_is_told_what_would_let_it(
    resource: str, rule: str
) -> None:
    said = f'{resource}.rbac.authorization.k8s.io "x" is forbidden: {ESCALATION}'

    error = failure_of(403, {"message": said}, what="PATCH /x", url=URL)

    assert isinstance(error, AccessDeniedError)
    assert error.message.startswith(f"{said}; who hands out rights must have them: ")
    assert error.message.endswith(f': apiGroups: ["rbac.authorization.k8s.io"], {rule}')


def test_what_others_forbid_is_told_as_they_tell_it() -> None:
    said = 'pods "web" is forbidden: exceeded quota: small'

    error = failure_of(403, {"message": said}, what="PATCH /x", url=URL)

    assert isinstance(error, AccessDeniedError)
    assert error.message == said


def test_wrong_credentials_are_told_in_our_words() -> None:
    error = failure_of(401, {"message": "Unauthorized"}, what="GET /x", url=URL)

    assert isinstance(error, AccessDeniedError)
    assert error.message == "GET /x: credentials refused"
