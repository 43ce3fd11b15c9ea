/** Prints an account as JSON: GRAPHQL_URL=… API_KEY=… ACCOUNT_ID=AC… npm run --silent read-account */

import { environment } from "./environment.js";
import { ReadAccountDocument } from "./generated/graphql.js";
import { request } from "./request.js";

const server = { url: environment("GRAPHQL_URL"), key: environment("API_KEY") };
const { data, errors } = await request(server, ReadAccountDocument, { id: environment("ACCOUNT_ID") });

for (const error of errors) {
  console.error(`${error.path?.join(".") ?? "request"}: ${error.message}`);
}
if (data.account === null) {
  throw new Error("There is no such account.");
}
// Typed down to the steps of the last storage test: `status` is 'PASSED' | 'FAILED' | 'SKIPPED', or what a newer server adds.
const failed = data.account.recordingConfig?.lastVerification?.steps.find((step) => step.status === "FAILED");
if (failed !== undefined) {
  console.error(`Recordings would be lost: ${failed.step}: ${failed.advice ?? "no advice"}`);
}
console.log(JSON.stringify(data.account, null, 2));
