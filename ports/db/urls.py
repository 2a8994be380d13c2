"""One address, three ways to write it. All of them work with unix sockets (`?host=/folder`)."""

from sqlalchemy import URL, make_url


def async_url(url: str) -> URL:
    """For the application: asyncpg."""
    return make_url(url).set(drivername="postgresql+asyncpg")


def sync_url(url: str) -> URL:
    """For migrations: psycopg through SQLAlchemy."""
    return make_url(url).set(drivername="postgresql+psycopg")


def libpq_url(url: str) -> str:
    """For psycopg itself (the queue's worker)."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
