"""Over generated manifests: only the planned scalar differs, and an edit can be taken back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.decision import Change, decide
from reconciler.core.images.knowledge import Knowledge
from reconciler.core.manifests.comparison import PlannedScalar, differs_as_planned
from reconciler.core.manifests.document import Node, Scalar, parse_documents
from reconciler.core.manifests.edit import (
    TextEdit,
    apply_edits,
    edit_scalars,
    is_editable,
    replace_scalar,
)
from reconciler.core.manifests.images import FileReport, inspect
from reconciler.core.manifests.located import Sign, signs_of
from reconciler.core.manifests.parser import SCALAR, Part, cut
from reconciler.core.manifests.value import check_value, to_value
from reconciler.core.message import ImageTrailer, compose, parse_by, parse_trailers
from reconciler.core.plan import UpdatePlan, make_plan, repositories
from reconciler.errors import ManifestError

IMAGE = "registry.example:5000/acme/web"
OLD, NEW = (f"sha256:{digit * 64}" for digit in "0a")


@dataclass(frozen=True)
class Style:
    """How a generated manifest is written."""

    newline: str
    step: int
    list_step: int
    quote: str
    gap: str
    comment: str
    mark: str
    end: str
    bom: str


styles = st.builds(
    Style,
    newline=st.sampled_from(["\n", "\r\n"]),
    step=st.integers(1, 6),
    list_step=st.integers(0, 4),
    quote=st.sampled_from(["", "'", '"']),
    gap=st.sampled_from([" ", "  ", "      "]),
    comment=st.sampled_from(["", " # a comment", f"   # was {IMAGE}:v3", " # é 漢 🚀", "\t# tab"]),
    mark=st.sampled_from(["", "---", "--- # first", "# only a comment"]),
    end=st.sampled_from(["", "newline", "blank lines", "mark"]),
    bom=st.sampled_from(["", "\ufeff"]),
)


def written(style: Style, tags: list[str]) -> str:
    """Return a Deployment's manifest in a style, with one container a tag."""
    pad = [" " * (style.step * depth) for depth in range(6)]
    item = pad[3] + " " * style.list_step
    lines = [
        *([style.mark] if style.mark else []),
        f"apiVersion:{style.gap}apps/v1",
        "kind: Deployment",
        "metadata:",
        f"{pad[1]}name: web{style.comment}",
        f"{pad[1]}annotations:",
        f'{pad[2]}fluxcd.io/automated: "true"',
        "spec:",
        f"{pad[1]}template:",
        f"{pad[2]}spec:",
        f"{pad[3]}containers:",
    ]
    for number, tag in enumerate(tags):
        value = f"{style.quote}{IMAGE}:{tag}{style.quote}"
        lines.append(f"{item}- name: c{number}")
        lines.append(f"{item}  image:{style.gap}{value}{style.comment}")
    ends = {"": "", "newline": "\n", "blank lines": "\n\n  \n", "mark": "\n...\n"}
    return style.bom + ("\n".join(lines) + ends[style.end]).replace("\n", style.newline)


def planned(text: str, *listed: str) -> tuple[str, UpdatePlan]:
    report: FileReport = inspect("a.yaml", text, default_namespace="default")
    tags = dict.fromkeys(repositories([report]), listed)
    known = dict.fromkeys(tags, Knowledge(dict.fromkeys(listed, NEW)))
    plan = make_plan([report], {"a.yaml": text}, decide([report], tags, known))
    return plan.contents.get("a.yaml", text), plan


suffixes = st.sampled_from(["v3", "v2", "v10", f"v3@{OLD}", f"v10@{OLD}"])


@given(styles, st.lists(suffixes, min_size=1, max_size=4))
def test_only_the_planned_words_differ_whatever_the_style(style: Style, tags: list[str]) -> None:
    text = written(style, tags)

    after, plan = planned(text, "v1", "v11", "v3")

    assert after == written(style, [f"v11@{NEW}" if "@" in tag else "v11" for tag in tags])
    assert len(plan.changes) == len(tags)
    assert plan.problems == ()
    assert planned(after, "v1", "v11", "v3")[1].changes == ()


@given(styles, st.integers(4, 999))
def test_an_edit_can_be_taken_back_to_the_same_bytes(style: Style, number: int) -> None:
    text = written(style, ["v3"])
    after, plan = planned(text, f"v{number}")
    (change,) = plan.changes

    end = change.field.written.scalars[0].end - len(style.quote)
    back = TextEdit(end - len("v3"), end + len(f"v{number}") - len("v3"), "v3")

    assert apply_edits(after, [back]) == text


@given(
    st.text(alphabet=st.sampled_from("ab:-[]{}\"'\n \t#&*!|>?%,~01.\r\ufeff\u2028é"), max_size=60)
)
def test_any_text_is_read_or_refused_with_its_place(text: str) -> None:
    errors: list[ManifestError] = []
    for document in parse_documents(text, path="a.yaml"):
        if document.error is not None:
            errors.append(document.error)
            continue
        try:
            to_value(document.root, path="a.yaml")
        except ManifestError as error:
            errors.append(error)

    assert all(error.where.startswith("a.yaml:") for error in errors)
    for part in cut(text):
        is_read = signs(part.text) is not None
        assert differs_as_planned(part, part, (), known=None, path="a.yaml") is is_read


def signs(text: str) -> list[Sign] | None:
    try:
        return signs_of(text, path="a.yaml")
    except ManifestError:
        return None


yaml_texts = st.lists(
    st.sampled_from(
        [*"ab \n\r\t:,-?[]{}'\"|>&*!#%1é\u2028", "a: ", "\n  ", "- ", "\n---\n", "\n...\n", "&x ",
         "*x", "!t ", "# c", ": |\n  ", ": >-\n   ", "\n? ", "\n: ", "<<: ", "v1", "v2", "\ufeff"]
    ),
    max_size=14,
).map("".join)  # fmt: skip


@given(yaml_texts)
def test_what_is_good_at_first_sight_has_a_value(text: str) -> None:
    for document in parse_documents(text, path="a.yaml"):
        assert refused(check_value, document.root) == refused(to_value, document.root)


def refused(read: Callable[..., object], node: Node | None) -> str:
    try:
        read(node, path="a.yaml")
    except ManifestError as error:
        return str(error)
    return ""


@given(yaml_texts, yaml_texts, st.sampled_from(["v1", "'v1'", '"v1"']), yaml_texts)
def test_no_edit_is_proved_that_changes_another_event(
    head: str, tail: str, written: str, new: str
) -> None:
    """The digests say no more than the events themselves, compared one by one."""
    text, after = f"{head}{written}{tail}", f"{head}{new}{tail}"
    before = signs(text)
    style = written.strip("v1")[:1]
    start, end = len(head), len(head) + len(written)
    for value, new_style in (
        ("v2", style),
        (new, ""),
        (new.strip("'"), "'"),
        (new.strip('"'), '"'),
    ):
        wish = PlannedScalar(start, end, len(new) - len(written), ("v1", style), (value, new_style))
        parts = Part(text, 0, 1), Part(after, 0, 1)
        if differs_as_planned(*parts, [wish], known=None, path="a.yaml"):
            others = signs(after)
            assert before is not None
            assert others is not None
            different = [pair for pair in zip(before, others, strict=True) if pair[0] != pair[1]]
            changed = Sign(SCALAR, value=value, style=new_style)
            assert [other._replace(anchor=None, tag=None) for _, other in different] == [
                changed
            ] * ((value, new_style) != ("v1", style))
            assert all((one.value, one.style) == ("v1", style) for one, _ in different)


@given(yaml_texts, yaml_texts, st.sampled_from(["", "'", '"']))
def test_an_edit_of_a_scalar_is_proved_wherever_it_stands(head: str, tail: str, quote: str) -> None:
    text = f"{head}\n- {quote}v1{quote}\n---\n{tail}"
    for document in parse_documents(text, path="a.yaml"):
        for scalar in scalars_of(document.root, set()):
            if scalar.value == "v1" and is_editable(text, scalar):
                edit = replace_scalar(text, scalar, "v22")
                after = edit_scalars(text, [edit], path="a.yaml")
                assert after == apply_edits(text, [edit.edit])


def scalars_of(node: Node | None, seen: set[int]) -> Iterator[Scalar]:
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, Scalar):
        yield node
    else:
        for each in node.inside:
            yield from scalars_of(each, seen)


parts = st.text(min_size=1, max_size=30)


@given(parts, parts, parts, parts, parts)
def test_a_trailer_survives_whatever_its_parts_hold(
    path: str, workload: str, container: str, old: str, new: str
) -> None:
    parsed = ImageTrailer(path, workload, container, old, new)

    assert parse_trailers(f"Subject\n\nbody\n\n{parsed}\nReconcile-By: a@b\n") == (parsed,)


@given(st.lists(st.integers(4, 99), min_size=1, max_size=3))
def test_a_composed_message_is_read_back(numbers: list[int]) -> None:
    changes: list[Change] = []
    for number in numbers:
        text = written(Style("\n", 2, 0, "", " ", "", "", "newline", ""), ["v3"])
        changes += planned(text, f"v{number}")[1].changes

    message = compose(changes, by="default@1f3a9c02")
    squashed = f"A merge\n\n* {message}\n* another\n"

    assert parse_by(message) == "default@1f3a9c02"
    assert [trailer.new for trailer in parse_trailers(message)] == [
        f"{IMAGE}:v{number}" for number in numbers
    ]
    assert parse_trailers(squashed) == parse_trailers(message)
    assert all(line == line.rstrip() for line in message.splitlines())
