"""No sequence of grants, in any order or concurrently, gives a caller a permission that none of its grantors had.

The people of an account are the only ones who act. What none of them could do at the beginning, no caller can do at the end.
"""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

from app.foundation.permissions import ALL, Permission, Role
from app.users.model import User
from tests.support.installation import Installation, Person
from tests.support.personas import add_people, open_session

EPOCHS, SEQUENCES, STEPS = 20, 100, 3
PEOPLE = ("edda", "liz", "vic")
EXEMPT = {"ACT_AS_GATEWAY", "CREATE_ACCOUNTS", "DELETE_ACCOUNTS"}
"""Every caller that manages keys may grant the first; the others have no effect within an account."""
LIST = sorted(ALL, key=lambda one: one.name)


@dataclass
class Account:
    """The callers of the account: people and the keys that were handed out."""

    installation: Installation
    random: random.Random
    users: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    callers: dict[str, Person] = field(default_factory=dict)

    def some(self, most: int = 6) -> list[str]:
        """A random list of permissions; the last is a gateway's."""
        chosen = self.random.sample(LIST, self.random.randint(0, most))
        return [one.name for one in [*chosen, *([Permission.ACT_AS_GATEWAY] if self.random.random() < 0.1 else [])]]

    async def step(self) -> None:
        """One random mutation of one of the callers."""
        who, chance = self.random.choice(list(self.callers.values())), self.random
        user, key = chance.choice(self.users), chance.choice(self.keys or ["AK" + 32 * "0"])
        custom: dict[str, Any] = {"permissions": self.some()}
        match chance.randrange(8):
            case 0:
                email = f"{chance.getrandbits(64):x}@people.example.com"
                made = await self.change(
                    who, "createUser", "user { id }", email=email, name="New", role="CUSTOM", **custom
                )
                if made and made["user"]:
                    await self.add_user(made["user"]["id"])
            case 1:
                await self.change(who, "updateUser", "user { id }", id=user, role="CUSTOM", force=True, **custom)
            case 2:
                role = chance.choice([role.name for role in Role if role is not Role.CUSTOM])
                await self.change(who, "updateUser", "user { id }", id=user, role=role, force=True)
            case 3 | 4:
                level: dict[str, Any] = chance.choice([{"accessLevel": "FULL"}, {"accessLevel": "CUSTOM", **custom}])
                await self.add_key(await self.change(who, "createApiKey", "token apiKey { id }", name="k", **level))
            case 5:
                await self.add_key(
                    await self.change(who, "rotateApiKey", "token apiKey { id }", id=key, overlapHours=0)
                )
            case 6:
                await self.change(who, "adoptApiKey", "apiKey { id }", id=key)
            case 7:
                account, owner = self.installation.world["own"], chance.choice(self.users)
                assert not await self.change(
                    who, "transferAccountOwnership", "account { id }", id=account, ownerId=owner
                )

    async def change(self, who: Person, mutation: str, selection: str, **given: Any) -> dict[str, Any] | None:
        """The payload of a mutation; None when it was refused."""
        name = mutation[0].upper() + mutation[1:]
        query = (
            f"mutation ($input: {name}Input!) {{ {mutation}(input: $input) {{ {selection} userErrors {{ code }} }} }}"
        )
        answer = await who.ask(query, input=given)
        refused = set(answer.codes)
        assert refused <= {"FORBIDDEN", "UNAUTHENTICATED"}, answer.errors
        payload: dict[str, Any] | None = None if refused else answer.only(mutation)
        return None if payload is None or payload["userErrors"] else payload

    async def add_user(self, user_id: str) -> None:
        async with self.installation.database():
            await User.filter(must_change_password=True).update(must_change_password=False)
        token, _ = await open_session(self.installation, user_id)
        self.users.append(user_id)
        self.callers[user_id] = self.installation.holder(token)

    async def add_key(self, made: dict[str, Any] | None) -> None:
        if made is not None:
            self.keys.append(made["apiKey"]["id"])
            self.callers[made["apiKey"]["id"]] = self.installation.holder(made["token"])

    async def permissions(self) -> dict[str, set[str]]:
        """What each caller may do now; nothing for those who are no longer accepted."""
        found = {}
        for name, who in self.callers.items():
            answer = await who.ask("{ viewer { permissions } }")
            found[name] = set() if answer.errors else set(answer.only("viewer")["permissions"])
        return found


async def test_no_sequence_of_grants_gives_more_than_was_there(installation: Installation) -> None:
    chance = random.Random(20261201)
    people = await add_people(installation, "ann", *PEOPLE)
    manager = people["ann"]
    granted = 0
    for _ in range(EPOCHS):
        account = Account(installation, chance)
        for name in PEOPLE:
            account.users.append(people.ids[name])
            account.callers[name] = people[name]
            mine = {*account.some(4), *(["MANAGE_USERS"] if name != "vic" else []), "MANAGE_API_KEYS"}
            given = sorted(mine - {"ACT_AS_GATEWAY"})
            changed = await manager.change(
                "updateUser", "user { id }", id=people.ids[name], role="CUSTOM", permissions=given, force=True
            )
            assert changed["userErrors"] == []
        before = await account.permissions()
        ceiling = set.union(*before.values()) | EXEMPT
        for _ in range(SEQUENCES):
            count = chance.randint(1, STEPS)
            if chance.random() < 0.3:
                await asyncio.gather(*(account.step() for _ in range(count)))
            else:
                for _ in range(count):
                    await account.step()
        after = await account.permissions()
        assert {name: held - ceiling for name, held in after.items() if held - ceiling} == {}
        granted += len(account.users) + len(account.keys) - len(PEOPLE)
        withdrawn = chance.choice(sorted(ceiling - EXEMPT))
        for user in account.users:
            rest = sorted(after.get(user, set()) - {withdrawn, "ACT_AS_GATEWAY"})
            await manager.change("updateUser", "user { id }", id=user, role="CUSTOM", permissions=rest, force=True)
        assert not [name for name, held in (await account.permissions()).items() if withdrawn in held]
        for key in account.keys:
            await manager.change("revokeApiKey", "apiKey { id }", id=key)
        for user in account.users[len(PEOPLE) :]:
            await manager.change("deleteUser", "userErrors { code }", id=user, force=True)
    # Otherwise the sequences would show nothing.
    assert granted > 10 * EPOCHS
