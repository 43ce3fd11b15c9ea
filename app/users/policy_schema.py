"""What passwords have to be: shown to everybody, and changed by admins."""

from typing import Annotated

import strawberry
from strawberry import Maybe

from app.foundation.access import IsAdmin, OpenTo
from app.foundation.context import Info
from app.foundation.graphql import fields
from app.users import model, password, policy, service


@strawberry.type(description="What passwords have to be.")
class PasswordPolicy(fields.Backed[model.PasswordPolicy]):
    minimum_length: int = strawberry.field(description="The shortest password, in characters.")
    needs_digit: bool = strawberry.field(description="Whether a digit is needed.")
    needs_symbol: bool = strawberry.field(description="Whether something that is neither letter nor digit is needed.")
    refuses_common: bool = strawberry.field(description="Whether the commonest passwords are refused.")
    version: int = strawberry.field(description="Grows by one with each change; send it as `ifVersion`.")

    @fields.resolver("The longest password, in characters.")
    def maximum_length(self) -> int:
        return password.MAXIMUM_LENGTH

    @fields.resolver("All rules as sentences for a person, to be shown beside the form.")
    def rules(self, row: strawberry.Parent[model.PasswordPolicy]) -> list[str]:
        return policy.sentences(row)


@strawberry.type
class PasswordPolicyQueries:
    @fields.resolver(
        "What passwords have to be. Needs no key.", open_to=OpenTo.UNAUTHENTICATED | OpenTo.PASSWORD_CHANGE
    )
    async def password_policy(self) -> PasswordPolicy:
        return PasswordPolicy.of(await policy.current())


@strawberry.input(description="Changes to the password policy. Omitted fields keep their values.")
class UpdatePasswordPolicyInput:
    minimum_length: Maybe[int | None] = strawberry.field(
        default=None,
        description=f"The shortest password: {policy.LOWEST_MINIMUM_LENGTH} to {policy.HIGHEST_MINIMUM_LENGTH} characters.",
    )
    needs_digit: Maybe[bool | None] = strawberry.field(default=None, description="Whether a digit is needed.")
    needs_symbol: Maybe[bool | None] = strawberry.field(
        default=None, description="Whether something that is neither letter nor digit is needed."
    )
    refuses_common: Maybe[bool | None] = strawberry.field(
        default=None, description="Whether the commonest passwords are refused."
    )
    if_version: int | None = strawberry.field(
        default=None, description="Fails with CONFLICT unless this is the current version."
    )

    def patch(self) -> service.PasswordPolicyPatch:
        return service.PasswordPolicyPatch(
            self.minimum_length, self.needs_digit, self.needs_symbol, self.refuses_common, self.if_version
        )


@fields.payload()
class UpdatePasswordPolicyPayload(fields.Payload):
    password_policy: PasswordPolicy | None = strawberry.field(default=None, description="The policy as it is now.")


@strawberry.type
class PasswordPolicyMutations:
    @fields.mutation("Changes what passwords have to be, from now on.", permissions=[IsAdmin])
    async def update_password_policy(
        self, info: Info, input: Annotated[UpdatePasswordPolicyInput, strawberry.argument(description="The changes.")]
    ) -> UpdatePasswordPolicyPayload:
        changed = await service.update_policy(info.context, input.patch())
        return UpdatePasswordPolicyPayload(password_policy=PasswordPolicy.of(changed))
