"""What registries can do to us with single images, and what is said of it: the second table.

The words may hold ``{read}``, ``{answer}`` (seconds), ``{digest}`` (what is asked for) and
``{elsewhere}`` (a host that is never to be asked).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lab.image_content import OCI, Content, Recipe, index_of, manifest_of
from tests.adapters.registry.hostile import (
    BOMB,
    LINK_LOCAL,
    NOT_FINISHED,
    TOO_LARGE,
    Answer,
    Hostile,
    always,
)
from tests.simulators.registry import Reply, Request
from tests.simulators.shelf import Shelf

PATH = "acme/web"
GOOD = Recipe().make()
CHART = Recipe(config_type="application/vnd.cncf.helm.config.v1+json").make()
OLD = Content("application/vnd.docker.distribution.manifest.v1+prettyjws", b'{"schemaVersion": 1}')
NAME = "'acme/web@{digest}'"
NOT_WHAT = "the registry answered with something that is not {digest}"
NOT_READ = f"{NAME} has a manifest that cannot be read"


@dataclass(frozen=True, slots=True)
class HostileImage(Hostile):
    """A way to misbehave that concerns one image.

    Attributes:
        digest: which image is asked about.
        fact: what is asked: ``digest`` (of the tag ``v1``), ``platforms``, ``created``.
    """

    digest: str = GOOD.digest
    fact: str = "created"


def shelf_of(*contents: Content) -> Shelf:
    shelf = Shelf()
    shelf.put(PATH, *contents)
    shelf.tag(PATH, "v1", contents[-1].digest)
    return shelf


def holding(*contents: Content) -> Answer:
    shelf = shelf_of(*contents)
    return lambda request, _: shelf(request)


def only(part: str, reply: Reply) -> Answer:
    """Misbehave for ``manifests`` or ``blobs``, and hold a good image else."""
    shelf = shelf_of(*GOOD.blobs, *GOOD.manifests)

    def answer(request: Request, elsewhere: str) -> Reply:
        if f"/{part}/" not in request.path:
            return shelf(request)
        target = reply.headers.get("Location", "").replace("ELSEWHERE", elsewhere)
        return replace(reply, headers={"Location": target}) if target else reply

    return answer


def blobs_at(target: str) -> Answer:
    return only("blobs", Reply(307, headers={"Location": target}))


def manifest(title: str, words: str, body: bytes, *before: Content) -> HostileImage:
    """Return the row of a registry that holds some bytes as a manifest."""
    content = Content(OCI.manifest, body)
    return no_image(title, words, *before, content)


def no_image(title: str, words: str, *contents: Content) -> HostileImage:
    kind = "NotFoundError" if words.startswith("'") else "RegistryError"
    return HostileImage(
        title, words, holding(*contents), kind=kind, digest=contents[-1].digest, fact="platforms"
    )


def nested(depth: int) -> Sequence[Content]:
    contents = [*GOOD.blobs, *GOOD.manifests]
    for _ in range(depth):
        contents.append(index_of([contents[-1].descriptor]))
    return contents


def of_config(body: bytes) -> Sequence[Content]:
    config = Content(OCI.config, body)
    return config, manifest_of(config, [])


TABLE = (
    HostileImage("has no such tag", "the registry does not have 'acme/web:v1'",
                 always(Reply(404)), kind="NotFoundError", fact="digest"),
    HostileImage("has no such image", f"the registry does not have {NAME}",
                 always(Reply(404)), kind="NotFoundError"),
    HostileImage("has lost the config of an image",
                 f"the registry does not have the config of {NAME}",
                 only("blobs", Reply(404)), kind="NotFoundError"),
    HostileImage("forbids reading images", "the registry forbids reading images of 'acme/web'",
                 always(Reply(403)), kind="AccessDeniedError"),
    HostileImage("says nothing to a HEAD", "did not answer within {read:g} s",
                 always(Reply(delay_s=60)), is_tried_again=True, fact="digest"),
    HostileImage("fails when a HEAD is asked", "the registry answered 500", always(Reply(500)),
                 is_tried_again=True, fact="digest"),
    HostileImage(
        "gives a tag a digest that its manifest has not",
        f"the registry answered with something that is not sha256:{'0' * 64}",
        lambda request, _: Reply(405) if request.method == "HEAD" else Reply(
            body=GOOD.manifests[-1].body, headers={"Docker-Content-Digest": f"sha256:{'0' * 64}"}),
        fact="digest",
    ),
    HostileImage("answers for a tag with a page for people",
                 "the registry answered with something that is no manifest",
                 always(Reply(body=b"<html>Please log in</html>")), fact="digest"),
    HostileImage("gives another manifest than the one that was asked for", NOT_WHAT,
                 only("manifests", Reply(body=CHART.manifests[-1].body))),
    HostileImage("gives another config", f"the registry answered with something that is not"
                 f" {GOOD.blobs[-1].digest}", only("blobs", Reply(body=b"{}"))),
    HostileImage("sends a manifest without end", "answer is larger than 4,194,304 bytes",
                 only("manifests", Reply(body=b'{"a":' * 10_000, is_endless=True))),
    HostileImage("sends a config without end", TOO_LARGE,
                 only("blobs", Reply(body=b'{"a":' * 10_000, is_endless=True))),
    HostileImage("sends a small config that unpacks to a huge one", TOO_LARGE,
                 lambda request, elsewhere: replace(
                     only("blobs", Reply(body=BOMB))(request, elsewhere),
                     headers={"Content-Encoding": "gzip"} if "/blobs/" in request.path else {})),
    HostileImage("sends a manifest drop by drop", NOT_FINISHED,
                 only("manifests", Reply(drip_s=0.4)), is_tried_again=True),
    HostileImage("sends a config drop by drop", NOT_FINISHED,
                 only("blobs", Reply(drip_s=0.4)), is_tried_again=True),
    manifest("has a manifest that is no JSON", NOT_READ, b"<html>"),
    manifest("has a manifest of other types", NOT_READ, b'{"manifests": [7]}'),
    manifest("has a manifest nested beyond measure", NOT_READ, b'{"config":' * 50_000),
    manifest("has a manifest that is no UTF-8", NOT_READ, b'{"mediaType": "\xff"}'),
    no_image("has a config that is no JSON", f"{NAME} has a config that cannot be read",
             *of_config(b"<html>")),
    no_image("has a config nested beyond measure", f"{NAME} has a config that cannot be read",
             *of_config(b'{"config":' * 50_000)),
    manifest("has a manifest of a kind that is not known",
             f"{NAME} is no image: its media type is 'application/vnd.example'",
             b'{"mediaType": "application/vnd.example"}'),
    manifest("has a manifest that is an index, too", f"{NAME} is no image: its media type is ''",
             b'{"config": {"digest": ""}, "manifests": []}'),
    manifest("has an index that names a path for a digest",
             f"{NAME} names '../../token', which is no digest",
             b'{"manifests": [{"digest": "../../token"}]}'),
    no_image("has something else than an image: a Helm chart",
             f"{NAME} is no image: its config is 'application/vnd.cncf.helm.config.v1+json'",
             *CHART.blobs, *CHART.manifests),
    no_image("has an image that does not say what it runs on",
             f"{NAME} is no image: it runs on no platform", *of_config(b"{}")),
    HostileImage(
        "has an image as nobody makes them any more",
        "'acme/web:v1' is a Docker schema 1 manifest, which clusters pull no more: push it anew",
        holding(OLD), kind="NotFoundError", fact="digest",
    ),
    no_image("has indexes in indexes without end",
             f"the registry has {NAME} in indexes more than 3 deep", *nested(4)),
    HostileImage("has an index that holds itself", NOT_WHAT, only("manifests", Reply(
        body=index_of([{"digest": GOOD.digest, "mediaType": OCI.index}]).body))),
    no_image("has an index of a thousand manifests that say nothing",
             f"the registry has {NAME} in more than 32 parts",
             index_of([Content(OCI.manifest, b"%d" % n).descriptor for n in range(1000)])),
    no_image("has an index of more than a thousand", f"{NAME} lists more than 1,000 manifests",
             index_of([GOOD.manifests[0].descriptor] * 1001)),
    HostileImage(
        "redirects for a blob to where only we can reach",
        f"the registry redirects to 'http://{LINK_LOCAL}/latest', which is not followed",
        blobs_at(f"http://{LINK_LOCAL}/latest"),
    ),
    HostileImage(
        "the same, in TLS",
        f"the registry redirects to 'https://{LINK_LOCAL}/latest', which is not followed",
        blobs_at(f"https://{LINK_LOCAL}/latest"), server="tls",
    ),
    HostileImage(
        "the same, by another number",
        "the registry redirects to 'https://2852039166/latest', which is not followed",
        blobs_at("https://2852039166/latest"),
    ),
    HostileImage(
        "speaks TLS and redirects for a blob in plain HTTP",
        "the registry redirects to 'http://{elsewhere}/blob', which is not followed",
        blobs_at("http://ELSEWHERE/blob"), server="tls",
    ),
    HostileImage(
        "redirects for a blob with a user name",
        f"the registry redirects to 'https://registry.test@{LINK_LOCAL}/', which is not followed",
        blobs_at(f"https://registry.test@{LINK_LOCAL}/"),
    ),
    HostileImage(
        "redirects for a blob to a file",
        "the registry redirects to 'file:///etc/passwd', which is not followed",
        blobs_at("file:///etc/passwd"),
    ),
    HostileImage("redirects for a blob for ever", "the registry redirects more than 3 times",
                 lambda request, elsewhere: blobs_at(f"{request.path}1")(request, elsewhere)),
)  # fmt: skip
