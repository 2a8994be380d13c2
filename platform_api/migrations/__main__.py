"""`python -m platform_api.migrations "what it does"`: the draft of a revision, to be read and corrected."""

import sys

from platform_api.migrations.run import new_revision, upgrade
from ports.db import DatabaseSettings

if __name__ == "__main__":
    url = DatabaseSettings().url
    upgrade(url)
    new_revision(url, " ".join(sys.argv[1:]))
