import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

/** A certificate authority of a test, and what it issued; all PEM. */
export interface Certificates {
  readonly ca: string;
  /** For `localhost` and 127.0.0.1. */
  readonly server: { readonly cert: string; readonly key: string };
  /** For a client. */
  readonly client: { readonly cert: string; readonly key: string };
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 24 * 3600 * 1000;
const LOOPBACK: x509.JsonGeneralNames = [
  { type: 'dns', value: 'localhost' },
  { type: 'ip', value: '127.0.0.1' },
];

/** What the server's certificate is to be like. */
export interface CertificateOptions {
  /** The DNS name that it is for, in place of `localhost` and 127.0.0.1. */
  serverName?: string;
  /** From when and until when it is valid, in days from now. Default: from -1 to 1. */
  validDays?: readonly [from: number, to: number];
}

/** Makes an authority and one certificate each for a server and a client, valid for a day. */
export async function createCertificates({ serverName, validDays }: CertificateOptions = {}): Promise<Certificates> {
  x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);
  const caKeys = await generateKeys();
  const dates = datesOf([-1, 1]);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomSerial(),
    name: 'CN=mqttgwd test authority',
    ...dates,
    signingAlgorithm: ALGORITHM,
    keys: caKeys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });

  const issue = async (name: string, extensions: x509.Extension[], validity = dates) => {
    const keys = await generateKeys();
    const cert = await x509.X509CertificateGenerator.create({
      serialNumber: randomSerial(),
      subject: `CN=${name}`,
      issuer: ca.subject,
      ...validity,
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: caKeys.privateKey,
      extensions: [new x509.BasicConstraintsExtension(false), ...extensions],
    });
    const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
    return { cert: cert.toString('pem'), key };
  };

  return {
    ca: ca.toString('pem'),
    server: await issue(
      serverName ?? 'localhost',
      [new x509.SubjectAlternativeNameExtension(serverName ? [{ type: 'dns', value: serverName }] : LOOPBACK)],
      validDays ? datesOf(validDays) : dates,
    ),
    client: await issue('box-17', []),
  };
}

function datesOf([from, to]: readonly [number, number]): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() + from * DAY_MS), notAfter: new Date(Date.now() + to * DAY_MS) };
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
}

function randomSerial(): string {
  return `01${randomBytes(8).toString('hex')}`;
}
