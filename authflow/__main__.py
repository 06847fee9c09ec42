"""`python -m authflow`: the command line."""

import sys

from cognito_authflow import main

if __name__ == "__main__":
    sys.exit(main())
