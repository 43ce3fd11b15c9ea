import { FillAccountFormDocument, SaveAccountFormDocument } from "./generated/graphql.js";
import type { FillAccountFormQuery, UpdateAccountInput } from "./generated/graphql.js";
import { request } from "./request.js";
import type { Server } from "./request.js";

export type AccountForm = FillAccountFormQuery & { account: NonNullable<FillAccountFormQuery["account"]> };

/** Everything that the form shows and offers. `asAdmin` asks for the licence as well, which admins alone may see. */
export async function fill(server: Server, id: string, asAdmin = false): Promise<AccountForm> {
  const { data } = await request(server, FillAccountFormDocument, { id, asAdmin });
  if (data.account === null) {
    throw new Error("There is no such account within reach.");
  }
  return { ...data, account: data.account };
}

/**
 * Saves what was changed, and all of it or nothing. Answers what the person has to mend, by the path of the input's field
 * (`recordingConfig.bucketName`); empty when it is saved. CONFLICT at `ifVersion`: somebody else was faster, so fill it again.
 */
export async function save(server: Server, changed: UpdateAccountInput): Promise<Map<string, string>> {
  const { data, errors } = await request(server, SaveAccountFormDocument, { input: changed });
  if (data.updateAccount === null) {
    throw new Error(errors.map((error) => error.message).join(" "));
  }
  return new Map(data.updateAccount.userErrors.map((mistake) => [mistake.field?.join(".") ?? "", mistake.message]));
}
