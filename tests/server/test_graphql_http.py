"""GraphQL over HTTP: methods, media types, strict bodies, status codes. Covers the public compliance audit, and more."""

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from app.server import request_bodies
from tests.support.installation import Installation, World
from tests.support.loop_clock import pass_seconds

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
ASK = {"query": "{ __typename }"}
ANSWER = {"data": {"__typename": "Query"}}


async def post(installation: Installation, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await installation.client.post("/graphql", content=content, headers={"Content-Type": JSON, **named})


async def get(installation: Installation, parameters: dict[str, str], **headers: str) -> httpx.Response:
    return await installation.client.get(f"/graphql?{urlencode(parameters)}", headers=headers)


def assert_error(response: httpx.Response, status: int, media: str = JSON, code: str = "BAD_USER_INPUT") -> None:
    """A request error: that status, a JSON body of that media type, and no `data`."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == f"{media}; charset=utf-8"
    body = response.json()
    assert "data" not in body
    assert body["errors"][0]["message"]
    extensions = body["errors"][0]["extensions"]
    assert extensions["code"] == code
    assert extensions["requestId"] == response.headers["x-request-id"]


# Media types


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, JSON),
        ("", JSON),
        (",", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        ("APPLICATION/JSON", JSON),
        (f"{JSON}; charset=utf-8", JSON),
        (GRAPHQL, GRAPHQL),
        (f"{GRAPHQL}; charset=utf-8", GRAPHQL),
        (f"{GRAPHQL}, {JSON};q=0.9", GRAPHQL),
        (f"{GRAPHQL};q=0.4, {JSON};q=0.5", JSON),
        (f"{JSON};q=0.99999, {GRAPHQL};q=1.000", GRAPHQL),
        (f"{JSON};q=0, */*", GRAPHQL),
        (f"*/*;q=0.1, {GRAPHQL};q=0.2", GRAPHQL),
        (f"{JSON}, multipart/mixed", JSON),
        (f"{JSON}, {GRAPHQL}", JSON),
        (f"*/*, {GRAPHQL}", GRAPHQL),
        # urql and Apollo list the stream last; it is not supported.
        (f"{GRAPHQL}, {JSON}, text/event-stream, multipart/mixed", GRAPHQL),
    ],
)
async def test_the_response_has_the_media_type_that_the_client_prefers(
    shared: Installation, accept: str | None, media: str
) -> None:
    shared.client.headers.pop("accept", None)
    response = await post(shared, ASK, **({} if accept is None else {"Accept": accept}))
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{media}; charset=utf-8"
    assert response.json() == ANSWER


async def test_repeated_accept_headers_are_one_list(shared: Installation) -> None:
    headers = [("Content-Type", JSON), ("Accept", "text/html"), ("Accept", GRAPHQL)]
    response = await shared.client.post("/graphql", json=ASK, headers=headers)
    assert response.headers["content-type"] == f"{GRAPHQL}; charset=utf-8"


@pytest.mark.parametrize("accept", ["text/html", "image/png", f"{JSON};q=0", f"{JSON};q=nan", "text/event-stream"])
async def test_a_client_that_accepts_no_json_gets_406(shared: Installation, accept: str) -> None:
    assert_error(await post(shared, ASK, Accept=accept), 406)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/jsonp",
        "application/jsonfoo; charset=utf-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        f"{JSON}; charset=latin1",
        f"{JSON}; charset=utf-16",
    ],
)
async def test_a_body_that_is_not_json_in_utf_8_by_its_content_type_is_415(
    shared: Installation, content_type: str
) -> None:
    assert_error(await post(shared, ASK, Content_Type=content_type), 415)


async def test_a_body_without_a_content_type_is_415(shared: Installation) -> None:
    assert_error(await shared.client.post("/graphql", content=json.dumps(ASK).encode()), 415)


@pytest.mark.parametrize(
    "content_type",
    [JSON, "Application/JSON", f'{JSON};charset="UTF-8"', f"{JSON}; profile=x; charset=utf8", GRAPHQL],
)
async def test_every_valid_spelling_of_json_is_accepted(shared: Installation, content_type: str) -> None:
    assert (await post(shared, ASK, Content_Type=content_type)).json() == ANSWER


async def test_a_compressed_body_is_415(shared: Installation) -> None:
    body = gzip.compress(json.dumps(ASK).encode())
    assert_error(await post(shared, body, Content_Encoding="gzip"), 415)
    assert (await post(shared, ASK, Content_Encoding="identity")).json() == ANSWER


# Bodies


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'"x"',
        b"1",
        b"null",
        b"true",
        b"[]",
        b'[{"query": "{ __typename }"}]',
        b"{}",
        b'{"query": null}',
        b'{"query": 1}',
        b'{"query": ["{ __typename }"]}',
        b'{"query": ""}',
        b'{"query": " \\n"}',
        b'{"query": "{ __typename }", "variables": []}',
        b'{"query": "{ __typename }", "variables": "{}"}',
        b'{"query": "{ __typename }", "variables": 7}',
        b'{"query": "{ __typename }", "operationName": {}}',
        b'{"query": "{ __typename }", "extensions": []}',
        b'{"query": "{ __typename }", "extensions": "x"}',
        b'{"query": "\xff"}',
        b'{"query": "{ __typename }", "variables": {"a": NaN}}',
        b'{"query": "{ __typename }", "variables": {"a": ' + b"9" * 5_000 + b"}}",
        b'{"query": "{ __typename } # \\ud800"}',
        b'{"query": "{ __typename }", "variables": {"a": "\\ud800"}}',
        b'{"query": "{ __typename }", "operationName": "\\udfff"}',
        b"[" * 100_000,
        b'{"query": "{ __typename }", "variables": ' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001,
        b"\xef\xbb\xbf" + b'{"query": "{ __typename }"}',
    ],
)
@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
async def test_an_invalid_body_is_400(shared: Installation, body: bytes, accept: str) -> None:
    headers = {"Accept": accept, "Authorization": f"Bearer {shared.world.tokens['admin']}"}
    assert_error(await post(shared, body, **headers), 400, accept)


async def test_parameters_that_may_be_null_may_be_null(shared: Installation) -> None:
    body = {**ASK, "variables": None, "operationName": None, "extensions": None, "unknown": 1}
    assert (await post(shared, body)).json() == ANSWER


async def test_variables_nested_900_levels_are_refused_with_a_message(shared: Installation, world: World) -> None:
    query = "query ($id: ID!) { account(id: $id) { id } }"
    body = b'{"query": "%s", "variables": {"id": %s}}' % (query.encode(), b"[" * 900 + b"]" * 900)
    response = await post(shared, body, Authorization=f"Bearer {world.tokens['admin']}")
    assert_error(response, 200)


async def test_a_body_larger_than_allowed_is_413_by_its_length(shared: Installation) -> None:
    assert_error(await post(shared, b" " * 10_000_000, Accept=GRAPHQL), 413, GRAPHQL)


async def test_a_body_larger_than_allowed_is_413_without_a_length(shared: Installation) -> None:
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(160):
            sent += 65_536
            yield b" " * 65_536

    headers = {"Content-Type": JSON, "Authorization": f"Bearer {shared.world.tokens['admin']}"}
    response = await shared.client.post("/graphql", content=chunks(), headers=headers)
    assert_error(response, 413)
    # The chunk that exceeds the limit, and what is buffered between client and server.
    assert sent < shared.settings.max_body_bytes + 3 * 65_536


async def test_a_body_that_does_not_arrive_in_time_is_408(shared: Installation) -> None:
    async def trickle() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await pass_seconds(request_bodies.BODY_SECONDS / 5)

    response = await shared.client.post("/graphql", content=trickle(), headers={"Content-Type": JSON})
    assert_error(response, 408)
    assert response.headers["connection"] == "close"


# Methods and paths


@pytest.mark.parametrize("method", ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_other_methods_than_get_and_post_are_405(shared: Installation, method: str) -> None:
    response = await shared.client.request(method, "/graphql", json=ASK)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"
    if method != "HEAD":
        assert_error(response, 405)


@pytest.mark.parametrize("path", ["/", "/graphql/", "/nothing", "/graphql/x"])
async def test_an_unknown_address_is_404_in_json(shared: Installation, path: str) -> None:
    assert_error(await shared.client.post(path, json=ASK, headers={"Accept": GRAPHQL}), 404, GRAPHQL)
    assert_error(await shared.client.get(path), 404)


# GET


async def test_get_runs_a_query(shared: Installation) -> None:
    assert (await get(shared, ASK)).json() == ANSWER


async def test_get_takes_operation_name_and_variables_in_the_url(shared: Installation) -> None:
    query = "query A { a: __typename } query B($skip: Boolean!) { b: __typename c: __typename @skip(if: $skip) }"
    response = await get(
        shared, {"query": query, "operationName": "B", "variables": '{"skip": true}', "extensions": "{}"}
    )
    assert response.json() == {"data": {"b": "Query"}}


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"query": ""},
        {**ASK, "variables": "{"},
        {**ASK, "variables": "[1]"},
        {**ASK, "variables": '"x"'},
        {**ASK, "extensions": "7"},
    ],
)
async def test_an_invalid_query_string_is_400(shared: Installation, parameters: dict[str, str]) -> None:
    assert_error(await get(shared, parameters, Accept=GRAPHQL), 400, GRAPHQL)


@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
async def test_a_mutation_by_get_is_405_and_does_nothing(shared: Installation, world: World, accept: str) -> None:
    query = 'mutation { createAccount(input: {name: "By GET", serviceProviderId: "%s"}) { account { id } } }'
    headers = {"Accept": accept, "Authorization": f"Bearer {world.tokens['admin']}"}
    response = await get(shared, {"query": query % world["provider"]}, **headers)
    assert_error(response, 405, accept)
    assert response.headers["allow"] == "POST"
    found = await shared.person("admin").ask('{ accounts(filter: {nameContains: "By GET"}) { totalCount } }')
    assert found.only("accounts") == {"totalCount": 0}


# Status codes


REQUEST_ERRORS = {
    "no syntax": ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
    "no such field": ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
    "no such operation": ({"query": "query A { __typename }", "operationName": "B"}, "BAD_USER_INPUT"),
    "which operation": ({"query": "query A { __typename } query B { __typename }"}, "BAD_USER_INPUT"),
    "a variable is missing": ({"query": "query ($a: Boolean!) { __typename @skip(if: $a) }"}, "BAD_USER_INPUT"),
    "a variable of the wrong type": (
        {"query": "query ($a: Boolean!) { __typename @skip(if: $a) }", "variables": {"a": "x"}},
        "BAD_USER_INPUT",
    ),
}


@pytest.mark.parametrize("case", REQUEST_ERRORS)
async def test_a_request_error_is_400_without_data(shared: Installation, case: str) -> None:
    body, code = REQUEST_ERRORS[case]
    assert_error(await post(shared, body, Accept=GRAPHQL), 400, GRAPHQL, code)


@pytest.mark.parametrize("case", REQUEST_ERRORS)
async def test_a_request_error_is_200_for_older_clients(shared: Installation, case: str) -> None:
    body, code = REQUEST_ERRORS[case]
    assert_error(await post(shared, body, Accept=JSON), 200, JSON, code)


async def test_an_error_of_a_field_is_200_with_the_rest_of_the_data(shared: Installation, world: World) -> None:
    query = "query ($id: ID!) { viewer { scope } account(id: $id) { name licensedSessions } }"
    token = world.tokens["account_user"]
    response = await post(
        shared, {"query": query, "variables": {"id": world["own"]}}, Accept=GRAPHQL, Authorization=f"Bearer {token}"
    )
    assert response.status_code == 200
    data = {"viewer": {"scope": "ACCOUNT"}, "account": {"name": "Own customer", "licensedSessions": None}}
    assert response.json()["data"] == data
    assert response.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize("header", ["Bearer", "Bearer x", "Bearer vgk_x", "Basic eDp5", "x", "Bearer \u00e9"])
@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
async def test_a_header_that_does_not_authenticate_is_401_for_older_clients_too(
    shared: Installation, header: str, accept: str
) -> None:
    headers = {b"Authorization": header.encode("latin-1"), b"Accept": accept.encode()}
    response = await shared.client.post("/graphql", json={"query": "{ viewer { scope } }"}, headers=headers)
    assert_error(response, 401, accept, "UNAUTHENTICATED")
    assert response.headers["www-authenticate"] == "Bearer"


async def test_data_without_a_key_is_401_and_200_for_older_clients(shared: Installation) -> None:
    query = {"query": "{ viewer { scope } }"}
    response = await post(shared, query, Accept=GRAPHQL)
    assert_error(response, 401, GRAPHQL, "UNAUTHENTICATED")
    assert response.headers["www-authenticate"] == "Bearer"
    assert_error(await post(shared, query, Accept=JSON), 200, JSON, "UNAUTHENTICATED")


@pytest.mark.settings(anonymous_introspection=False)
@pytest.mark.parametrize(
    "query", ["{ __schema { queryType { name } } }", '{ __type(name: "Query") { name } }', "{ x }"]
)
async def test_callers_that_may_not_introspect_get_no_validation_errors(installation: Installation, query: str) -> None:
    assert_error(await post(installation, {"query": query}, Accept=GRAPHQL), 401, GRAPHQL, "UNAUTHENTICATED")
    assert (await post(installation, ASK)).json() == ANSWER


async def test_a_persisted_query_gets_the_message_that_clients_expect(shared: Installation) -> None:
    body = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}
    for accept, status in ((JSON, 200), (GRAPHQL, 400)):
        response = await post(shared, body, Accept=accept)
        assert_error(response, status, accept)
        assert response.json()["errors"][0]["message"] == "PersistedQueryNotSupported"
    whole = {**ASK, **body}
    assert (await post(shared, whole)).json() == ANSWER


async def test_subscriptions_are_refused_over_http(shared: Installation, world: World) -> None:
    response = await post(
        shared,
        {"query": "subscription { __typename }"},
        Accept=GRAPHQL,
        Authorization=f"Bearer {world.tokens['admin']}",
    )
    assert_error(response, 400, GRAPHQL, "GRAPHQL_VALIDATION_FAILED")


# The explorer


async def test_a_browser_is_refused_where_the_explorer_is_off(shared: Installation) -> None:
    assert_error(await shared.client.get("/graphql", headers={"Accept": "text/html,*/*;q=0.1"}), 400)


@pytest.mark.settings(graphiql=True)
async def test_a_browser_gets_a_page_where_the_explorer_is_on(installation: Installation) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    page = await installation.client.get("/graphql", headers=browser)
    assert page.headers["content-type"].startswith("text/html")
    assert (await get(installation, ASK, **browser)).json() == ANSWER
    assert_error(await installation.client.get("/graphql", headers={"Accept": "*/*"}), 400)
    assert_error(await post(installation, ASK, Accept="text/html"), 406)
