"""Mutations and their payloads: the errors of an input become the payload's `userErrors`."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar, dataclass_transform

import strawberry
from strawberry.types.base import get_object_definition
from strawberry.utils.str_converters import to_camel_case

from app.foundation.access import NOT_MARKED, OpenTo
from app.foundation.graphql.declarations import MUTATION_WEIGHT, OPEN_TO, WEIGHT, Requirements
from app.foundation.graphql.resolvers import make_field
from app.foundation.user_errors import UserError, UserErrors

P = ParamSpec("P")
Answer = TypeVar("Answer", bound="Payload")


@strawberry.type
class Payload:
    """The base of what mutations return."""

    user_errors: list[UserError] = strawberry.field(default_factory=list)


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def payload(
    more: str = "", *, errors: str = "Errors in the input; empty on success."
) -> Callable[[type[Answer]], type[Answer]]:
    """Makes a subclass of Payload the return type of the mutation that it is named after, its `userErrors` last."""

    def declare(cls: type[Answer]) -> type[Answer]:
        cls.__annotations__ |= {"user_errors": list[UserError]}
        cls.user_errors = strawberry.field(default_factory=list, description=errors)
        name = cls.__name__[0].lower() + cls.__name__[1:].removesuffix("Payload")
        declared = strawberry.type(cls, description=" ".join(filter(None, [f"The result of {name}.", more])))
        get_object_definition(declared, strict=True).fields.sort(key=lambda one: one.python_name == "user_errors")
        return declared

    return declare


def mutation(
    description: str,
    *,
    permissions: Requirements,
    open_to: OpenTo = NOT_MARKED,
    weight: int = MUTATION_WEIGHT,
) -> Callable[[Callable[P, Awaitable[Answer]]], Any]:
    """A mutation. UserErrors become the `userErrors` of its payload (the resolver's return type)."""

    def declare(resolve: Callable[P, Awaitable[Answer]]) -> Any:
        answers: type[Answer] = resolve.__annotations__["return"]
        name = to_camel_case(resolve.__name__)

        @functools.wraps(resolve)
        async def answer(*args: P.args, **kwargs: P.kwargs) -> Answer:
            info: Any = kwargs["info"]
            info.context.begin(name)
            try:
                with info.context.acting():
                    return await resolve(*args, **kwargs)
            except UserErrors as mistakes:
                return answers(user_errors=mistakes.errors)

        # Strawberry reads the signature: the same arguments, and a payload that is null next to a top-level error.
        del answer.__wrapped__
        answer.__annotations__ = {**resolve.__annotations__, "return": answers | None}
        answer.__signature__ = inspect.signature(resolve).replace(return_annotation=answers | None)  # type: ignore[attr-defined]
        return make_field(answer, description, permissions, {WEIGHT: weight, OPEN_TO: open_to})

    return declare
