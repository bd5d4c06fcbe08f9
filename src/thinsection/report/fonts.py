"""Fonts for names in any script, and how wide a text is: matplotlib's own font has no Hindi, Chinese …"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from matplotlib import font_manager
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font
from matplotlib.textpath import text_to_path

DEFAULT = "DejaVu Sans"  # comes with matplotlib
# In an SVG, text is text: a reader without DejaVu Sans has Verdana, which is about as wide, and
# browsers take a letter that these lack from any font that has it.
SANS_SERIF = [DEFAULT, "Verdana", "Noto Sans", "sans-serif"]
PREFERRED = ("Noto Sans", "Sans", "")  # in a family's name: these look most like DejaVu Sans
REGULAR = ("Regular", "Book", "Normal", "Roman")


@dataclass(frozen=True)
class Font:
    """A font file of this machine: its family, and the code points of its letters."""

    path: Path
    family: str
    letters: frozenset[int]


def families(text: str) -> list[str]:
    """The families for a text: the default, then fonts of this machine that have what it lacks."""
    found = [_font_with(letter) for letter in sorted(_foreign(text))]
    return ["sans-serif", *dict.fromkeys(font.family for font in found if font)]


def lacking(text: str) -> str:
    """The letters of a text that no font of this machine has."""
    return "".join(letter for letter in sorted(_foreign(text)) if _font_with(letter) is None)


def forget() -> None:
    """Look for fonts anew."""
    _fonts.cache_clear()
    _font_with.cache_clear()


def width(text: str, size: float) -> float:
    """The width of one line of text, in points."""
    with unseen():
        font = FontProperties(family=families(text), size=size)
        measured = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(measured[0])


def fitted(text: str, size: float, most: float) -> str:
    """The text, its middle left out (…) if it is wider than ``most`` points."""
    kept = len(text)
    shown = text
    while kept > 2 and width(shown, size) > most:
        kept -= 1
        shown = text[: kept - kept // 3] + "…" + text[len(text) - kept // 3 :]
    return shown


@contextmanager
def unseen() -> Iterator[None]:
    """No warnings about missing letters, for text that is only measured or stays text."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")
        yield


def _foreign(text: str) -> set[str]:
    own = _letters(Path(font_manager.findfont(DEFAULT)))
    return {letter for letter in text if letter.isprintable() and ord(letter) not in own}


@cache
def _font_with(letter: str) -> Font | None:
    """The first font with a letter, made known to matplotlib."""
    for font in _fonts():
        if ord(letter) in font.letters:
            font_manager.fontManager.addfont(font.path)
            return font
    return None


@cache
def _fonts() -> list[Font]:
    """The machine's fonts, those first that are upright, of normal weight and without serifs."""
    found = []
    for path in map(Path, font_manager.findSystemFonts()):
        try:
            font = FT2Font(path)
        except (OSError, RuntimeError):  # a damaged file, or a kind that can't be drawn
            continue
        if font.scalable:
            kind = [name in font.family_name for name in PREFERRED].index(True)
            place = font.style_name not in REGULAR, kind, str(path)
            found.append((place, Font(path, font.family_name, _letters(path))))
    return [font for _, font in sorted(found, key=lambda pair: pair[0])]


@cache
def _letters(path: Path) -> frozenset[int]:
    return frozenset(FT2Font(path).get_charmap())
