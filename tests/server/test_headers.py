"""Headers for caches and browsers: whether a response may be stored, for which caller, and its media type."""

from typing import Any

import httpx
import pytest

from tests.support.installation import Installation, World

ASK: dict[str, Any] = {"json": {"query": "{ __typename }"}}
JSON_TYPE = {"Content-Type": "application/json"}
REQUESTS: dict[str, tuple[str | None, str, str, dict[str, Any], int]] = {
    "an operation": ("admin", "POST", "/graphql", ASK, 200),
    "an operation without a key": (None, "POST", "/graphql", ASK, 200),
    "a query in the address": ("admin", "GET", "/graphql", {"params": {"query": "{ __typename }"}}, 200),
    "no query": ("admin", "GET", "/graphql", {}, 400),
    "no JSON": ("admin", "POST", "/graphql", {"content": b"{", "headers": JSON_TYPE}, 400),
    "no content type": ("admin", "POST", "/graphql", {"content": b"{}"}, 415),
    "no media type of ours": ("admin", "POST", "/graphql", {**ASK, "headers": {"Accept": "image/png"}}, 406),
    "a body that is too long": ("admin", "POST", "/graphql", {"content": bytes(2_000_000), "headers": JSON_TYPE}, 413),
    "an unknown method": ("admin", "PUT", "/graphql", ASK, 405),
    "a HEAD": ("admin", "HEAD", "/graphql", {}, 405),
    "an unknown key": ("unknown", "POST", "/graphql", {"json": {"query": "{ viewer { scope } }"}}, 401),
    "metrics": ("admin", "GET", "/metrics", {}, 200),
    "metrics without a key": (None, "GET", "/metrics", {}, 401),
    "metrics for an account": ("account_user", "GET", "/metrics", {}, 403),
    "metrics by an unknown method": ("admin", "POST", "/metrics", {}, 405),
    "an unknown address": (None, "GET", "/nowhere", {}, 404),
}


def headers_of(world: World, person: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {world.tokens.get(person, 'vgk_unknown')}"} if person else {}


def assert_kept_by_no_cache(answer: httpx.Response) -> None:
    assert answer.headers["cache-control"] == "no-store"
    assert {"authorization", "accept"} <= words(answer.headers.get_list("vary"))
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]


def words(values: list[str]) -> set[str]:
    return {word.strip().lower() for value in values for word in value.split(",")}


@pytest.mark.parametrize("name", REQUESTS)
async def test_no_cache_stores_a_response_to_one_caller(installation: Installation, world: World, name: str) -> None:
    person, method, path, options, status = REQUESTS[name]
    headers = {**headers_of(world, person), **options.get("headers", {})}
    answer = await installation.client.request(method, path, **{**options, "headers": headers})
    assert answer.status_code == status
    assert_kept_by_no_cache(answer)


@pytest.mark.parametrize("path", ["/graphql", "/metrics"])
async def test_no_cache_stores_an_internal_error(installation: Installation, world: World, path: str) -> None:
    async with installation.database() as connection:
        await connection.execute_query("ALTER TABLE api_keys RENAME TO gone")
    answer = await installation.client.get(path, headers=headers_of(world, "admin"))
    assert answer.status_code == 500
    assert_kept_by_no_cache(answer)


@pytest.mark.settings(graphiql=True)
async def test_no_cache_stores_the_page_at_graphql(installation: Installation) -> None:
    assert_kept_by_no_cache(await installation.client.get("/graphql", headers={"Accept": "text/html"}))


@pytest.mark.settings(allowed_origins=["https://portal.example.com"])
async def test_responses_to_allowed_origins_vary_by_origin(installation: Installation) -> None:
    answer = await installation.client.post("/graphql", **ASK, headers={"Origin": "https://portal.example.com"})
    assert_kept_by_no_cache(answer)
    assert words(answer.headers.get_list("vary")) == {"authorization", "accept", "origin"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_no_cache_stores_health_and_metrics(installation: Installation, path: str) -> None:
    answer = await installation.client.get(path)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]


async def test_the_schema_is_cached_for_its_caller_and_revalidated(installation: Installation, world: World) -> None:
    answer = await installation.client.get("/schema.graphql", headers=headers_of(world, "admin"))
    assert answer.headers["cache-control"] == "private, no-cache"
    assert words(answer.headers.get_list("vary")) == {"authorization"}
    again = {**headers_of(world, "admin"), "If-None-Match": answer.headers["etag"]}
    same = await installation.client.get("/schema.graphql", headers=again)
    assert (same.status_code, same.headers["cache-control"]) == (304, "private, no-cache")


async def test_browsers_do_not_sniff_the_media_type_of_recordings(installation: Installation) -> None:
    for path in ("/recordings/nothing", "/recordings/nothing/player", "/recordings/player/player.js"):
        answer = await installation.client.get(path)
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"], path
