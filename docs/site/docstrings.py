"""
Our docstrings as mkdocstrings reads them.

We write ``name : what it is``, with shape and unit, where numpydoc has ``name : type``; types stand in the signatures.
"""

import re

from griffe import Extension

SECTION = re.compile(r"^(Parameters|Attributes|Returns|Yields)\n-+\n((?:.+\n?|\n(?=[ \n]))*)", re.M)
ITEM = re.compile(r"^([\w*]+(?:, [\w*]+)*) : (.*)$", re.M)


class Docstrings(Extension):
    """Rewrites the docstring of every object when it was read."""

    def on_object(self, *, obj, **kwargs):
        if obj.docstring:
            obj.docstring.value = SECTION.sub(_section, obj.docstring.value)


def _section(found):
    title, body = found[1], found[2]
    if title in ("Returns", "Yields") and not ITEM.match(
        body
    ):  # a sentence, of something without a name
        body = ":\n" + re.sub(r"^(?=.)", "    ", body, flags=re.M)
    return f"{title}\n{'-' * len(title)}\n" + ITEM.sub(r"\1 :\n    \2", body)
