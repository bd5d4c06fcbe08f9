"""How a stage script ends: well, or with one message for the person who meets it."""

import sys
from collections.abc import Callable

from thinsection.errors import InputError


def run(main: Callable[..., None], *arguments: str) -> None:
    """
    Call ``main`` with the command line's arguments.

    An ``InputError`` is printed without a traceback and ends the script with exit code 1.
    """
    try:
        main(*(arguments or sys.argv[1:]))
    except InputError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        raise SystemExit(1) from None
