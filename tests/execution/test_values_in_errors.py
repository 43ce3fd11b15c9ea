"""What was sent is not repeated in error messages: it may be a secret, and error trackers keep them."""

from typing import Any

import pytest

from tests.installation import Person

SECRET = "do-not-repeat-me"
UPDATE = "mutation ($i: UpdateRecordingConfigInput!) { updateRecordingConfig(input: $i) { userErrors { code } } }"


@pytest.mark.parametrize(
    "input",
    [
        {"accountId": "AC", "bucket": "x", "secretAccessKey": SECRET},
        {"secretAccessKey": SECRET},
        # A slip for which there is a suggestion is told in other words.
        {"accountId": "AC", "acessKeyId": "x", "secretAccessKey": SECRET},
        {"accountId": "AC", "secretAccessKey": [SECRET]},
        {"accountId": "AC", "s3Tags": [{"name": SECRET}]},
        {"accountId": "AC", "audioFormat": SECRET},
        {"accountId": {"a": SECRET}},
        [SECRET],
        SECRET,
    ],
)
async def test_a_variable_that_does_not_fit_is_named_but_not_repeated(account_user: Person, input: Any) -> None:
    answer = await account_user.ask(UPDATE, i=input)
    assert answer.codes == ["BAD_USER_INPUT"] * len(answer.errors)
    assert answer.errors
    assert SECRET not in str(answer.body)
    assert "$i" in answer.errors[0]["message"]


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
async def test_a_literal_that_does_not_fit_is_not_repeated(account_user: Person, query: str) -> None:
    answer = await account_user.ask(query % SECRET)
    assert answer.errors
    assert SECRET not in str(answer.body)


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
