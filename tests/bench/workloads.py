"""The workloads: four operations, sent as the same JSON to all servers, and the target ratios of ours."""

import json
from dataclasses import dataclass
from typing import Any

from app.foundation.graphql.pagination import NEWEST_FIRST
from tests.bench.seeding import Seeded

ACCOUNT = """
query Account($id: ID!) {
  account(id: $id) {
    __typename id name active sipRealm licensedSessions webhookSecret createdAt updatedAt version
    usageLimit { unit maximum }
    serviceProvider { id name }
    viewerCanUpdate viewerCanUpdateLicense viewerCanSetActive viewerCanDelete
    apiKeys(first: 20) {
      nodes { id name publicId scope accessLevel status expiresAt lastUsedAt createdAt version }
      pageInfo { hasNextPage endCursor }
    }
    recordingConfig {
      id enabled audioFormat bucketVendor endpointUrl bucketName region accessKeyIdEnding secretAccessKeySetAt
      s3Tags { name value }
      recordAllCalls storageStatus storageStatusSince fingerprint createdAt updatedAt version
    }
  }
}
"""

ACCOUNTS = """
query Accounts($first: Int!) {
  accounts(first: $first, orderBy: {field: CREATED_AT, direction: DESC}) {
    nodes {
      id name active sipRealm licensedSessions createdAt updatedAt version
      usageLimit { unit maximum }
      viewerCanUpdate viewerCanUpdateLicense viewerCanSetActive viewerCanDelete
      serviceProvider { name }
      apiKeyCount
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""

KEYS = """
query Keys($id: ID!, $first: Int!, $after: String) {
  account(id: $id) {
    apiKeys(first: $first, after: $after) {
      nodes { id name publicId scope accessLevel status expiresAt revokedAt lastUsedAt createdAt version }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""

UPDATE = """
mutation Update($input: UpdateAccountInput!) {
  updateAccount(input: $input) {
    account { id name active sipRealm licensedSessions usageLimit { unit maximum } updatedAt version }
    userErrors { code }
  }
}
"""

# The geometric mean of the ratios of `shipped`.
LEAST_MEAN = 0.77
# The values of an account's updates alternate, so that each request changes something.
_VARIANTS = 4


@dataclass(frozen=True)
class Workload:
    """An operation with the variables of several requests, and target ratios of our servers (1: as fast as handwritten)."""

    name: str
    title: str
    query: str
    variables: list[dict[str, Any]]
    least_shipped: float
    least_reference: float
    differing: frozenset[str] = frozenset()
    """Fields whose values differ between servers in equal responses."""

    def bodies(self) -> list[bytes]:
        name = self.query.split()[1].partition("(")[0]
        requests = [{"query": self.query, "operationName": name, "variables": each} for each in self.variables]
        return [json.dumps(request).encode() for request in requests]


def workloads(seeded: Seeded) -> list[Workload]:
    """The last one writes, to rows that the others do not read."""
    keys = {"id": seeded.big_account_id, "first": 100}
    cursors = [NEWEST_FIRST.cursor_of({}, key_id) for key_id in seeded.key_ids_in_the_middle]
    return [
        Workload(
            "W1",
            "one account with all its settings, its keys, its recording configuration and its provider's name",
            ACCOUNT,
            [{"id": account_id} for account_id in seeded.read_account_ids],
            0.78,
            0.12,
        ),
        Workload(
            "W2",
            "a page of 50 accounts, 15 fields each, with the provider's name and the number of keys",
            ACCOUNTS,
            [{"first": 50}],
            0.86,
            0.04,
        ),
        Workload(
            "W3",
            "a page of 100 API keys from the middle of an account's thousands",
            KEYS,
            [{**keys, "after": cursor} for cursor in cursors],
            0.81,
            0.07,
        ),
        Workload(
            "W4",
            "an update of four settings of an account",
            UPDATE,
            _updates(seeded.written_account_ids),
            0.60,
            0.30,
            frozenset({"updatedAt", "version"}),
        ),
    ]


def _updates(account_ids: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "input": {
                "id": account_id,
                "name": f"Renamed {number:04d}.{variant} – Sprachdienste",
                "sipRealm": f"renamed{number}-{variant}.sip.example.com",
                "licensedSessions": number + variant,
                "usageLimit": {"unit": "MINUTES" if variant % 2 else "SESSIONS", "maximum": number + variant},
            }
        }
        for variant in range(_VARIANTS)
        for number, account_id in enumerate(account_ids)
    ]
