"""Numbers and lists, formatted for sentences."""

import unicodedata

import pandas as pd


def percent(share: float) -> str:
    """0.826 -> 83 %."""
    return f"{100 * share:.0f} %"


def signed(value: float, digits: int = 2) -> str:
    """A difference with its sign, with a true minus sign: +0.02, −0.11."""
    return f"{value:+.{digits}f}".replace("-", "−")


def signed_interval(value: float, low: float, high: float, digits: int = 2) -> str:
    """+0.02 (−0.11 to +0.15), or "(no interval)" if there is none."""
    if pd.isna(low) or pd.isna(high):
        return f"{signed(value, digits)} (no interval)"
    return f"{signed(value, digits)} ({signed(low, digits)} to {signed(high, digits)})"


def with_interval(value: float, low: float, high: float, digits: int = 2) -> str:
    """0.83 (0.77 to 0.88), or "(no interval)" if there is none."""
    if pd.isna(value):
        return "not defined"
    if pd.isna(low) or pd.isna(high):
        return f"{value:.{digits}f} (no interval)"
    return f"{value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def counted(number: float, thing: str) -> str:
    """1 repeat, 3 repeats; 2.5 photos, which a mean over repeats can give."""
    return f"{number:.4g} {thing}" if number == 1 else f"{number:.4g} {thing}s"


def isolated(name: str) -> str:
    """A class name that, if it is written from right to left, doesn't reorder what is next to it."""
    turned = any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in name)
    return f"\u2068{name}\u2069" if turned else name


def in_words(titles: list[str]) -> str:
    """a; a and b; a, b and c."""
    if len(titles) == 1:
        return titles[0]
    return ", ".join(titles[:-1]) + " and " + titles[-1]


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]
