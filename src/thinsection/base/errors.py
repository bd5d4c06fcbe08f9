"""The one exception that users are meant to read."""


class InputError(ValueError):
    """
    Something that the user brought can't be used as it is.

    The message says what was found, where, what is allowed and what to do. It is printed
    without a traceback; any other exception is our own mistake and keeps its traceback.
    """

    @classmethod
    def of_all(cls, where: str, problems: list[str], shown: int = 20) -> "InputError":
        """One error that lists every problem found in one place, at most ``shown`` of them."""
        if len(problems) == 1:
            return cls(f"{where}: {problems[0]}")
        lines = [f"  - {problem}" for problem in problems[:shown]]
        if len(problems) > shown:
            lines.append(f"  ... and {len(problems) - shown} more")
        return cls("\n".join([f"{where}: {len(problems)} problems", *lines]))
