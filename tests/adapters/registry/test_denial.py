import pytest

from reconciler.adapters.registry.credentials import Elsewhere, Unusable
from reconciler.adapters.registry.denial import denial_message
from reconciler.core.images.reference import Repository

REPOSITORY = Repository("r.example:5000", "acme/web")
MEND = ": give one that may pull in the workload's imagePullSecrets or by --docker-config"
GONE = Unusable("the secret web/gone", "it is not there")
OTHER = Elsewhere("the secret web/other")


@pytest.mark.parametrize(
    ("refused", "beside", "is_forbidden", "message"),
    [
        pytest.param(
            [], [], False, "the registry wants a password, and none is known for it", id="nothing"
        ),
        pytest.param(
            ["the secret web/a", "config.json", "the secret web/a"],
            [],
            False,
            "the registry refused the login of the secret web/a and config.json",
            id="refused",
        ),
        pytest.param(
            ["the secret web/a"],
            [],
            True,
            "the registry forbids listing the tags of 'acme/web' to the login of the secret web/a",
            id="forbidden",
        ),
        pytest.param(
            [], [], True, "the registry forbids listing the tags of 'acme/web'", id="anonymous"
        ),
        pytest.param(
            [],
            [GONE, OTHER, GONE],
            False,
            "the registry wants a password, and none is known for it (the secret web/gone cannot "
            "be used: it is not there; the secret web/other has no login for "
            "r.example:5000/acme/web)",
            id="unusable",
        ),
        pytest.param(
            ["the secret web/a"],
            [GONE, OTHER],
            False,
            "the registry refused the login of the secret web/a (the secret web/gone cannot be "
            "used: it is not there)",
            id="both",
        ),
        pytest.param(
            [],
            [Elsewhere(f"the secret web/s{number}") for number in range(1234)],
            False,
            "the registry wants a password, and none is known for it (the secret web/s0 has no "
            "login for r.example:5000/acme/web; the secret web/s1 has no login for "
            "r.example:5000/acme/web; the secret web/s2 has no login for r.example:5000/acme/web; "
            "1,231 more cannot be used)",
            id="many",
        ),
    ],
)
def test_a_refusal_says_what_was_tried_what_could_have_been_and_what_to_do(
    refused: list[str], beside: list[Unusable | Elsewhere], is_forbidden: bool, message: str
) -> None:
    said = denial_message(REPOSITORY, refused=refused, beside=beside, is_forbidden=is_forbidden)

    assert said == message + MEND
