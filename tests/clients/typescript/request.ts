import type { TypedDocumentString } from "./generated/graphql.js";

/** The address of the API, and the key of the caller. */
export interface Server {
  readonly url: string;
  readonly key: string;
}

/** A top-level error. A field that the caller may not read is null in the data and has one of these, FORBIDDEN. */
export interface ApiError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions: {
    readonly code: string;
    readonly requestId?: string;
    readonly requiredScopes?: readonly string[];
  };
}

export interface Answer<Data> {
  readonly data: Data;
  /** Why parts of the data are missing; empty when it is complete. */
  readonly errors: readonly ApiError[];
}

/** The response has no data. */
export class Refused extends Error {
  constructor(readonly errors: readonly ApiError[]) {
    super(errors.map((error) => `${error.extensions.code}: ${error.message}`).join("; "));
    this.name = "Refused";
  }
}

/**
 * Sends one operation. The types of its variables and of its data come with the document.
 *
 * Throws Refused when there is no data, and the errors of `fetch` when there is no response or no JSON.
 */
export async function request<Data, Variables>(
  server: Server,
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
): Promise<Answer<Data>> {
  const response = await fetch(server.url, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${server.key}`,
      "Content-Type": "application/json",
      Accept: "application/graphql-response+json, application/json;q=0.9",
    },
    body: JSON.stringify({ query: document.toString(), variables }),
    signal: AbortSignal.timeout(30_000),
  });
  // Errors have JSON bodies too, so the status is not checked.
  const { data, errors = [] } = (await response.json()) as { data?: Data | null; errors?: readonly ApiError[] };
  if (data === undefined || data === null) {
    throw new Refused(errors);
  }
  return { data, errors };
}
