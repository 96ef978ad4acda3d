"""`python -m hardy`, and the command `hardy` of a wheel: the program, with all its arguments."""

import os
import sys

from .errors import Error
from .training import program


def main() -> None:
    """Becomes the program."""
    try:
        found = program()
        if os.path.exists(sys.argv[0]) and os.path.samefile(found, sys.argv[0]):
            raise Error("the program hardy is not in this installation")
        os.execv(found, [found, *sys.argv[1:]])
    except (Error, OSError) as error:
        sys.exit(f"hardy: error: {error}")


if __name__ == "__main__":
    main()
