"""Calls resolvers for plans, without graphql-core's executor. Permissions are decided before.

Arguments are converted as Strawberry does (`strawberry.types.arguments`), with the conversion looked up once per field instead of
once per call. Resolvers may use only `context` of their `info`.
"""

from collections.abc import Callable
from dataclasses import MISSING, dataclass
from typing import Any

from strawberry import Some
from strawberry.schema.config import StrawberryConfig
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryList, StrawberryMaybe, StrawberryOptional, get_object_definition
from strawberry.types.field import StrawberryField
from strawberry.types.info import Info
from strawberry.types.lazy_type import LazyType

from app.execution.values import Arguments
from app.foundation.context import Context

Convert = Callable[[Any], Any]


@dataclass(slots=True)
class _RawInfo:
    context: Context


class Resolver:
    """The resolver of one field of the schema."""

    def __init__(self, field: StrawberryField, config: StrawberryConfig) -> None:
        resolver = field.base_resolver
        if resolver is None:
            raise ValueError(f"{field.python_name} has no resolver")
        self._field = field
        self._function: Callable[..., object] = resolver.wrapped_func  # type: ignore[assignment]
        self._takes_self = resolver.self_parameter is not None
        root = resolver.parent_parameter or resolver.root_parameter
        self._root_name = root.name if root else None
        self._info_name = resolver.info_parameter.name if resolver.info_parameter else None
        self._arguments = [
            (config.name_converter.from_argument(argument), _python_name(argument), _converter(argument.type, config))
            for argument in field.arguments
        ]

    def call(self, source: object, context: Context, given: Arguments) -> object:
        """Returns the resolver's result, or its awaitable. `given` are coerced arguments by GraphQL name."""
        arguments = {python: convert(given[name]) for name, python, convert in self._arguments if name in given}
        if self._root_name is not None:
            arguments[self._root_name] = source
        if self._info_name is not None:
            arguments[self._info_name] = Info(_raw_info=_RawInfo(context), _field=self._field)  # type: ignore[arg-type]
        return self._function(source, **arguments) if self._takes_self else self._function(**arguments)


def _python_name(argument: StrawberryArgument) -> str:
    return str(argument.python_name)


def _converter(type_: object, config: StrawberryConfig) -> Convert:
    if isinstance(type_, StrawberryMaybe):
        inner = _converter(type_.of_type, config)
        return lambda value: Some(inner(value))
    if isinstance(type_, StrawberryOptional):
        inner = _converter(type_.of_type, config)
        return inner if inner is _unchanged else lambda value: None if value is None else inner(value)
    if isinstance(type_, StrawberryList):
        inner = _converter(type_.of_type, config)
        return lambda value: [inner(each) for each in value]
    if isinstance(type_, LazyType):
        return _converter(type_.resolve_type(), config)
    if not isinstance(type_, type) or get_object_definition(type_) is None:
        return _unchanged
    return _InputObject(type_, config).convert


def _unchanged(value: object) -> object:
    return value


class _InputObject:
    """Converts to the dataclass of an input type. Looks up its fields at the first use, since types may be circular."""

    def __init__(self, type_: type, config: StrawberryConfig) -> None:
        self._type = type_
        self._config = config
        self._fields: dict[str, tuple[str, Convert]] = {}
        # Fields without a default are None when absent.
        self._absent: dict[str, None] = {}

    def convert(self, value: Arguments) -> object:
        if not self._fields:
            self._look_up_fields()
        fields = self._fields
        given = {fields[name][0]: fields[name][1](one) for name, one in value.items()}
        return self._type(**(self._absent | given))

    def _look_up_fields(self) -> None:
        definition = get_object_definition(self._type, strict=True)
        for field in definition.fields:
            convert = _converter(field.resolve_type(type_definition=definition), self._config)
            self._fields[self._config.name_converter.from_field(field)] = (field.python_name, convert)
            if field.default_value is MISSING and field.default_factory is MISSING:
                self._absent[field.python_name] = None
