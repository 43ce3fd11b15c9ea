/** Prints calls as they change, by default without end: GRAPHQL_URL=… API_KEY=… ACCOUNT_ID=AC… npm run --silent watch-calls [HOW_MANY] */

import { environment } from "./environment.js";
import { WatchCallsDocument } from "./generated/graphql.js";
import { subscribe } from "./subscribe.js";

const server = { url: environment("GRAPHQL_URL"), key: environment("API_KEY") };
const accountId = environment("ACCOUNT_ID");
let left = Number(process.argv[2] ?? Infinity);

for await (const { callChanged: call } of subscribe(server, WatchCallsDocument, { accountId })) {
  // null: deleted before its event was sent. `state` is 'RECORDING' | 'STORING' | 'STORED' | …, or a value of a newer server.
  console.log(JSON.stringify(call && { from: call.from, to: call.to, endedAt: call.endedAt, recording: call.recording.state }));
  if (--left === 0) {
    break;
  }
}
