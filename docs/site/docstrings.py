"""
Our docstrings as mkdocstrings reads them.

Under Parameters and Attributes we write ``name : what it is``, with shape and unit; numpydoc has a type there. Types
stand in the signatures. What we write under Returns is a sentence.
"""

import re

from griffe import Extension

SECTION = re.compile(r"^(Parameters|Attributes|Returns|Yields)\n-+\n((?:.+\n?|\n(?=[ \n]))*)", re.M)
ITEM = re.compile(r"^([\w*]+(?:, [\w*]+)*) : (.*)$", re.M)


class Docstrings(Extension):
    """Rewrites the docstring of every object when it was read."""

    def on_object(self, *, obj, **kwargs):  # noqa: ARG002
        if obj.docstring:
            obj.docstring.value = SECTION.sub(_section, obj.docstring.value)


def _section(found):
    title, body = found[1], found[2]
    if title in ("Returns", "Yields"):
        items = ITEM.sub(r"`\1`: \2", body)
        return f"**{title}**\n\n{items}\n"
    return f"{title}\n{'-' * len(title)}\n" + ITEM.sub(r"\1\n    \2", body)
