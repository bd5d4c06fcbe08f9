"""The one exception that users are meant to read."""


class InputError(ValueError):
    """
    Something that the user provided can't be used.

    The message says what was found, where, what is allowed and what to do. It is printed
    without a traceback; any other exception is our own mistake and keeps its traceback.
    """

    @classmethod
    def of_all(cls, where: str, problems: list[str], shown: int = 20) -> "InputError":
        """One error that lists all problems found in one place, at most ``shown`` of them."""
        if len(problems) == 1:
            return cls(f"{where}: {problems[0]}")
        lines = [f"  - {problem}" for problem in problems[:shown]]
        if len(problems) > shown:
            lines.append(f"  ... and {len(problems) - shown} more")
        return cls("\n".join([f"{where}: {len(problems)} problems", *lines]))
