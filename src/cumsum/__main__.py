"""`python -m cumsum`."""

import sys

from cumsum.cli import main

sys.exit(main())
