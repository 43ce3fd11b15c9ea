/** Prints calls as they change, by default for ever: GRAPHQL_URL=… API_KEY=… ACCOUNT_ID=AC… npm run --silent watch-calls [HOW_MANY] */

import { environment } from "./environment.js";
import { WatchCallsDocument } from "./generated/graphql.js";
import { subscribe } from "./subscribe.js";

const server = { url: environment("GRAPHQL_URL"), key: environment("API_KEY") };
let left = Number(process.argv[2] ?? Infinity);

for await (const { callChanged: call } of subscribe(server, WatchCallsDocument, { accountId: environment("ACCOUNT_ID") })) {
  if (call === null) {
    continue; // It was deleted before it could be told.
  }
  // `state` is 'RECORDING' | 'STORING' | 'STORED' | …, or what a newer server adds.
  console.log(JSON.stringify({ from: call.from, to: call.to, endedAt: call.endedAt, recording: call.recording.state }));
  left -= 1;
  if (left <= 0) {
    break;
  }
}
