"""Columns that hold what a kit.sealing.KeyRing sealed. A domain says so where it declares the column, and a
new key finds all of them by that."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.orm import InstrumentedAttribute

from ports.db.base import Base

_MARK: Final = "sealed"
About = Callable[[Any], bytes]
"""Row → what its sealed text is bound to."""


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """`about` is given a row of `model`."""

    model: Any
    name: str
    about: About

    @property
    def table(self) -> str:
        return self.model.__tablename__

    @property
    def attribute(self) -> InstrumentedAttribute[Any]:
        return getattr(self.model, self.name)


def sealed(about: About) -> dict[str, Any]:
    """For `mapped_column(Text, info=sealed(about))`."""
    return {_MARK: about}


def sealed_columns() -> Iterator[SealedColumn]:
    """Of every table whose module has been imported, by table and column."""
    for mapper in sorted(Base.registry.mappers, key=lambda one: one.class_.__tablename__):
        for attribute in mapper.column_attrs:
            about = attribute.columns[0].info.get(_MARK)
            if about is not None:
                yield SealedColumn(mapper.class_, attribute.key, about)
