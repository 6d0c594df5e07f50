"""Colours have names, two values each, and enough contrast in both schemes (WCAG 2.2: 4.5 for
texts, 3 for what can be used)."""

import re

import pytest

from config import HOME
from models import db
from tests.conventions.sources import files, listed
from views.badges import TONES, Tone

COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|hsl|oklch|lab)a?\(")
SCHEMES = {"light": "static/redress.css", "dark": "static/dark.css"}
# The same in both: a square that telephones read, the veil behind a dialog, a ring on the bar.
SHARED = {"qr", "veil", "bar-focus"}
TEXTS = {
    "ink": ("paper", "card", "soft", "soft-open", "soft-wait", "soft-ok", "soft-warn"),
    "quiet": ("paper", "card", "soft"),
    "accent": ("paper", "card", "soft", "soft-open"),
    "accent-strong": ("paper", "card", "soft"),
    "warn": ("paper", "card", "soft-warn"),
    "ok": ("paper", "card", "soft-ok"),
    "wait": ("card", "soft-wait"),
    "open": ("card", "soft-open"),
    "on-accent": ("accent", "accent-strong"),
    "on-warn": ("warn",),
    "on-bar": ("bar",),
}
EDGES = {
    "edge": ("paper", "card"),
    "accent": ("paper", "card"),
    "focus": ("paper", "card", "soft"),
    "bar-focus": ("bar",),
}
every_scheme = pytest.mark.parametrize("scheme", SCHEMES)


def block(path: str) -> str:
    """Return what the first :root of a style sheet holds."""
    return (HOME / path).read_text().partition(":root {")[2].partition("\n}")[0]


def colours(path: str) -> dict[str, str]:
    """Return each property of that block with what it is."""
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6}|rgb\([^)]*\))", block(path)))


def palette(scheme: str) -> dict[str, str]:
    return colours(SCHEMES["light"]) | colours(SCHEMES[scheme])


def luminance(colour: str) -> float:
    """Return the relative luminance of "#1d2a33", as WCAG defines it."""
    digits = colour.removeprefix("#")
    digits = "".join(one * 2 for one in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return from 1 (the same) to 21 (black on white)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_measured_as_the_standard_says() -> None:
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@every_scheme
@pytest.mark.parametrize(("pairs", "least"), [(TEXTS, 4.5), (EDGES, 3)], ids=["texts", "edges"])
def test_contrasts_are_enough(scheme: str, pairs: dict[str, tuple[str, ...]], least: float) -> None:
    known = palette(scheme)
    weak = [
        f"--{front} on --{back}: {found:.2f}"
        for front, backs in pairs.items()
        for back in backs
        if (found := contrast(known[front], known[back])) < least
    ]
    assert not weak, f"In the {scheme} scheme, below {least}:{listed(weak)}"


def test_every_colour_of_the_light_scheme_has_one_in_the_dark() -> None:
    light, dark = (set(colours(path)) for path in SCHEMES.values())
    assert light - dark == SHARED, "Give each property of redress.css a value in dark.css"
    assert not dark - light, "A property of dark.css that redress.css does not have"


def test_colours_stand_in_the_two_schemes_alone() -> None:
    raw = [
        f"{path.name}:{number}: {found[0]}"
        for path in files("static/**/*.css")
        for number, line in enumerate(_without_scheme(path.read_text()).splitlines(), 1)
        for found in COLOUR.finditer(line)
    ]
    assert not raw, (
        "Use a property, so that the dark scheme has a value for it: var(--ink), var(--quiet) …;"
        f" they are on top of static/redress.css{listed(raw)}"
    )


def _without_scheme(source: str) -> str:
    before, root, rest = source.partition(":root {")
    inside, end, after = rest.partition("\n}")
    return before + "\n" * inside.count("\n") + after if root and end else source


def test_every_tone_has_its_look() -> None:
    style = (HOME / "static/redress.css").read_text()
    # What has ended is grey, as .state is without a tone.
    plain = {tone for tone in Tone if f".state-{tone} {{" not in style}
    assert plain == {Tone.ENDED}


def test_every_member_of_a_list_of_states_has_a_tone() -> None:
    missing = [
        f"{kind.__name__}.{member.name}"
        for kind, tones in TONES.items()
        for member in kind
        if member not in tones
    ]
    assert not missing, f"Say in TONES of views/badges.py what colour it has:{listed(missing)}"


def test_every_list_of_states_has_tones() -> None:
    bare = {
        column.type.enum_class.__name__
        for table in db.metadata.sorted_tables
        for column in table.columns
        if column.name == "state" and column.type.enum_class not in TONES
    }
    assert not bare, f"Say in TONES of views/badges.py what its colours are:{listed(sorted(bare))}"
