"""Saved tags: what an image's registry lists, in a file by which ``policy test`` says the same."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from reconciler.core.images.policy import DEFAULT_POLICY
from reconciler.core.images.rules import TagRules
from reconciler.core.images.tag_list import print_tag_list
from reconciler.core.survey import SurveyedImage
from reconciler.errors import SettingsError
from reconciler.interfaces.terminal import printable


def save(images: Sequence[SurveyedImage], name: str) -> None:
    """Write the tags of one image to a file, with what is known of them; none if nothing is known.

    Its first lines say whose they are, and the command that goes by them.

    Raises:
        SettingsError: there are several images, or the file cannot be written.
    """
    if len(images) > 1:
        names = ", ".join(image.field.container for image in images)
        raise SettingsError(f"--save-tags keeps those of one image: name a container of {names}")
    (image,) = images
    if not image.tags:
        return  # why they are not known is told as a problem
    excluded = image.field.rules.excluded
    tags = [tag for tag in image.tags if not any(each.matches(tag) for each in excluded)]
    head = "".join(f"# {printable(line)}\n" for line in _head(image, name))
    try:
        Path(name).write_text(head + print_tag_list(tags, image.knowledge), "utf-8")
    except OSError as error:
        raise SettingsError(f"cannot write the tags: {error.strerror}", where=name) from error
    except ValueError as error:  # a zero byte in the name
        raise SettingsError(f"{name!r} is no file name") from error


def _head(image: SurveyedImage, name: str) -> Iterator[str]:
    field = image.field
    yield f"{field.workload.workload} {field.container}: {field.text}"
    if field.reference is not None and field.reference.has_meant_tag:
        words = [*_options(field.rules), "--current", field.reference.effective_tag]
        yield shlex.join(["reconcile", "policy", "test", *words, "--tags-file", name])


def _options(rules: TagRules) -> Iterator[str]:
    """Yield the policy and the rules beside it, as ``policy test`` reads them."""
    yield "default" if rules.policy == DEFAULT_POLICY else str(rules.policy)
    if rules.tag_filter is not None:
        yield f"--filter={rules.tag_filter.pattern}"
        if rules.tag_filter.template:
            yield f"--extract={rules.tag_filter.template}"
    if rules.platforms:
        yield f"--platforms={','.join(map(str, rules.platforms))}"
    if rules.allows_downgrade:
        yield "--allow-downgrade"
    for tag, commit in rules.taken_back.tags:
        yield f"--taken-back={tag}={commit}"
