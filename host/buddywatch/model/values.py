"""@dataclass, field() and what belongs to them, for a start in half the time.

To a type checker these are the standard library's names. When the program runs they are those of value_class.py, which
says why.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import MISSING, Field, asdict, dataclass, field, fields, replace
else:
    from buddywatch.model.value_class import MISSING, Field, asdict, dataclass, field, fields, replace

__all__ = ["MISSING", "Field", "asdict", "dataclass", "field", "fields", "replace"]
