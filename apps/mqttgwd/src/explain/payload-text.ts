/** A payload as text; `undefined`: it is none in UTF-8. */
export function payloadText(payload: string | Uint8Array): string | undefined {
  if (typeof payload === 'string') return payload;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload);
  } catch {
    return undefined;
  }
}

/** The same as a part of something in JSON: in Base64 where it is no text. */
export function payloadJson(payload: string | Uint8Array): { payload: string } | { payload_base64: string } {
  const text = payloadText(payload);
  return text === undefined ? { payload_base64: Buffer.from(payload).toString('base64') } : { payload: text };
}
