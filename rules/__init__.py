"""What is decided: pure Python without Flask, without SQL and without a clock."""

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
