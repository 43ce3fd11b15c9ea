"""The metrics, and the callers that may read them."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from app.users.model import User
from tests.support.installation import Installation, Person
from tests.support.personas import add_people, email_of

METRICS_TOKEN = "metrics-0123456789abcdef0123456789abcdef"


async def metrics(person: Person) -> httpx.Response:
    return await person.client.get("/metrics", headers=person.headers)


def number(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} ([0-9.e+]+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


async def test_operations_are_counted_by_type_and_executor(admin: Person) -> None:
    compiled, reference = (
        f'operations_total{{executor="{executor}",type="query"}}' for executor in ("compiled", "reference")
    )
    before = (await metrics(admin)).text
    await admin.ask("{ accounts { nodes { id } } }")
    await admin.ask("{ __schema { queryType { name } } }")
    after = (await metrics(admin)).text
    assert number(after, compiled) - number(before, compiled) == 1
    assert number(after, reference) - number(before, reference) == 1
    assert number(after, 'http_requests_total{status="200"}') > number(before, 'http_requests_total{status="200"}')


async def test_cached_documents_are_counted_by_number_bytes_hits_and_misses(admin: Person) -> None:
    before = (await metrics(admin)).text
    for _ in range(3):
        await admin.ask("{ cached: viewer { scope } }")
    after = (await metrics(admin)).text
    more = {
        name: number(after, name) - number(before, name)
        for name in (
            "graphql_documents",
            "graphql_documents_bytes",
            'graphql_documents_lookups_total{result="hit"}',
            'graphql_documents_lookups_total{result="miss"}',
        )
    }
    assert [more.pop(name) for name in list(more) if name != "graphql_documents_bytes"] == [1, 2, 1]
    assert 4_000 < more["graphql_documents_bytes"] < 100_000


async def test_only_admins_read_the_metrics(stranger: Person, account_user: Person, provider: Person) -> None:
    assert (await metrics(stranger)).status_code == 401
    assert (await metrics(account_user)).status_code == 403
    assert (await metrics(provider)).status_code == 403


async def test_restricted_admins_do_not_read_the_metrics(installation: Installation, admin: Person) -> None:
    made = await admin.change("createApiKey", "token", name="gateway of all", accessLevel="GATEWAY")
    assert (await metrics(installation.holder(made["token"]))).status_code == 403
    people = await add_people(installation, "root")
    assert (await metrics(people["root"])).status_code == 200
    async with installation.database():
        await User.filter(email_key=email_of("root").lower()).update(must_change_password=True)
    reset = await metrics(await people.session("root"))
    assert (reset.status_code, reset.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")


@pytest.mark.settings(metrics_token=METRICS_TOKEN)
async def test_the_metrics_token_reads_metrics_and_nothing_else(installation: Installation, admin: Person) -> None:
    scraper = installation.holder(METRICS_TOKEN)
    assert (await metrics(scraper)).status_code == 200
    assert (await metrics(admin)).status_code == 200
    assert (await scraper.ask("{ viewer { scope } }")).status == 401
    for other in (METRICS_TOKEN[:-1], f"{METRICS_TOKEN}0", f"{METRICS_TOKEN}\u00e9"):
        headers = {b"Authorization": f"Bearer {other}".encode("latin-1")}
        assert (await installation.client.get("/metrics", headers=headers)).status_code == 401


async def test_an_empty_token_does_not_authenticate_when_no_metrics_token_is_set(installation: Installation) -> None:
    for header in ("Bearer", "Bearer ", ""):
        answer = await installation.client.get("/metrics", headers={"Authorization": header})
        assert answer.status_code == 401


OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()


async def exported(admin: Person) -> list[tuple[str, Sample]]:
    """The names and the series of our metrics, as Prometheus stores them."""
    families = text_string_to_metric_families((await metrics(admin)).text)
    return [
        (f"{family.name}_total" if family.type == "counter" else family.name, sample)
        for family in families
        for sample in family.samples
        if not family.name.startswith(("python_", "process_")) and not family.name.endswith("_created")
    ]


async def test_the_guide_names_each_metric_with_its_labels(admin: Person) -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| ([^|]*) \|", OPERATIONS.partition("| metric | by |")[2], re.MULTILINE)
    told = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows if name.islower()}
    found: dict[str, set[str]] = {}
    for name, sample in await exported(admin):
        found.setdefault(name, set()).update(sample.labels.keys() - {"le"})
    assert told == found


async def test_each_alarm_of_the_guide_watches_series_that_exist(admin: Person) -> None:
    series = await exported(admin)
    expressions = re.findall(r"^ +expr: (.+)$", OPERATIONS, re.MULTILINE)
    assert len(expressions) > 5
    for name, matchers in selectors(" ".join(expressions)):
        values = [sample.labels for metric, sample in series if metric == name]
        assert values, name
        for label, wanted in matchers:
            for value in wanted.split("|"):
                assert value in {labels[label] for labels in values}, (name, label, value)


def selectors(expressions: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The metrics of ours in PromQL, which have more than one word, with the values that their labels shall have."""
    for name, matchers in re.findall(r"\b([a-z]+(?:_[a-z]+)+)(?:\{([^}]*)\})?", expressions):
        yield name, re.findall(r'(\w+)=~?"([^"]*)"', matchers)
