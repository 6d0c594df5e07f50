"""What is decided: pure Python without Flask, without SQL and without a clock."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


def mark(sentence: str) -> str:
    """Return `sentence` unchanged; the mark tells the translators' extractor that it is shown."""
    return sentence


class RuleBroken(Exception):
    """A rule of the bureau refuses what was asked, with a sentence for the person who asked.

    `sentence` is English with %(name)s places, `values` fill them; views translate the sentence
    first and fill it afterwards. `field` names the form field at fault, where there is one.
    """

    def __init__(self, sentence: str, *, field: str | None = None, **values: Any) -> None:
        self.sentence = sentence
        self.field = field
        self.values = values
        super().__init__(sentence % values if values else sentence)


@dataclass(frozen=True)
class Said:
    """A sentence with values that are still to be put in: a marked one, so that translators find
    it. A value may be another Said, so that each language builds the whole in its own order."""

    sentence: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.sentence % self.values if self.values else self.sentence


def say(said: Said, translate: Callable[[str], str], show: Callable[[Any], str]) -> str:
    """Return `said` in the language of `translate`, with each value as `show` writes it."""
    filled = {
        name: say(value, translate, show) if isinstance(value, Said) else show(value)
        for name, value in said.values.items()
    }
    return translate(said.sentence) % filled if filled else translate(said.sentence)
