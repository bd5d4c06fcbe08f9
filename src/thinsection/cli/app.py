"""The command itself, which the commands of the other files register with."""

import typer

from thinsection.base.errors import InputError, refusal
from thinsection.console.streams import print_any_character

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Fair comparison of image classifiers for photos of mineral thin sections.",
)


def main() -> None:
    """Run the command; an ``InputError``, or a file refused, ends it with a message and exit code 1."""
    print_any_character()
    try:
        app()
    except InputError as error:
        typer.echo(f"ERROR: {error}", err=True)
        raise SystemExit(1) from None
    except OSError as error:  # for what no reader or writer expected
        message = refusal(error)
        if message is None:
            raise
        typer.echo(f"ERROR: {message}", err=True)
        raise SystemExit(1) from None
    except ModuleNotFoundError as error:
        if not error.name or error.name.startswith("thinsection"):
            raise
        typer.echo(
            f"ERROR: {error.name} is not installed, but this command needs the whole pipeline. "
            "Install it with `pip install 'thinsection[pipeline]'`.",
            err=True,
        )
        raise SystemExit(1) from None
