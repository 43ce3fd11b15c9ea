/** Saves a name and a bucket by the form: GRAPHQL_URL=… API_KEY=… ACCOUNT_ID=AC… npm run --silent rename-account NAME BUCKET */

import { fill, save } from "./account-form.js";
import { environment } from "./environment.js";

const server = { url: environment("GRAPHQL_URL"), key: environment("API_KEY") };
const [name = "", bucketName = ""] = process.argv.slice(2);
const { account, limits } = await fill(server, environment("ACCOUNT_ID"));

const isTooLong = [...name].length > limits.account.nameMaximum || bucketName.length > limits.recordingConfig.bucketNameMaximum;
if (!account.viewerCanUpdate || isTooLong) {
  throw new Error("The form would not have sent this.");
}
const mistakes = await save(server, {
  id: account.id,
  name,
  ifVersion: account.version,
  recordingConfig: { bucketName, ifVersion: account.recordingConfig?.version ?? null },
});
const after = (await fill(server, account.id)).account;
console.log(
  JSON.stringify({ name: after.name, bucketName: after.recordingConfig?.bucketName, mistakes: Object.fromEntries(mistakes) }),
);
