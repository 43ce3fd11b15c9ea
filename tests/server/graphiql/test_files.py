"""GraphiQL's files, page and examples, as the server sends them."""

import json
from pathlib import Path

import httpx
import pytest
from graphql import OperationDefinitionNode, build_client_schema, get_introspection_query, parse, validate
from graphql.execution.values import get_variable_values
from starlette.applications import Starlette
from starlette.routing import Route

from app.server.graphiql.page import Explorer
from tests.server.graphiql.conftest import REPOSITORY
from tests.server.graphiql.visit import TAB_NAMES, Served
from tests.support.tracked_files import tracked

TABS = tracked(REPOSITORY, "app/server/graphiql/tabs/*.graphql")


def test_every_tab_is_valid_against_the_contract_with_its_variables(explorer: Served) -> None:
    answer = httpx.post(
        explorer.url,
        json={"query": get_introspection_query(input_value_deprecation=True)},
        headers={"Authorization": f"Bearer {explorer.key}"},
    )
    schema = build_client_schema(answer.json()["data"])
    assert validate(schema, parse("{ thereIsNoSuchField }")), "the check itself must be able to fail"
    for path in TABS:
        document = parse(path.read_text())
        assert validate(schema, document) == [], path.name
        variables = path.with_suffix(".json")
        given = json.loads(variables.read_text()) if variables.exists() else {}
        operation = document.definitions[0]
        assert isinstance(operation, OperationDefinitionNode)
        coerced = get_variable_values(schema, operation.variable_definitions or (), given)
        assert not isinstance(coerced, list), f"{variables.name}: {coerced}"


def test_the_tabs_are_the_operations_in_their_order() -> None:
    operations = [parse(path.read_text()).definitions[0] for path in TABS]
    assert [one.name and one.name.value for one in operations if isinstance(one, OperationDefinitionNode)] == TAB_NAMES


def test_a_file_with_its_version_is_immutable_and_otherwise_revalidated(explorer: Served) -> None:
    page = httpx.get(explorer.url, headers={"Accept": "text/html"})
    address = next(part for part in page.text.split('"') if part.startswith("/graphiql/graphiql.js?v="))
    with httpx.Client(base_url=explorer.url.removesuffix("/graphql")) as client:
        kept = client.get(address)
        assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert kept.headers["content-type"] == "text/javascript; charset=utf-8"
        loose = client.get("/graphiql/graphiql.js")
        assert loose.headers["cache-control"] == "no-cache"
        again = client.get("/graphiql/graphiql.js", headers={"If-None-Match": loose.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["page.py", "archives.json", "..%2Finstall.py", "nothing.js", "%2e%2e%2fkeys.json"])
def test_no_other_file_is_served(explorer: Served, name: str) -> None:
    assert httpx.get(explorer.url.removesuffix("/graphql") + f"/graphiql/{name}").status_code == 404


def test_the_page_runs_no_inline_script_and_may_not_be_framed(explorer: Served) -> None:
    page = httpx.get(explorer.url, headers={"Accept": "text/html"})
    policy = page.headers["content-security-policy"]
    assert "default-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["cache-control"] == "no-store"


def test_the_root_redirects_browsers_to_the_page_and_is_404_for_programs(explorer: Served) -> None:
    root = explorer.url.removesuffix("graphql")
    led = httpx.get(root, headers={"Accept": "text/html,*/*;q=0.8"})
    assert (led.status_code, led.headers["location"]) == (307, "/graphql")
    refused = httpx.get(root, headers={"Accept": "application/json"})
    assert refused.status_code == 404
    assert refused.json()["errors"][0]["message"] == "There is nothing at this address."


async def test_without_its_files_the_page_has_instructions(tmp_path: Path) -> None:
    bare = Explorer(tmp_path)
    app = Starlette(routes=[Route("/graphql", bare.page), *bare.routes()])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://explorer") as client:
        page = await client.get("/graphql")
        assert page.status_code == 503
        assert "make install" in page.text
        assert (await client.get("/graphiql/style.css")).status_code == 200
        assert (await client.get("/graphiql/graphiql.js")).status_code == 404
