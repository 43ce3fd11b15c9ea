import { createClient } from "graphql-ws";
import WebSocket from "ws"; // Node.js 20 has none of its own. Browsers and Node.js 22 do: no `webSocketImpl` there.

import type { TypedDocumentString } from "./generated/graphql.js";
import type { Server } from "./request.js";

/**
 * The events of a subscription, until the loop over it ends. The types of its variables and of its data come with the document.
 *
 * It reconnects when the connection breaks; events in between are lost. Throws the error with which the server rejects or ends it.
 */
export async function* subscribe<Data, Variables extends Record<string, unknown>>(
  server: Server,
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
): AsyncGenerator<Data> {
  const client = createClient({
    url: server.url.replace(/^http/, "ws"),
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${server.key}` },
  });
  try {
    for await (const { data, errors } of client.iterate<Data>({ query: document.toString(), variables })) {
      if (data === undefined || data === null) {
        throw new Error(errors?.map((error) => error.message).join("; ") ?? "The server told nothing.");
      }
      yield data;
    }
  } finally {
    await client.dispose();
  }
}
