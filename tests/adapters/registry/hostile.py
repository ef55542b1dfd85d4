"""What registries can do to us, and what is said of it: the table of the reference.

The words may hold ``{connect}``, ``{read}``, ``{answer}``, ``{lists}`` (seconds), ``{pages}``,
``{tags}`` (limits) and ``{elsewhere}`` (a host that is never to be asked).
"""

import gzip
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.settings import RegistrySettings
from tests.simulators.registry import Reply, Request

Answer = Callable[[Request, str], Reply]

LINK_LOCAL = "169.254.169.254"


@dataclass(frozen=True, slots=True)
class Hostile:
    """A way to misbehave.

    Attributes:
        title: what it does, in the reference's words.
        words: what is said of it.
        answer: gives its answers, from the request and a host that is never to be asked.
        is_tried_again: whether another attempt within the cycle may help.
        kind: the error's name.
        server: how it is reached: ``plain`` HTTP; ``tls``, and with a certificate that is
            ``untrusted``, ``expired``, ``misnamed``; where TLS is due, ``no-tls``, ``alert``
            and ``silent``;
            ``full`` (takes no connections); ``absent``; ``unknown``.
    """

    title: str
    words: str
    answer: Answer
    is_tried_again: bool = False
    kind: str = "RegistryError"
    server: str = "plain"

    def said(self, settings: RegistrySettings, **more: object) -> str:
        """Return the words, with the numbers of the settings."""
        return self.words.format(
            connect=settings.connect_timeout_s,
            read=settings.read_timeout_s,
            answer=settings.answer_timeout_s,
            **more,
        )


def always(reply: Reply) -> Answer:
    return lambda _request, _elsewhere: reply


def challenge(value: str, status: int = 401) -> Answer:
    return lambda _, elsewhere: Reply(
        status=status, headers={"WWW-Authenticate": value.replace("ELSEWHERE", elsewhere)}
    )


def bearer(realm: str) -> Answer:
    return challenge(f'Bearer realm="{realm}",service="lab"')


def linked(target: str) -> Answer:
    return lambda _, elsewhere: Reply(
        headers={"Link": f'<{target.replace("ELSEWHERE", elsewhere)}>; rel="next"'}
    )


def redirected(target: str) -> Answer:
    return lambda _, elsewhere: Reply(
        status=307, headers={"Location": target.replace("ELSEWHERE", elsewhere)}
    )


def growing(reply: Callable[[int], Reply]) -> Answer:
    """Answer each page with a link to another one, whose URL is longer."""

    def answer(request: Request, _: str) -> Reply:
        page = reply(len(request.path))
        return Reply(
            body=page.body, delay_s=page.delay_s, headers={"Link": f"<{request.path}1>; rel=next"}
        )

    return answer


def ring(request: Request, _: str) -> Reply:
    other = "?b" if request.path.endswith("?a") else "?a"
    return Reply(headers={"Link": f"<{other}>; rel=next"})


def token_service(reply: Reply) -> Answer:
    """Send for tokens to the registry's own host, and answer them with a reply."""

    def answer(request: Request, elsewhere: str) -> Reply:
        if request.path.startswith("/token"):
            location = {name: value.replace("ELSEWHERE", elsewhere)
                        for name, value in reply.headers.items()}  # fmt: skip
            return Reply(reply.status, reply.body, location)
        realm = f"http://{request.headers['Host']}/token"
        return Reply(status=401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"'})

    return answer


NO_LIST = "the registry answered with something that is no list of tags"
TOO_LARGE = "answer is larger than 8,388,608 bytes"
NOT_FINISHED = "did not finish its answer within {answer:g} s"
INSIDE = "is an address inside a network"
PLAIN = "is plain HTTP, which only a registry of plain HTTP may ask for, on its own host"
BOMB = gzip.compress(bytes(64 * 1024 * 1024))
DEEP = b'{"tags":' + b"[" * 100_000

TABLE = (
    Hostile(
        "says nothing", "did not answer within {read:g} s", always(Reply(delay_s=60)),
        is_tried_again=True,
    ),
    Hostile(
        "sends a list drop by drop", NOT_FINISHED, always(Reply(drip_s=0.4)), is_tried_again=True
    ),
    Hostile(
        "sends a header drop by drop", NOT_FINISHED,
        always(Reply(wire=b"HTTP/1.1 200 OK\r\nX-Slow: very", drip_s=0.4)), is_tried_again=True,
    ),
    Hostile(
        "sends `100 Continue` for ever", NOT_FINISHED,
        always(Reply(wire=b"HTTP/1.1 100 Continue\r\n\r\n", is_endless=True)), is_tried_again=True,
    ),
    Hostile(
        "hangs up before it answers",
        "the connection broke: Remote end closed connection without response",
        always(Reply(wire=b"")), is_tried_again=True,
    ),
    Hostile(
        "hangs up in the middle of a list",
        "the connection broke: IncompleteRead(16 bytes read, 9984 more expected)",
        always(Reply(promised=10_000)), is_tried_again=True,
    ),
    Hostile(
        "sends hundreds of headers", "the connection broke: got more than 100 headers",
        always(Reply(headers={f"X-{number}": "x" for number in range(200)})), is_tried_again=True,
    ),
    Hostile(
        "is no HTTP server", "it answers with something that is no HTTP",
        always(Reply(wire=b"SSH-2.0-OpenSSH_9.9\x1b[31m\r\n")), is_tried_again=True,
    ),
    Hostile("fails", "the registry answered 503", always(Reply(503)), is_tried_again=True),
    Hostile(
        "wants us to wait, and does not say for how long", "the registry answered 429",
        always(Reply(429)), is_tried_again=True,
    ),
    Hostile("answers with nonsense", "the registry answered 418", always(Reply(418))),
    Hostile(
        "asks for more time than a cycle has", "the registry answered 429",
        always(Reply(429, headers={"Retry-After": "3600"})), is_tried_again=True,
    ),
    Hostile("sends a list without end", TOO_LARGE,
            always(Reply(body=b'"v1",' * 10_000, is_endless=True))),
    Hostile("sends a small list that unpacks to a huge one", TOO_LARGE,
            always(Reply(body=BOMB, headers={"Content-Encoding": "gzip"}))),
    Hostile(
        "packs what cannot be unpacked", "its answer is not compressed as it says",
        always(Reply(headers={"Content-Encoding": "gzip"})), is_tried_again=True,
    ),
    Hostile("sends no JSON", NO_LIST, always(Reply(body=b"<html>"))),
    Hostile("sends JSON of other types", NO_LIST, always(Reply(body=b'{"tags": {"v1": 1}}'))),
    Hostile("sends JSON nested beyond measure", NO_LIST, always(Reply(body=DEEP))),
    Hostile("sends what is no UTF-8", NO_LIST, always(Reply(body=b'{"tags": ["\xff"]}'))),
    Hostile(
        "has pages without end", "the registry has more than {pages:,} pages of tags",
        growing(lambda _: Reply()),
    ),
    Hostile(
        "has tags without end", "the registry lists more than {tags:,} tags",
        growing(lambda page: Reply(body=b'{"tags": [%s]}' % b",".join(
            b'"v%d.%d"' % (page, number) for number in range(500)))),
    ),
    Hostile(
        "has many pages that take their time",
        "did not list all its tags within {lists:g} s",
        growing(lambda _: Reply(delay_s=0.5)),
    ),
    Hostile("has pages in a ring", "the registry lists its tags in a ring: this page comes again",
            ring),
    Hostile(
        "links to the page that it is",
        "its next-page link leads to the same page: '/v2/acme/web/tags/list?n=1000'",
        linked("/v2/acme/web/tags/list?n=1000"),
    ),
    Hostile(
        "links to another host",
        "its next-page link leads to another host: 'http://{elsewhere}/v2/?n=1'",
        linked("http://ELSEWHERE/v2/?n=1"),
    ),
    Hostile(
        "links to no URL", "its next-page link is no URL: 'http://[x/'", linked("http://[x/")
    ),
    Hostile(
        "speaks TLS and redirects to another host in plain HTTP",
        "the registry redirects to 'http://{elsewhere}/v2/', which is not followed",
        redirected("http://ELSEWHERE/v2/"), server="tls",
    ),
    Hostile(
        "redirects to where only we can reach",
        f"the registry redirects to 'http://{LINK_LOCAL}/latest', which is not followed",
        redirected(f"http://{LINK_LOCAL}/latest"),
    ),
    Hostile(
        "redirects to no URL", "the registry redirects to 'http://[x/', which is not followed",
        redirected("http://[x/"),
    ),
    Hostile(
        "redirects for ever", "the registry redirects more than 3 times",
        lambda request, _: Reply(307, headers={"Location": f"{request.path}1"}),
    ),
    Hostile(
        "wants a password that nobody has",
        "the registry wants a password, and none is known for it: give one that may pull in the"
        " workload's imagePullSecrets or by --docker-config",
        challenge('Basic realm="lab"'), kind="AccessDeniedError",
    ),
    Hostile(
        "wants a login of a kind that is not known",
        "the registry wants negotiate; only basic and bearer (with a realm) are known here",
        challenge("Negotiate"), kind="AccessDeniedError",
    ),
    Hostile(
        "forbids it", "the registry forbids listing the tags of 'acme/web'",
        always(Reply(403)), kind="AccessDeniedError",
    ),
    Hostile(
        "has no such repository", "the registry has no repository 'acme/web'",
        always(Reply(404)), kind="NotFoundError",
    ),
    Hostile(
        "sends for tokens to where only we can reach",
        f"its token realm 'https://{LINK_LOCAL}/token' {INSIDE}",
        bearer(f"https://{LINK_LOCAL}/token"),
    ),
    Hostile(
        "the same, to a private network", f"its token realm 'https://10.0.0.1/token' {INSIDE}",
        bearer("https://10.0.0.1/token"),
    ),
    Hostile(
        "the same, by a number", f"its token realm 'https://2852039166/token' {INSIDE}",
        bearer("https://2852039166/token"),
    ),
    Hostile(
        "the same, by an IPv6 address",
        f"its token realm 'https://[::ffff:169.254.169.254]/token' {INSIDE}",
        bearer("https://[::ffff:169.254.169.254]/token"),
    ),
    Hostile(
        "the same, by a URL that can be read as one of two hosts",
        r"its token realm 'https://169.254.169.254\\.registry.test/token' is no URL",
        bearer(r"https://169.254.169.254\\.registry.test/token"),
    ),
    Hostile(
        "the same, after a user name",
        f"its token realm 'https://registry.test@{LINK_LOCAL}/token' has a user name in it",
        bearer(f"https://registry.test@{LINK_LOCAL}/token"),
    ),
    Hostile(
        "sends for tokens to another host in plain HTTP",
        f"its token realm 'http://other.test/token' {PLAIN}",
        bearer("http://other.test/token"),
    ),
    Hostile(
        "speaks TLS and sends for tokens in plain HTTP",
        f"its token realm 'http://{{elsewhere}}/token' {PLAIN}",
        bearer("http://ELSEWHERE/token"), server="tls",
    ),
    Hostile(
        "sends for tokens by no URL of the web",
        "its token realm 'file:///etc/passwd' is no URL", bearer("file:///etc/passwd"),
    ),
    Hostile(
        "has a token service that fails", "its token service answered 500",
        token_service(Reply(500)), is_tried_again=True,
    ),
    Hostile(
        "has a token service that sells no tokens",
        "its token service answered with something that holds no token",
        token_service(Reply(body=b'{"token": 7}')),
    ),
    Hostile(
        "has a token service that redirects to another host",
        "its token service redirects to 'http://{elsewhere}/token', which is not followed",
        token_service(Reply(307, headers={"Location": "http://ELSEWHERE/token"})),
    ),
    Hostile(
        "takes no token that its service sells",
        "the registry wants a password, and none is known for it, or it has no repository"
        " 'acme/web': give one that may pull in the workload's imagePullSecrets or by"
        " --docker-config",
        token_service(Reply(body=b'{"token": "anything"}')), kind="AccessDeniedError",
    ),
    Hostile(
        "is not there", "cannot connect: Connection refused", always(Reply()),
        is_tried_again=True, server="absent",
    ),
    Hostile(
        "takes no connections", "cannot connect: no answer within {connect:g} s", always(Reply()),
        is_tried_again=True, server="full",
    ),
    Hostile(
        "has a name that nobody knows", "cannot connect: Name or service not known",
        always(Reply()), is_tried_again=True, server="unknown",
    ),
    Hostile(
        "speaks TLS and hangs up before it answers",
        "the connection broke: Remote end closed connection without response",
        always(Reply(wire=b"")), is_tried_again=True, server="tls",
    ),
    Hostile(
        "takes connections and never says a word of TLS",
        "TLS failed: no answer within {connect:g} s", always(Reply()),
        is_tried_again=True, server="silent",
    ),
    Hostile(
        "speaks plain HTTP where TLS is due",
        "TLS failed: it speaks no TLS: permit plain HTTP with --registry-insecure, if that is"
        " meant",
        always(Reply()), server="no-tls",
    ),
    Hostile(
        "ends each TLS handshake", "TLS failed: alert handshake failure", always(Reply()),
        is_tried_again=True, server="alert",
    ),
    Hostile(
        "shows a certificate of nobody we know",
        "TLS failed: its certificate is not trusted (unable to get local issuer certificate):"
        " name its CA with --registry-ca-file",
        always(Reply()), server="untrusted",
    ),
    Hostile(
        "shows a certificate that has expired",
        "TLS failed: its certificate is not valid: certificate has expired",
        always(Reply()), server="expired",
    ),
    Hostile(
        "shows a certificate for another name",
        "TLS failed: its certificate is not valid: Hostname mismatch, certificate is not valid"
        " for 'registry.test'",
        always(Reply()), server="misnamed",
    ),
)  # fmt: skip
