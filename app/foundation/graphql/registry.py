"""The GraphQL types by name and by kind, filled while the domains are imported."""

from collections.abc import Sequence
from typing import Any

from strawberry.types.lazy_type import LazyType

from app.foundation.access import Requirement, TenantScoped
from app.foundation.identifiers import Kind


class Registry:
    def __init__(self) -> None:
        self.types: dict[str, type] = {}
        self.rows: dict[Kind, type[TenantScoped]] = {}
        self.names: dict[Kind, str] = {}
        self.permissions: dict[Kind, Sequence[type[Requirement]]] = {}
        self.of_others: dict[Kind, Sequence[type[Requirement]]] = {}


registry = Registry()


class Named(LazyType[Any, Any]):
    """A GraphQL type by its name, resolved when the schema is built."""

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "type_name", name)
        object.__setattr__(self, "module", __name__)
        object.__setattr__(self, "package", None)

    def resolve_type(self) -> type[Any]:
        return registry.types[self.type_name]
