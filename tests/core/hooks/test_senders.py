"""How senders prove themselves."""

import hashlib
import hmac

import pytest

from reconciler.core.hooks.senders import (
    SENDERS,
    Sender,
    delivery_of,
    is_authentic,
    may_be_authentic,
    path_key,
    sender_of,
)

SECRET = b"correct horse battery staple"
OTHER = b"another secret of that length"
BODY = b'{"ref":"refs/heads/main"}'


def sender(name: str) -> Sender:
    found = sender_of(*name.split("/"))
    assert found is not None
    return found


def signature(secret: bytes = SECRET, body: bytes = BODY) -> str:
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


def proof_of(each: Sender, secret: bytes) -> tuple[dict[str, str], str | None]:
    """Return the headers and the key that such a sender gives."""
    text = secret.decode()
    match each.proof.value:
        case "signature":
            prefix = "sha256=" if each.headers[0] == "x-hub-signature-256" else ""
            return {each.headers[0]: prefix + signature(secret)}, None
        case "token":
            return {each.headers[0]: text}, None
        case "bearer":
            return {"authorization": f"Bearer {text}"}, None
        case _:
            return {}, path_key(secret, each)


@pytest.mark.parametrize("each", SENDERS, ids=lambda each: f"{each.family}/{each.name}")
def test_each_is_believed_with_its_own_proof_and_with_no_other(each: Sender) -> None:
    headers, key = proof_of(each, SECRET)
    assert is_authentic(each, SECRET, headers, key, BODY)
    assert is_authentic(each, SECRET, {}, path_key(SECRET, each), BODY)

    wrong, wrong_key = proof_of(each, OTHER)
    assert not is_authentic(each, SECRET, wrong, wrong_key, BODY)
    assert not is_authentic(each, SECRET, {}, None, BODY)
    assert not is_authentic(each, SECRET, dict.fromkeys(headers, ""), "", BODY)
    assert not is_authentic(each, SECRET, dict.fromkeys(headers, "é\udcff"), None, BODY)
    for another in SENDERS:
        if another is not each:
            assert not is_authentic(each, SECRET, {}, path_key(SECRET, another), BODY)


def test_a_signature_is_about_the_body() -> None:
    github = sender("git/github")
    headers = {"x-hub-signature-256": f"sha256={signature()}"}

    assert may_be_authentic(github, SECRET, headers, None)
    assert not is_authentic(github, SECRET, headers, None, BODY + b" ")


def test_all_signatures_that_are_there_must_be_right() -> None:
    gitea = sender("git/gitea")
    good, bad = signature(), signature(OTHER)

    both = {"x-gitea-signature": good, "x-hub-signature-256": f"sha256={good}"}
    assert is_authentic(gitea, SECRET, both, None, BODY)
    assert not is_authentic(gitea, SECRET, {**both, "x-gitea-signature": bad}, None, BODY)


@pytest.mark.parametrize("said", ["Bearer {}", "bearer  {}", "{}"])
def test_a_bearer_may_come_with_its_scheme_or_without_as_harbor_sends_it(said: str) -> None:
    headers = {"authorization": said.format(SECRET.decode())}

    assert is_authentic(sender("registry/harbor"), SECRET, headers, None, BODY)


def test_a_delivery_has_the_name_that_its_sender_gives_it() -> None:
    gitea = sender("git/gitea")

    assert delivery_of(gitea, {"x-gitea-delivery": "1", "x-forgejo-delivery": ""}) == "1"
    assert delivery_of(gitea, {"x-github-delivery": "1"}) == ""
    assert sender_of("git", "distribution") is None
