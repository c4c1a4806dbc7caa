"""Builds the site: see `tests.site.build`."""

import sys

from tests.site.build import main

sys.exit(main())
