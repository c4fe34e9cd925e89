/** What is told of the certificate that a broker shows, as Node.js gives it; anybody may have written it. */
export interface BrokerCertificate {
  readonly subjectaltname?: string;
  readonly valid_from?: string;
  readonly valid_to?: string;
  readonly issuer?: { readonly CN?: string | string[]; readonly O?: string | string[] };
}

/** What a stranger wrote is cut. */
const MAX_LENGTH = 80;

/** ` (valid from 2025-01-01 to 2025-12-31)` */
export function dates(certificate: BrokerCertificate | undefined): string {
  const [from, to] = [certificate?.valid_from, certificate?.valid_to].map(dayOf);
  return from && to ? ` (valid from ${from} to ${to})` : '';
}

/** `, but for broker.example, 192.0.2.1` */
export function holders(certificate: BrokerCertificate | undefined): string {
  const names = certificate?.subjectaltname?.replace(/(DNS|IP Address):/g, '');
  return names ? `, but for ${cut(names)}` : '';
}

/** `, 'Example Authority'` */
export function issuer(certificate: BrokerCertificate | undefined): string {
  const { CN, O } = certificate?.issuer ?? {};
  const [name] = [CN ?? O ?? []].flat();
  return name ? `, '${cut(name)}'` : '';
}

function dayOf(date: string | undefined): string | undefined {
  const time = new Date(date ?? '');
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString().slice(0, 10);
}

function cut(text: string): string {
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}
