"""What an installation remembers of itself."""

from reconciler.core.installation.inventory import Installed, decode, encode
from reconciler.core.objects.identity import ObjectKey

NAMESPACE = ObjectKey("", "Namespace", "", "tools")
DEPLOYMENT = ObjectKey("apps", "Deployment", "tools", "reconcile")


def test_what_is_written_is_read() -> None:
    installed = Installed((NAMESPACE, DEPLOYMENT), ("default", "shop"))

    assert decode(encode(installed)) == installed


def test_what_was_made_once_stays_in_the_order_of_making() -> None:
    before = Installed((DEPLOYMENT,), ("shop",))

    assert before.joined([NAMESPACE], ["default"]) == Installed(
        (NAMESPACE, DEPLOYMENT), ("default", "shop")
    )


def test_what_cannot_be_read_is_left_out() -> None:
    assert decode({}) == Installed()
    assert decode({"objects.json": "[", "sources.json": "7"}) == Installed()
    assert decode({"objects.json": '[{"kind": 3}, "x", {"kind": "Secret"}]'}) == Installed()


def test_what_install_never_makes_is_left_out_whoever_wrote_it() -> None:
    strangers = (
        ObjectKey("", "Pod", "web", "a"),
        ObjectKey("apps", "StatefulSet", "web", "db"),
        ObjectKey("", "Secret", "", "of no namespace"),
        ObjectKey("", "Namespace", "web", "in a namespace"),
    )

    assert decode(encode(Installed((*strangers, DEPLOYMENT)))) == Installed((DEPLOYMENT,))
