"""The exception whose message is meant for users, and errors of the operating system in plain words."""

import errno
import os


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


# what the operating system says -> what can be done about it
REMEDIES = {
    errno.EACCES: "Ask its owner for the permission (`ls -l` shows who has it), or name another",
    errno.EPERM: "Ask its owner for the permission (`ls -l` shows who has it), or name another",
    errno.EDQUOT: "Make room, or write elsewhere",
    errno.EEXIST: "Name another, or move it away",
    errno.EFBIG: "Write elsewhere",
    errno.EIO: "Check the disk, or read and write elsewhere",
    errno.EISDIR: "Name a file",
    errno.ELOOP: "Correct the links, which lead in a circle",
    errno.EMFILE: "Raise the limit on open files (`ulimit -n`)",
    errno.ENAMETOOLONG: "Give it a shorter name",
    errno.ENOENT: "Correct the name; what the pipeline makes, `dvc repro` makes again",
    errno.ENOSPC: "Make room, or write elsewhere",
    errno.ENOTDIR: "Name a folder where one is needed",
    errno.ENOTEMPTY: "Name another, or move it away",
    errno.EROFS: "Write elsewhere",
}
# errors of the disk, which often come without the name of a file
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


def refusal(error: OSError) -> InputError | None:
    """
    An error of the operating system as a message for the user: file, reason, what to do.

    None for an error that names no file and doesn't come from the disk: that is our own mistake.
    """
    number = error.errno
    if number is None and " requested and " in str(error):  # NumPy, which could write but a part
        number = errno.ENOSPC
    if number is None or (error.filename is None and number not in DISK):
        return None
    # of two files (a renaming), the one to be made is the one that the user knows
    name = error.filename2 or error.filename
    where = "writing" if name is None else os.fsdecode(name) if not isinstance(name, int) else name
    remedy = REMEDIES.get(number, "Correct that")
    return InputError(f"{where}: {os.strerror(number)}. {remedy}, and run the same command again.")
