import { createHmac, timingSafeEqual } from "node:crypto";

/** Whether a webhook call comes from the gateway: `header` is its Jambonz-Signature. */
export function isGenuine(secret: string, header: string, rawBody: Buffer, now = Date.now() / 1000): boolean {
  const parts = header.split(",");
  const sent = parts.find((part) => part.startsWith("t="))?.slice(2) ?? "";
  if (!/^[0-9]{1,11}$/.test(sent) || Math.abs(now - Number(sent)) > 300) {
    return false;
  }
  const expected = Buffer.from(createHmac("sha256", secret).update(`${sent}.`).update(rawBody).digest("hex"));
  return parts.some((part) => {
    const given = Buffer.from(part.startsWith("v1=") ? part.slice(3) : "");
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}
