"""The metrics, and the callers that may read them."""

import asyncio
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from app.users.model import User
from tests.support.installation import Installation, Person
from tests.support.personas import add_people, email_of
from tests.support.waiting import until

METRICS_TOKEN = "metrics-0123456789abcdef0123456789abcdef"


async def metrics(person: Person) -> httpx.Response:
    return await person.client.get("/metrics", headers=person.headers)


def number(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} ([0-9.e+]+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


async def test_operations_are_counted_by_their_executor(admin: Person) -> None:
    compiled, reference = (
        f'vga_graphql_operations_total{{executor="{executor}",operation_type="query"}}'
        for executor in ("compiled", "reference")
    )
    before = (await metrics(admin)).text
    await admin.ask("{ accounts { nodes { id } } }")
    await admin.ask("{ __schema { queryType { name } } }")
    after = (await metrics(admin)).text
    assert number(after, compiled) - number(before, compiled) == 1
    assert number(after, reference) - number(before, reference) == 1
    assert number(after, 'vga_http_requests_total{status="200"}') > number(
        before, 'vga_http_requests_total{status="200"}'
    )


async def test_cached_documents_are_counted_by_number_bytes_hits_and_misses(admin: Person) -> None:
    before = (await metrics(admin)).text
    for _ in range(3):
        await admin.ask("{ cached: viewer { scope } }")
    after = (await metrics(admin)).text
    more = {
        name: number(after, name) - number(before, name)
        for name in (
            "vga_graphql_cached_documents",
            "vga_graphql_cached_documents_bytes",
            'vga_graphql_document_lookups_total{result="hit"}',
            'vga_graphql_document_lookups_total{result="miss"}',
        )
    }
    assert [more.pop(name) for name in list(more) if name != "vga_graphql_cached_documents_bytes"] == [1, 2, 1]
    assert 4_000 < more["vga_graphql_cached_documents_bytes"] < 100_000


async def test_errors_are_counted_by_their_code(admin: Person, account_user: Person) -> None:
    forbidden, invalid = (
        f'vga_graphql_errors_total{{code="{code}"}}' for code in ("FORBIDDEN", "GRAPHQL_VALIDATION_FAILED")
    )
    before = (await metrics(admin)).text
    await account_user.ask("{ one: serviceProviders { nodes { id } } two: serviceProviders { nodes { id } } }")
    await account_user.ask("{ nothing }")
    after = (await metrics(admin)).text
    assert number(after, forbidden) - number(before, forbidden) == 2
    assert number(after, invalid) - number(before, invalid) == 1


async def test_durations_are_observed_by_route_and_operation_type(admin: Person) -> None:
    names = [
        f'vga_http_request_duration_seconds_count{{operation_type="{operation_type}",route="{route}"}}'
        for route, operation_type in (("/graphql", "query"), ("/healthz", ""), ("other", ""))
    ]
    before = (await metrics(admin)).text
    await admin.ask("{ viewer { scope } }")
    await admin.client.get("/healthz")
    await admin.client.get("/nowhere/at/all")
    after = (await metrics(admin)).text
    assert [number(after, name) - number(before, name) for name in names] == [1, 1, 1]


async def test_failed_logins_are_counted(admin: Person, stranger: Person) -> None:
    before = (await metrics(admin)).text
    text = "mutation ($input: LoginInput!) { login(input: $input) { userErrors { code } } }"
    await stranger.ask(text, input={"email": "ann@example.com", "password": "wrong-password"})
    after = (await metrics(admin)).text
    assert number(after, "vga_login_failures_total") - number(before, "vga_login_failures_total") == 1


@pytest.mark.settings(metrics_token=METRICS_TOKEN, database_pool_size=2)
async def test_the_use_of_the_connection_pool_is_measured(installation: Installation) -> None:
    scraper = installation.holder(METRICS_TOKEN)

    async def usage() -> tuple[float, float]:
        text = (await metrics(scraper)).text
        return number(text, "vga_database_pool_connections_in_use"), number(text, "vga_database_pool_waiting")

    async def is_exhausted() -> bool:
        in_use, waiting = await usage()
        return in_use == 2 and waiting > 0

    async def is_free() -> bool:
        in_use, waiting = await usage()
        return in_use < 2 and waiting == 0

    db = installation.app.state.server.started().database.db()
    async with AsyncExitStack() as held:
        for _ in range(2):
            await held.enter_async_context(db.acquire_connection())
        waiting = asyncio.create_task(db.execute_query("SELECT 1"))
        await until(is_exhausted)
    await waiting
    await until(is_free)


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
    documented = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows if name.islower()}
    found: dict[str, set[str]] = {}
    for name, sample in await exported(admin):
        found.setdefault(name, set()).update(sample.labels.keys() - {"le"})
    assert documented == found


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
    """Our metrics in PromQL, with the label values that they select."""
    for name, matchers in re.findall(r"\b(vga(?:_[a-z]+)+)(?:\{([^}]*)\})?", expressions):
        yield name, re.findall(r'(\w+)=~?"([^"]*)"', matchers)


async def test_the_metrics_follow_the_conventions_of_prometheus(admin: Person) -> None:
    """By `promtool` where it is installed (Debian's package prometheus), else by its most important rules."""
    text = (await metrics(admin)).text
    promtool = shutil.which("promtool")
    if promtool is not None:
        linted = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False, text=True)
        assert (linted.returncode, linted.stdout, linted.stderr) == (0, "", "")
    for family in text_string_to_metric_families(text):
        name = family.name
        if name.startswith(("python_", "process_")) or name.endswith("_created"):
            continue
        assert re.fullmatch(r"vga(_[a-z]+)+", name), name
        assert family.documentation, name
        assert family.type in ("counter", "gauge", "histogram"), name
        assert f"{name}_total " not in text or family.type == "counter", name
        assert not re.search(
            r"_(ms|milliseconds|minutes|hours|days|kb|mb|megabytes|count|sum|bucket|info_total)$", name
        )
