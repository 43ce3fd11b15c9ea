"""Names for values whose types only the schema knows."""

from collections.abc import Sequence
from typing import Any

JsonObject = dict[str, Any]
"""As it comes from a client, or goes to one."""
Arguments = dict[str, Any]
"""Of one field, coerced, by their names in the graph."""
Row = Sequence[Any]
"""The columns of a row, by their places in a SELECT."""
