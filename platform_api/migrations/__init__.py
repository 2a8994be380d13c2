"""Alembic, at the level of `app.py`: it sees every domain's tables.

A new revision: `python -m platform_api.migrations "what it does"` against an up-to-date database.
"""

from platform_api.migrations.run import differences, upgrade

__all__ = ["differences", "upgrade"]
