"""A commit template: what a person wants our messages to say, in Jinja2's sandbox."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.meta import find_undeclared_variables
from jinja2.nodes import Name
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from reconciler.core.nearest import nearest
from reconciler.errors import SettingsError
from reconciler.text_file import STANDARD_INPUT, read_text_file

MAX_FILE_BYTES: Final = 64 * 1024
MAX_CHARACTERS: Final = 4 * 2**20
"""Of a message: thousands of changes with some lines each."""
MAX_ROUNDS: Final = 10_000
"""That ``range`` gives in one rendering, over all loops."""
MAX_LENGTH: Final = 64 * 1024
"""Of a text or list that ``*`` and ``%`` make."""
MAX_BITS: Final = 1024
"""Of a whole number that ``**`` makes."""


class CommitTemplate:
    """A template that was read and understood. It asks nobody, and cannot change what it is given.

    Attributes:
        name: where it was read, for messages.
    """

    def __init__(self, text: str, *, name: str, known: Mapping[str, object]) -> None:
        """Understand a template, and try it.

        Args:
            text: the template.
            name: where it was read, for messages.
            known: data of the kind that it will be given, on which it is tried.

        Raises:
            SettingsError: it is none, or fails on these data; with the line.
        """
        self.name = name
        self._environment = _Sandbox(
            undefined=_Unknown, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=False
        )
        try:
            tree = self._environment.parse(text, filename=name)
            self._code = self._environment.compile(tree, filename=name)
        except TemplateSyntaxError as error:
            message = error.message or "is no template"
            raise SettingsError(_lowered(message), where=f"{name}:{error.lineno}") from error
        except (RecursionError, OverflowError, ValueError) as error:
            raise SettingsError(f"is no template: {_told(error)}", where=name) from error
        unknown = sorted(find_undeclared_variables(tree) - {*known, *self._environment.globals})
        if unknown:
            words = ", ".join(f"{each!r}{nearest(each, known)}" for each in unknown)
            lines = (each.lineno for each in tree.find_all(Name) if each.name in unknown)
            line = min(lines, default=1)
            raise SettingsError(f"there is no {words}", where=f"{name}:{line}")
        self.render(known)

    def render(self, data: Mapping[str, object]) -> str:
        """Return what the template makes of data.

        Raises:
            SettingsError: it fails, or makes too much of them; with the line.
        """
        self._environment.rounds_left = MAX_ROUNDS
        template = self._environment.template_class.from_code(
            self._environment, self._code, self._environment.make_globals(None)
        )
        try:
            return "".join(_bounded(template.generate(dict(data))))
        except Exception as error:  # a template may fail in any way that Python can
            raise SettingsError(_told(error), where=self._line_of(error)) from error

    def _line_of(self, error: Exception) -> str:
        """Return where in the template an error arose."""
        lines = [line for name, line in _frames(error.__traceback__) if name == self.name]
        return f"{self.name}:{lines[-1]}" if lines else self.name


def read_template(file: str | Path, *, known: Mapping[str, object]) -> CommitTemplate:
    """Read a template; ``-`` is standard input.

    Raises:
        SettingsError: the file cannot be read, or is no template; with the line.
    """
    name = "standard input" if str(file) == STANDARD_INPUT else str(file)
    text = read_text_file(file, max_bytes=MAX_FILE_BYTES)
    return CommitTemplate(text, name=name, known=known)


class _Sandbox(ImmutableSandboxedEnvironment):
    """A sandbox in which loops and texts have limits.

    Attributes:
        rounds_left: what ``range`` may give yet.
    """

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        self.rounds_left = MAX_ROUNDS
        self.globals["range"] = self._range

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        """Refuse what would be larger than a message can be."""
        is_plain = all(isinstance(each, int | float) for each in (left, right))
        if operator == "%" and not is_plain:
            raise OverflowError("'%' is for numbers; put texts together with '~'")
        if operator == "**" and (not is_plain or _bits_of_power(left, right) > MAX_BITS):
            raise OverflowError(f"'**' makes no number of more than {MAX_BITS:,} bits")
        if operator == "*" and _length(left, right) > MAX_LENGTH:
            raise OverflowError(f"'*' makes no more than {MAX_LENGTH:,} characters or items")
        return super().call_binop(context, operator, left, right)

    def _range(self, *arguments: int) -> range:
        found = range(*arguments)
        self.rounds_left -= len(found)
        if self.rounds_left < 0:
            raise OverflowError(f"'range' gives no more than {MAX_ROUNDS:,} numbers in all")
        return found


class _Unknown(StrictUndefined):
    """A name that means nothing: an error, which says what was probably meant."""

    @property
    def _undefined_message(self) -> str:
        """Return what Jinja2 raises."""
        of = self._undefined_obj
        known = [str(each) for each in of] if isinstance(of, Mapping) else ()
        name = str(self._undefined_name)
        return f"there is no {name!r}{nearest(name, known)}"


def _bounded(parts: Iterable[str]) -> Iterator[str]:
    """Yield the parts of a message as long as it may be."""
    room = MAX_CHARACTERS
    for part in parts:
        room -= len(part)
        if room < 0:
            raise OverflowError(f"makes more than {MAX_CHARACTERS:,} characters")
        yield part


def _bits_of_power(base: object, exponent: object) -> int:
    """Return how many bits a power has at most; of numbers that are not whole 0: they are small."""
    if isinstance(base, int) and isinstance(exponent, int):
        return base.bit_length() * max(exponent, 0)
    return 0


def _length(left: object, right: object) -> int:
    """Return how long a product is; of numbers 0, unless they are enormous."""
    for some, times in ((left, right), (right, left)):
        if isinstance(some, str | list | tuple) and isinstance(times, int):
            return len(some) * times
    digits = (each.bit_length() for each in (left, right) if isinstance(each, int))
    return max(digits, default=0)


def _frames(at: TracebackType | None) -> Iterator[tuple[str, int]]:
    while at is not None:
        yield at.tb_frame.f_code.co_filename, at.tb_lineno
        at = at.tb_next


def _told(error: Exception) -> str:
    """Return an error of Jinja's or Python's in our form."""
    text = error.message if isinstance(error, TemplateError) else str(error)
    return _lowered(text or type(error).__name__)


def _lowered(text: str) -> str:
    text = text.partition("\n")[0].rstrip(".")
    return f"{text[:1].lower()}{text[1:]}"
