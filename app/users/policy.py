"""The password policy: changing it, its rules as sentences, checking a new password, and temporary passwords."""

import functools
import secrets
from dataclasses import dataclass
from pathlib import Path

from strawberry import Some
from strawberry.utils.str_converters import to_camel_case

from app.audit.audited_update import Columns, update_row
from app.audit.conflicts import busy, version_changed
from app.foundation.context import Context
from app.foundation.masks import is_mask
from app.foundation.user_errors import ErrorCollector, UserErrorCode, UserErrorRule, ValueRule
from app.users.email_addresses import email_key
from app.users.model import THE_POLICY, PasswordPolicy
from app.users.password import MAXIMUM_LENGTH, normalized

LOWEST_MINIMUM_LENGTH, HIGHEST_MINIMUM_LENGTH = 8, 64
# Letters and digits without lookalikes.
_READABLE = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


class PasswordRule(UserErrorRule):
    MINIMUM_LENGTH_RANGE = UserErrorCode.OUT_OF_RANGE, "The minimum length is {minimum} to {maximum} characters."
    PASSWORD_TOO_LONG = UserErrorCode.TOO_LONG, "The password has {length} characters; at most {maximum} are allowed."
    PASSWORD_TOO_SHORT = UserErrorCode.INVALID, "The password needs at least {minimum} characters."
    PASSWORD_NEEDS_DIGIT = UserErrorCode.INVALID, "The password needs a digit."
    PASSWORD_NEEDS_SYMBOL = (
        UserErrorCode.INVALID,
        "The password needs a character that is neither a letter nor a digit.",
    )
    PASSWORD_COMMON = (
        UserErrorCode.INVALID,
        "This is one of the most common passwords, which attackers try first. Choose another one.",
    )
    PASSWORD_IS_EMAIL = UserErrorCode.INVALID, "The password must not be the e-mail address. Choose another one."
    PASSWORD_IS_MASK = UserErrorCode.INVALID, "This is a mask in place of a password. Choose another one."


async def current() -> PasswordPolicy:
    return await PasswordPolicy.get_or_none(id=THE_POLICY) or PasswordPolicy(id=THE_POLICY)


@dataclass(frozen=True)
class PasswordPolicyPatch:
    """The fields to change. None keeps a field, Some(None) is an explicit null."""

    minimum_length: Some[int | None] | None = None
    needs_digit: Some[bool | None] | None = None
    needs_symbol: Some[bool | None] | None = None
    refuses_common: Some[bool | None] | None = None
    if_version: int | None = None


async def update(context: Context, patch: PasswordPolicyPatch) -> PasswordPolicy:
    """Changes the policy for passwords chosen from now on. Raises UserErrors: REQUIRED, OUT_OF_RANGE, CONFLICT."""
    errors = ErrorCollector()
    values: Columns = {}
    for column in ("minimum_length", "needs_digit", "needs_symbol", "refuses_common"):
        given = getattr(patch, column)
        if given is not None and given.value is None:
            errors.add(ValueRule.NULL_NOT_ALLOWED, to_camel_case(column))
        elif given is not None:
            values[column] = given.value
    lowest, highest = LOWEST_MINIMUM_LENGTH, HIGHEST_MINIMUM_LENGTH
    if not lowest <= values.get("minimum_length", lowest) <= highest:
        errors.add(PasswordRule.MINIMUM_LENGTH_RANGE, "minimumLength", minimum=lowest, maximum=highest)
    errors.raise_if_any()
    row, _ = await PasswordPolicy.get_or_create(id=THE_POLICY)
    if not values and patch.if_version in (None, row.version):
        return row
    changed = await update_row(context, PasswordPolicy, THE_POLICY, values, if_version=patch.if_version)
    if changed is None:
        if patch.if_version is None:
            raise busy("password policy")
        raise await version_changed(
            context, "password policy", await PasswordPolicy.get(id=THE_POLICY), patch.if_version
        )
    return changed


def sentences(policy: PasswordPolicy) -> list[str]:
    """The rules, for display next to a form."""
    rules = [f"At least {policy.minimum_length} and at most {MAXIMUM_LENGTH} characters."]
    if policy.needs_digit:
        rules.append("At least one digit.")
    if policy.needs_symbol:
        rules.append("At least one character that is neither a letter nor a digit.")
    if policy.refuses_common:
        rules.append("Not one of the most common passwords.")
    return [*rules, "Not the e-mail address."]


def check(policy: PasswordPolicy, password: str, email: str, errors: ErrorCollector, *path: str) -> None:
    """Adds every broken rule to `errors` at `path`. No message contains the password."""
    if len(password) > MAXIMUM_LENGTH:
        errors.add(PasswordRule.PASSWORD_TOO_LONG, *path, length=len(password), maximum=MAXIMUM_LENGTH)
        return
    text = normalized(password)
    if len(text) < policy.minimum_length:
        errors.add(PasswordRule.PASSWORD_TOO_SHORT, *path, minimum=policy.minimum_length)
    for is_broken, rule in (
        (policy.needs_digit and not any(one.isdecimal() for one in text), PasswordRule.PASSWORD_NEEDS_DIGIT),
        (policy.needs_symbol and all(one.isalnum() for one in text), PasswordRule.PASSWORD_NEEDS_SYMBOL),
        (policy.refuses_common and text.casefold() in _common(), PasswordRule.PASSWORD_COMMON),
        (email_key(text) == email_key(email) != "", PasswordRule.PASSWORD_IS_EMAIL),
        (is_mask(text), PasswordRule.PASSWORD_IS_MASK),
    ):
        if is_broken:
            errors.add(rule, *path)


def temporary_password(policy: PasswordPolicy) -> str:
    """A random password in groups of five characters, easy to read aloud, valid under any policy; at least 110 bits."""
    groups = max(4, -(-policy.minimum_length // 6) + 1)
    while True:
        text = "-".join("".join(secrets.choice(_READABLE) for _ in range(5)) for _ in range(groups))
        if any(one.isdigit() for one in text):
            return text


@functools.cache
def _common() -> frozenset[str]:
    lines = Path(__file__).with_name("common_passwords.txt").read_text().splitlines()
    return frozenset(line.casefold() for line in lines if not line.startswith("#"))
