"""What is asked: the same JSON request to both servers."""

import json
from dataclasses import dataclass
from typing import Any

ONE = """
query One($id: ID!) {
  account(id: $id) {
    __typename id name active sipRealm licensedSessions webhookSecret createdAt updatedAt version
    usageLimit { unit maximum }
    serviceProvider { id name active version }
    viewerCanUpdate viewerCanUpdateLicense viewerCanSetActive viewerCanDelete
    apiKeys(first: 20) {
      nodes { id name publicId scope accessLevel status expiresAt lastUsedAt createdAt version }
      pageInfo { hasNextPage endCursor }
    }
    recordingConfig {
      id enabled audioFormat bucketVendor endpointUrl bucketName region accessKeyIdEnding secretAccessKeySetAt
      s3Tags { name value }
      recordAllCalls storageStatus storageStatusSince fingerprint version
    }
  }
}
"""

# 15 fields, 8 of them guarded; the room has four guarded ones, so some are asked twice.
PAGE = """
query Page($first: Int!) {
  accounts(first: $first, orderBy: {field: CREATED_AT, direction: DESC}) {
    nodes {
      id name active sipRealm createdAt updatedAt version
      licensedSessions sessionsToo: licensedSessions sessionsAgain: licensedSessions sessionsOnceMore: licensedSessions
      usageLimit { unit maximum } limitToo: usageLimit { maximum }
      webhookSecret
      serviceProvider { name }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""


@dataclass(frozen=True)
class Case:
    """A request, and the ratio of CPU per request that it may cost."""

    name: str
    title: str
    body: dict[str, Any]
    at_most: float

    @property
    def json(self) -> bytes:
        return json.dumps(self.body).encode()


def cases(account_id: str) -> list[Case]:
    return [
        Case(
            "one",
            "one account: 20 fields, its keys, its recording configuration",
            {"query": ONE, "operationName": "One", "variables": {"id": account_id}},
            15,
        ),
        Case(
            "page",
            "a page of 50 accounts, 15 fields each, 8 of them guarded",
            {"query": PAGE, "operationName": "Page", "variables": {"first": 50}},
            25,
        ),
    ]
