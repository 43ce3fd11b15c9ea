"""Error messages do not repeat values: a value may be a secret, and error trackers store messages."""

from typing import Any

import pytest
from graphql import OperationDefinitionNode, get_variable_values, is_input_type, parse

from app.foundation.errors import without_values
from app.server.schema import schema
from tests.support.installation import Person

SECRET = "do-not-repeat-me"
UPDATE = "mutation ($i: UpdateRecordingConfigInput!) { updateRecordingConfig(input: $i) { userErrors { code } } }"


@pytest.mark.parametrize(
    "input",
    [
        {"accountId": "AC", "bucket": "x", "secretAccessKey": SECRET},
        {"secretAccessKey": SECRET},
        {"accountId": "AC", "acessKeyId": "x", "secretAccessKey": SECRET},
        {"accountId": "AC", "secretAccessKey": [SECRET]},
        {"accountId": "AC", "s3Tags": [{"name": SECRET}]},
        {"accountId": "AC", "audioFormat": SECRET},
        {"accountId": {"a": SECRET}},
        [SECRET],
        SECRET,
    ],
)
async def test_an_invalid_variable_is_named_but_its_value_is_not_repeated(account_user: Person, input: Any) -> None:
    answer = await account_user.ask(UPDATE, i=input)
    assert answer.codes == ["BAD_USER_INPUT"] * len(answer.errors)
    assert answer.errors
    assert SECRET not in str(answer.body)
    assert "$i" in answer.errors[0]["message"]


async def test_an_unknown_field_at_the_top_of_a_variable_is_named(account_user: Person) -> None:
    answer = await account_user.ask(UPDATE, i={"accountId": "AC", "acessKeyId": SECRET})
    assert [error["message"] for error in answer.errors] == [
        "Variable '$i' has invalid value: Expected value of type 'UpdateRecordingConfigInput'"
        " not to include unknown field 'acessKeyId'."
    ]


INPUT_TYPES = [name for name, type_ in schema._schema.type_map.items() if is_input_type(type_) and name[:2] != "__"]


@pytest.mark.parametrize("name", INPUT_TYPES)
def test_the_value_of_a_variable_of_any_type_is_not_repeated(name: str) -> None:
    operation = parse(f"query ($v: {name}) {{ __typename }}").definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    variables = operation.variable_definitions or ()
    for value in (
        f"has invalid value: {SECRET} value: {SECRET}",
        [SECRET],
        {"x": f"; {SECRET}"},
        {"id": SECRET, "input": 5},
    ):
        found = get_variable_values(schema._schema, variables, {"v": value})
        messages = [without_values(error.message) for error in found] if isinstance(found, list) else []
        assert SECRET not in str(messages)


@pytest.mark.parametrize(
    "query",
    [
        'mutation { updateRecordingConfig(input: {accountId: "AC", bucket: "x", secretAccessKey: "%s"}) { __typename } }',
        'mutation { updateRecordingConfig(input: {secretAccessKey: "%s"}) { __typename } }',
        'mutation { updateRecordingConfig(input: {accountId: "AC", acessKeyId: "x", secretAccessKey: "%s"}) { __typename } }',
        'mutation { updateAccount(input: {id: "AC", recordingConfig: {acessKeyId: "x", secretAccessKey: "%s"}}) { __typename } }',
        'mutation { updateRecordingConfig(input: "%s") { __typename } }',
        'mutation { updateRecordingConfig(input: {accountId: "AC", audioFormat: "%s"}) { __typename } }',
        '{ accounts "%s" }',
        '{ accounts(first: "%s") { totalCount } }',
    ],
)
async def test_an_invalid_literal_is_not_repeated(account_user: Person, query: str) -> None:
    answer = await account_user.ask(query % SECRET)
    assert answer.errors
    assert SECRET not in str(answer.body)


TIME = "Invalid time: write it with its offset, such as 2026-01-31T13:37:00Z."
NO_ENUM = "Enum 'BucketVendor' cannot represent non-enum value. Its values: AWS_S3, S3_COMPATIBLE."
UNKNOWN = "The value does not exist in 'BucketVendor' enum. Its values: AWS_S3, S3_COMPATIBLE."
PLACES = [
    ("""{ auditEvents(filter: {until: "%s"}) { totalCount } }""", "'filter'", ".until", TIME),
    (
        """mutation { createApiKey(input: {name: "x", expiresAt: "%s"}) { __typename } }""",
        "'input'",
        ".expiresAt",
        TIME,
    ),
    (
        """mutation { updateRecordingConfig(input: {accountId: "AC", bucketVendor: "%s"}) { __typename } }""",
        "'input'",
        ".bucketVendor",
        NO_ENUM,
    ),
    (
        """mutation { updateAccount(input: {id: "AC", recordingConfig: {bucketVendor: do_not_repeat_me}}) { __typename } }""",
        "'input'",
        ".recordingConfig.bucketVendor",
        UNKNOWN,
    ),
    (
        """mutation { updateRecordingConfig(input: {accountId: "AC", s3Tags: [{name: 5, value: "%s"}]}) { __typename } }""",
        "'input'",
        ".s3Tags[0].name",
        "String cannot represent a non string value.",
    ),
]


@pytest.mark.parametrize(("query", "argument", "path", "reason"), PLACES)
async def test_an_invalid_literal_is_reported_by_its_path(
    account_user: Person, query: str, argument: str, path: str, reason: str
) -> None:
    text = query.replace("%s", SECRET)
    (error,) = (await account_user.ask(text)).errors
    assert error["message"] == f"Argument {argument} has invalid value at {path}: {reason}"
    name = path.rpartition(".")[2]
    assert error["locations"] == [{"line": 1, "column": text.index(f"{name}:") + len(name) + 3}]


async def test_an_invalid_default_is_reported_by_its_path(account_user: Person) -> None:
    text = f'query ($until: DateTime = "{SECRET}") {{ auditEvents(filter: {{until: $until}}) {{ totalCount }} }}'
    (error,) = (await account_user.ask(text)).errors
    assert error["message"] == f"The default of variable '$until' has invalid value: {TIME}"
    assert error["locations"] == [{"line": 1, "column": text.index('"') + 1}]


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"bucketVendor": "GOOGLE"}, f"at .bucketVendor: {UNKNOWN}"),
        ({"bucketVendor": 5}, f"at .bucketVendor: {NO_ENUM.replace('non-enum', 'non-string')}"),
    ],
)
async def test_the_error_of_an_unknown_enum_value_lists_the_valid_values(
    account_user: Person, given: dict[str, Any], place: str
) -> None:
    (error,) = (await account_user.ask(UPDATE, i={"accountId": "AC", **given})).errors
    assert error["message"] == f"Variable '$i' has invalid value {place}"
    assert error["locations"] == [{"line": 1, "column": UPDATE.index("$i") + 1}]


async def test_a_number_of_thousands_of_digits_is_not_repeated(account_user: Person) -> None:
    answer = await account_user.ask(f"{{ accounts(first: {'9' * 5000}) {{ totalCount }} }}")
    assert answer.errors
    assert "999" not in str(answer.body)


async def test_the_name_of_a_missing_operation_is_not_repeated(account_user: Person) -> None:
    response = await account_user.client.post(
        "/graphql", json={"query": "{ __typename }", "operationName": SECRET}, headers=account_user.headers
    )
    assert response.json()["errors"]
    assert SECRET not in response.text
