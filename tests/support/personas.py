"""People with passwords and sessions. Their password is PASSWORD."""

import functools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from app.accounts.model import Account
from app.foundation.access import Scope
from app.foundation.identifiers import Kind, parse_sid, sid_of
from app.foundation.permissions import Role
from app.users import password
from app.users.model import Session, User
from app.users.token import FORM
from tests.support.installation import Installation, Person

PASSWORD = "correct horse battery"
# The owners of people, by name.
OWNERS: dict[str, tuple[Scope, str]] = {
    "root": (Scope.ADMIN, ""),
    "boss": (Scope.SERVICE_PROVIDER, "provider"),
    "rival": (Scope.SERVICE_PROVIDER, "other_provider"),
    "ann": (Scope.ACCOUNT, "own"),
    "bob": (Scope.ACCOUNT, "own"),
    "sue": (Scope.ACCOUNT, "sibling"),
    "fay": (Scope.ACCOUNT, "foreign"),
}
OF_OTHER_ROLES = {
    "edda": (Scope.ACCOUNT, "own"),
    "liz": (Scope.ACCOUNT, "own"),
    "vic": (Scope.ACCOUNT, "own"),
    "vera": (Scope.SERVICE_PROVIDER, "provider"),
    "owen": (Scope.SERVICE_PROVIDER, "provider"),
}
"""People who are no managers; added only by name."""
ROLE_OF = {"edda": Role.EDITOR, "liz": Role.LISTENER, "vic": Role.VIEWER, "vera": Role.VIEWER, "owen": Role.VIEWER}


@functools.cache
def stored(text: str = PASSWORD) -> str:
    """The hash of a password, computed once: it is slow by design."""
    return password._hasher.hash(text.encode())


def email_of(name: str) -> str:
    return f"{name.title()}@people.example.com"


@dataclass
class People:
    """Ids and open sessions by name."""

    installation: Installation
    ids: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Person:
        return self.installation.holder(self.tokens[name])

    async def session(self, name: str, **changed: Any) -> Person:
        """Opens another session of a person."""
        made, _ = await open_session(self.installation, self.ids[name], **changed)
        return self.installation.holder(made)

    async def login(self, name: str, given: str = PASSWORD) -> Any:
        """Logs in as a person and returns the payload."""
        return await log_in(self.installation.person(None), email_of(name), given)


async def log_in(stranger: Person, email: str, given: str) -> Any:
    selection = "token expiresAt mustChangePassword user { id }"
    return await stranger.change("login", selection, email=email, password=given)


async def make_owner(people: People, name: str, place: str = "own") -> None:
    """Makes a person the owner of an account, past the application."""
    account_id = parse_sid(Kind.ACCOUNT, people.installation.world[place])
    async with people.installation.database():
        await Account.filter(id=account_id).update(owner_id=parse_sid(Kind.USER, people.ids[name]))


async def open_session(installation: Installation, user_id: str, **changed: Any) -> tuple[str, Session]:
    made, now = FORM.make(), datetime.now(UTC)
    values: dict[str, Any] = {
        "user_id": parse_sid(Kind.USER, user_id),
        "public_id": made.public_id,
        "secret_hash": FORM.secret_hash(installation.resources.keyring, made),
        "user_agent": "",
        "address": "",
        "last_used_at": now,
        "expires_at": now + timedelta(days=1),
    }
    async with installation.database():
        return made.text, await Session.create(**{**values, **changed})


async def add_people(installation: Installation, *names: str) -> People:
    """Adds all people, or the named ones, each with an open session, without the application."""
    people = People(installation)
    for name in names or OWNERS:
        scope, owner = (OWNERS | OF_OTHER_ROLES)[name]
        place = installation.world[owner] if owner else ""
        async with installation.database():
            user = await User.create(
                scope=scope,
                account_id=parse_sid(Kind.ACCOUNT, place) if scope is Scope.ACCOUNT else None,
                service_provider_id=parse_sid(Kind.SERVICE_PROVIDER, place)
                if scope is Scope.SERVICE_PROVIDER
                else None,
                role=ROLE_OF.get(name, Role.MANAGER),
                email=email_of(name),
                email_key=email_of(name).lower(),
                name=name.title(),
                password_hash=stored(),
                password_set_at=datetime.now(UTC),
                must_change_password=False,
            )
        people.ids[name] = sid_of(Kind.USER, user.id)
        people.tokens[name], session = await open_session(installation, people.ids[name])
        people.sessions[name] = sid_of(Kind.SESSION, session.id)
    return people


async def become(people: People, name: str, *permissions: str) -> Person:
    """Gives a person permissions of their own, past the application, and opens a session that no worker has cached."""
    async with people.installation.database():
        user = User.filter(id=parse_sid(Kind.USER, people.ids[name]))
        await user.update(role=Role.CUSTOM, permissions=list(permissions))
    return await people.session(name)
