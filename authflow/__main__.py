"""`python -m authflow`: the command line."""

import sys

from authflow.cli import main

if __name__ == "__main__":
    sys.exit(main())
