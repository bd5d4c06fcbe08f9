"""What is printed where not every character can be."""

import sys
from io import TextIOWrapper


def print_any_character() -> None:
    """
    Let output show a character that its encoding lacks as an escape, instead of failing at it.

    Windows encodes what goes to a file or pipe, as in a log, in 8 bits, without minus signs.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
