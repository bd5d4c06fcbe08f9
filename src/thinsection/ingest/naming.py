"""
What file names say of how photos were taken: light, angle of the stage, and the place they show.

The place is what is left of a name when light and angle are taken out, so ``GB-12_03_ppl.jpg`` and
``GB-12_03_xpl_45.jpg`` show one place, ``GB-12_03``.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from thinsection.ingest.photo_table import plain

AUTO = "auto"  # the pattern that finds lights and angles as they are usually written
LIGHT, ANGLE = "{light}", "{angle}"  # of patterns: what is wanted
MOST_DEGREES = 360
ANGLES = f"a number of degrees from 0 to {MOST_DEGREES}"
STEP = 2.5  # degrees of which every angle without a unit is a multiple, such as 45 and 22.5
CUT = "\0"  # in place of what was taken out; no file name holds it

_LETTER = r"[^\W\d_]"
_LIGHT = re.compile(rf"(?i)(?<!{_LETTER})(ppl|xpl)(?!{_LETTER})")
_NUMBER = r"\d+(?:[.,]\d+)?"
_ANGLE_AFTER_LIGHT = re.compile(
    rf"(?i)[\s_.\-]*({_NUMBER})(\s*(?:°|º|deg(?:rees?)?))?(?![^\W_]|[.,]\d)"
)
_SEPARATORS = r"[\s_.\-]"


@dataclass(frozen=True)
class Named:
    """
    What a name says; unknown is empty.

    Attributes
    ----------
    light : as the name has it, in lower case
    angle : of the stage, degrees, as the name has it
    place : the path without light, angle and extension; empty if it holds neither light nor angle
    """

    light: str
    angle: str
    place: str


@dataclass(frozen=True)
class _Found:
    """A light or an angle in a name, what of the name is taken out with it, and where it ends."""

    text: str
    cut: tuple[int, int]
    end: int
    sure: bool = True  # whether it is an angle, not the number of a photo


def read_names(
    names: Sequence[str],
    light_pattern: str | None = AUTO,
    angle_pattern: str | None = AUTO,
    labels: Sequence[str] | None = None,
) -> list[Named]:
    """
    What each of some names says.

    ``auto`` finds ppl or xpl, in any case, anywhere in the path, between signs that are no letters
    (a file's name with both has no light), and the number right after it as the angle. A number without a
    unit may as well count the photos: it is an angle only if all such numbers are multiples of 2.5
    up to 360, which 1, 2, 3 are not. So the answer depends on the other names.

    Parameters
    ----------
    names : paths with ``/``
    light_pattern, angle_pattern : ``auto``, a pattern as ``expression`` takes it, searched below the
        first folder, or None: not to be found
    labels : of the photos; a first folder named as its photo's label is not searched
    """
    expressions = expression(light_pattern), expression(angle_pattern)
    lights, angles = [], []
    for number, name in enumerate(names):
        folder, slash, _ = name.partition("/")
        below = len(folder + slash) if slash else 0
        start = below if labels is not None and labels[number] == plain(folder) else 0
        if light_pattern == AUTO:
            found = _lights(name, start)
        else:
            found = _searched(light_pattern, expressions[0], name, below)
        lights.append(found)
        if angle_pattern == AUTO:
            angles.append(_angle_after(name, found[-1].end) if found else [])
        else:
            angles.append(_searched(angle_pattern, expressions[1], name, below))
    unsure = [each.text for found in angles for each in found if not each.sure]
    if not all(_looks_like_an_angle(text) for text in unsure):
        angles = [[each for each in found if each.sure] for found in angles]
    return [
        Named(
            light[-1].text.lower() if light else "",
            angle[-1].text if angle else "",
            _without(name, [each.cut for each in (*light, *angle)]),
        )
        for name, light, angle in zip(names, lights, angles, strict=True)
    ]


def same_place(place: str) -> str:
    """
    A place in the form in which two are compared: neither case nor doubled separators matter.

    Examples
    --------
    >>> same_place("GB-12__03") == same_place("gb-12_03")
    True
    """
    return re.sub(rf"{_SEPARATORS}{{2,}}", "_", place.casefold())


def degrees(text: str) -> str | None:
    """
    An angle of the stage in one form, 0 <= angle < 360; None if the text is none from 0 to 360.

    Examples
    --------
    >>> degrees("045"), degrees("22,5°"), degrees("360"), degrees("north")
    ('45', '22.5', '0', None)
    """
    found = re.fullmatch(rf"({_NUMBER})\s*°?", text)
    angle = float(found[1].replace(",", ".")) if found else MOST_DEGREES + 1
    return f"{angle % MOST_DEGREES:g}" if angle <= MOST_DEGREES else None


def expression(pattern: str | None) -> str | None:
    """
    The regular expression that a pattern stands for.

    ``{specimen}`` is a run of characters without the separators / \\ _ and dot, whole: where the pattern
    begins or ends with it, so does the name, or a separator comes before or after. ``{light}`` is ppl or
    xpl, ``{angle}`` a whole number or one with decimals.
    """
    whole = "[^/\\\\_.]+"
    for wanted, before_it, taken, after_it in (
        ("{specimen}", r"(?:^|(?<=/))", whole, r"(?=[/\\_.]|$)"),
        (LIGHT, "", "(?i:ppl|xpl)", ""),
        (ANGLE, r"(?<!\d)", _NUMBER, r"(?!\d)"),
    ):
        if pattern and wanted in pattern:
            before, after = pattern.split(wanted)
            start = "" if before and wanted != ANGLE else before_it
            end = "" if after and wanted != ANGLE else after_it
            return f"{re.escape(before)}{start}({taken}){end}{re.escape(after)}"
    return pattern


def _lights(name: str, start: int) -> list[_Found]:
    parts: dict[int, list[_Found]] = defaultdict(list)
    for each in _LIGHT.finditer(name, start):
        parts[name.count("/", 0, each.start())].append(_Found(each[1], each.span(1), each.end(1)))
    # a folder "ppl and xpl" says nothing of the photos in it
    found = [each for part in parts.values() if _agree(part) for each in part]
    return found if _agree(found) else []


def _agree(lights: list[_Found]) -> bool:
    return len({each.text.lower() for each in lights}) == 1


def _angle_after(name: str, end: int) -> list[_Found]:
    found = _ANGLE_AFTER_LIGHT.match(_stem(name), end)
    return [_Found(found[1], found.span(), found.end(), bool(found[2]))] if found else []


def _searched(pattern: str | None, wanted: str | None, name: str, below: int) -> list[_Found]:
    """What a pattern takes from a name, at most one."""
    found = re.search(wanted, name[below:]) if wanted else None
    if pattern is None or not found or not found[1]:
        return []
    # of a template all, for its text is the same in every name; of a regular expression the group
    start, end = found.span(0 if LIGHT in pattern or ANGLE in pattern else 1)
    return [_Found(found[1], (below + start, below + end), below + found.end(1))]


def _looks_like_an_angle(text: str) -> bool:
    angle = float(text.replace(",", "."))
    return angle <= MOST_DEGREES and angle % STEP == 0


def _without(name: str, cuts: list[tuple[int, int]]) -> str:
    if not cuts:
        return ""
    stem = _stem(name)
    left = "".join(
        CUT if any(start <= place < end for start, end in cuts) else sign
        for place, sign in enumerate(stem)
    )
    left = re.sub(rf"{_SEPARATORS}*{CUT}(?:{_SEPARATORS}|{CUT})*", "_", left)
    parts = [re.sub(rf"^{_SEPARATORS}+|{_SEPARATORS}+$", "", part) for part in left.split("/")]
    return "/".join(part for part in parts if part)


def _stem(name: str) -> str:
    return name.removesuffix(PurePosixPath(name).suffix)
