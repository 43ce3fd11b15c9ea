"""Type aliases for values whose types only the schema knows."""

from collections.abc import Sequence
from typing import Any

JsonObject = dict[str, Any]
"""A JSON object of a request or a response."""
Arguments = dict[str, Any]
"""The coerced arguments of one field, by GraphQL name."""
Row = Sequence[Any]
"""A row, by the order of its columns in the SELECT."""
