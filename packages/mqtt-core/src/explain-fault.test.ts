import { describe, expect, it } from 'vitest';
import { parseBrokerAddress } from './broker-address.js';
import { explainFault } from './explain-fault.js';

const explain = (message: string, broker = 'mqtt://broker.example', code?: string) =>
  explainFault(Object.assign(new Error(message), code ? { code } : {}), parseBrokerAddress(broker, undefined, false));

describe('why an attempt to connect failed', () => {
  it.each([
    ['connect ECONNREFUSED 127.0.0.1:1883', 'mqtt://h', 'nothing listens there'],
    ['getaddrinfo ENOTFOUND broker.example', 'mqtt://broker.example', "'broker.example' does not resolve"],
    ['connack timeout', 'mqtt://h', 'no answer'],
    ['Connection refused: Not authorized', 'mqtt://h', 'check user name and password'],
    ['Connection refused: Bad username or password', 'mqtt://h', 'check user name and password'],
    ['read ECONNRESET', 'mqtt://h', 'does the broker want TLS on this port?'],
    ['read ECONNRESET', 'mqtts://h', 'does the broker speak this protocol on this port?'],
    ['self-signed certificate in certificate chain', 'mqtts://h', 'name the authority that issued it'],
    ['unable to verify the first certificate', 'mqtts://h', 'name the authority that issued it'],
    ['certificate has expired', 'mqtts://h', 'out of date'],
    ["Hostname/IP does not match certificate's altnames", 'mqtts://h', "not for 'h'"],
    ['Unexpected server response: 404', 'ws://h', 'no MQTT over WebSocket at this URL'],
  ])('%s (%s): %s', (message, broker, hint) => {
    expect(explain(message, broker)).toContain(hint);
    expect(explain(message, broker)).toContain(message.split(' ')[0]);
  });

  it('is one line, without the places of OpenSSL', () => {
    const text = explain(
      '800CB08AA57F0000:error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:../deps/openssl/openssl/ssl/record/rec_layer_s3.c:1601:SSL alert number 116\n',
      'mqtts://h',
    );
    expect(text).toBe('TLS: SSL alert number 116 (the broker wants a client certificate: see tls.cert, tls.key)');
  });

  it('is what the error says when there is nothing to add', () => {
    expect(explain('something new')).toBe('something new');
  });
});
