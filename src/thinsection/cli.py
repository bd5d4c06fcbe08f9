"""The ``thinsection`` command. Heavy libraries are imported by the commands that need them."""

import typer

from thinsection.errors import InputError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Fair comparison of image classifiers for photos of mineral thin sections.",
)


@app.callback()
def _commands() -> None:
    """Keep the commands by name, also while there is one only."""


def main() -> None:
    """Run the command; an ``InputError`` is one message and exit code 1."""
    try:
        app()
    except InputError as error:
        typer.echo(f"ERROR: {error}", err=True)
        raise SystemExit(1) from None
