"""GraphQL type, query and mutation of the password policy."""

from typing import Annotated

import strawberry
from strawberry import Maybe

from app.foundation.access import IsAdmin, MayManageUsers, OpenTo
from app.foundation.context import Info
from app.foundation.graphql import fields
from app.users import model, password, policy


@strawberry.type(description="The rules for new passwords.")
class PasswordPolicy(fields.Backed[model.PasswordPolicy]):
    minimum_length: int = strawberry.field(description="The minimum length, in characters.")
    needs_digit: bool = strawberry.field(description="Whether a digit is required.")
    needs_symbol: bool = strawberry.field(description="Whether a character other than letters and digits is required.")
    refuses_common: bool = strawberry.field(description="Whether the most common passwords are rejected.")
    version: int = strawberry.field(description="Incremented by each change. Send it as `ifVersion`.")

    @fields.resolver("The maximum length, in characters.")
    def maximum_length(self) -> int:
        return password.MAXIMUM_LENGTH

    @fields.resolver("All rules as sentences, for display next to a form.")
    def rules(self, row: strawberry.Parent[model.PasswordPolicy]) -> list[str]:
        return policy.sentences(row)


@strawberry.type
class PasswordPolicyQueries:
    @fields.resolver(
        "The password policy. Needs no authentication.", open_to=OpenTo.UNAUTHENTICATED | OpenTo.PASSWORD_CHANGE
    )
    async def password_policy(self) -> PasswordPolicy:
        return PasswordPolicy.of(await policy.current())


@strawberry.input(description="Changes to the password policy. Omitted fields keep their values.")
class UpdatePasswordPolicyInput:
    minimum_length: Maybe[int | None] = strawberry.field(
        default=None,
        description=f"The minimum length: {policy.LOWEST_MINIMUM_LENGTH} to {policy.HIGHEST_MINIMUM_LENGTH} characters.",
    )
    needs_digit: Maybe[bool | None] = strawberry.field(default=None, description="Whether a digit is required.")
    needs_symbol: Maybe[bool | None] = strawberry.field(
        default=None, description="Whether a character other than letters and digits is required."
    )
    refuses_common: Maybe[bool | None] = strawberry.field(
        default=None, description="Whether the most common passwords are rejected."
    )
    if_version: int | None = strawberry.field(
        default=None, description="Fails with CONFLICT unless this is the current version."
    )

    def patch(self) -> policy.PasswordPolicyPatch:
        return policy.PasswordPolicyPatch(
            self.minimum_length, self.needs_digit, self.needs_symbol, self.refuses_common, self.if_version
        )


@fields.payload()
class UpdatePasswordPolicyPayload(fields.Payload):
    password_policy: PasswordPolicy | None = strawberry.field(default=None, description="The policy as it is now.")


@strawberry.type
class PasswordPolicyMutations:
    @fields.mutation(
        "Changes the password policy. Applies to passwords chosen from now on.", permissions=[IsAdmin, MayManageUsers]
    )
    async def update_password_policy(
        self, info: Info, input: Annotated[UpdatePasswordPolicyInput, strawberry.argument(description="The changes.")]
    ) -> UpdatePasswordPolicyPayload:
        changed = await policy.update(info.context, input.patch())
        return UpdatePasswordPolicyPayload(password_policy=PasswordPolicy.of(changed))
