import { FillAccountFormDocument, SaveAccountFormDocument } from "./generated/graphql.js";
import type { FillAccountFormQuery, UpdateAccountInput } from "./generated/graphql.js";
import { request } from "./request.js";
import type { Server } from "./request.js";

export type AccountForm = FillAccountFormQuery & { account: NonNullable<FillAccountFormQuery["account"]> };

/** The values and choices of the form. `asAdmin` also asks for the licence, which only admins may see. */
export async function fill(server: Server, id: string, asAdmin = false): Promise<AccountForm> {
  const { data } = await request(server, FillAccountFormDocument, { id, asAdmin });
  if (data.account === null) {
    throw new Error("There is no such account.");
  }
  return { ...data, account: data.account };
}

/**
 * Saves all changes or none. Returns user errors by the path of the input field (`recordingConfig.bucketName`); empty when saved.
 * An error at `ifVersion` is a CONFLICT: another client has changed the account since, so fill the form again.
 */
export async function save(server: Server, changed: UpdateAccountInput): Promise<Map<string, string>> {
  const { data, errors } = await request(server, SaveAccountFormDocument, { input: changed });
  if (data.updateAccount === null) {
    throw new Error(errors.map((error) => error.message).join(" "));
  }
  return new Map(data.updateAccount.userErrors.map((mistake) => [mistake.field?.join(".") ?? "", mistake.message]));
}
