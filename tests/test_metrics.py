"""What is counted, and who may read it."""

import re

import httpx

from tests.installation import Person


async def metrics(person: Person) -> httpx.Response:
    return await person.client.get("/metrics", headers=person.headers)


def number(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} ([0-9.e+]+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


async def test_operations_are_counted_by_the_way_they_take(admin: Person) -> None:
    compiled, ordinary = (f'operations_total{{type="query",way="{way}"}}' for way in ("compiled", "ordinary"))
    before = (await metrics(admin)).text
    await admin.ask("{ accounts { nodes { id } } }")
    await admin.ask("{ __schema { queryType { name } } }")
    after = (await metrics(admin)).text
    assert number(after, compiled) - number(before, compiled) == 1
    assert number(after, ordinary) - number(before, ordinary) == 1
    assert number(after, 'http_requests_total{status="200"}') > number(before, 'http_requests_total{status="200"}')


async def test_only_admins_read_them(stranger: Person, account_user: Person, provider: Person) -> None:
    assert (await metrics(stranger)).status_code == 401
    assert (await metrics(account_user)).status_code == 403
    assert (await metrics(provider)).status_code == 403
