import pytest

from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.lookup import find
from reconciler.errors import NotFoundError

NGINX = ObjectKey("apps", "Deployment", "web", "nginx")
OTHER = ObjectKey("apps", "Deployment", "shop", "nginx")
DATABASE = ObjectKey("apps", "StatefulSet", "data", "postgres")
ROLLOUT = ObjectKey("argoproj.io", "Deployment", "web", "nginx")
KNOWN = (NGINX, OTHER, DATABASE)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        pytest.param("web:deployment/nginx", NGINX, id="whole"),
        pytest.param("web:Deployment/nginx", NGINX, id="kind-as-written"),
        pytest.param("shop:deploy/nginx", OTHER, id="short-kind"),
        pytest.param("statefulset/postgres", DATABASE, id="without-namespace"),
        pytest.param("sts/postgres", DATABASE, id="short-without-namespace"),
    ],
)
def test_a_workload_is_found_by_its_name(text: str, key: ObjectKey) -> None:
    assert find(text, KNOWN) == {key}


def test_the_same_name_in_two_groups_means_both() -> None:
    assert find("web:deployment/nginx", [*KNOWN, ROLLOUT]) == {NGINX, ROLLOUT}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "deployment/nginx",
            "'deployment/nginx' may be shop:deployment/nginx or web:deployment/nginx: "
            "name the namespace",
            id="ambiguous",
        ),
        pytest.param("postgres", "did you mean 'data:statefulset/postgres'?", id="name-alone"),
        pytest.param("data:sts/postgras", "did you mean 'data:statefulset/postgres'?", id="slip"),
        pytest.param(
            "data:deployment/postgres", "did you mean 'data:statefulset/postgres'?", id="kind"
        ),
        pytest.param(
            "x",
            "there is no workload 'x'; there is data:statefulset/postgres, "
            "shop:deployment/nginx, web:deployment/nginx",
            id="nothing-near",
        ),
        pytest.param("", "there is no workload ''; there is data:statefulset/postg", id="empty"),
    ],
)
def test_a_miss_says_what_is_near(text: str, message: str) -> None:
    with pytest.raises(NotFoundError) as raised:
        find(text, KNOWN)

    assert message in raised.value.message


def test_a_miss_among_nothing_says_so() -> None:
    with pytest.raises(NotFoundError, match="there is no workload 'a/b': no manifest has one"):
        find("a/b", [])
