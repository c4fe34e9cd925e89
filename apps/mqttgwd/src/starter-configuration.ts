import { parseBrokerAddress } from '@cstbox/mqtt-core';

/** What a starter configuration is made of. Texts stand in it as they are, references such as `${env:NAME}` included. */
export interface StarterAnswers {
  /** URL of the broker. */
  readonly broker: string;
  readonly clientId?: string | undefined;
  readonly username?: string | undefined;
  /** Path of the file that holds the password, relative to the configuration. */
  readonly passwordFile?: string | undefined;
  /** Path of the authorities to trust. */
  readonly ca?: string | undefined;
  /** The first levels of all topics. */
  readonly site: string;
  /** Where messages that wait are kept. */
  readonly outbox?: string | undefined;
  /** Where the JSON Schema is, for editors. */
  readonly schema?: string | undefined;
}

/**
 * The broker's URL for what somebody calls it: a bare host is reached at MQTT's own port.
 *
 * @throws {ConfigurationError} it is neither a host nor a URL
 */
export function brokerUrl(given: string, tls: boolean): string {
  const url = given.includes('://') ? given : `${tls ? 'mqtts' : 'mqtt'}://${given}`;
  if (!url.includes('${')) parseBrokerAddress(url, undefined, tls);
  return url;
}

/** Why a text can't begin the topics of a site, or `undefined`. It stands in regexes and in topics, as it is in both. */
export function siteFault(site: string): string | undefined {
  const isPlain = /^[\p{L}\p{N}_-]+(?:\/[\p{L}\p{N}_-]+)*$/u.test(site);
  return isPlain
    ? undefined
    : "a site is of letters, digits, '_' and '-', with '/' between levels, as in house-1/ground";
}

/** A configuration to start from, in YAML, with comments; it runs as it is. */
export function starterConfiguration(answers: StarterAnswers): string {
  const { broker, clientId, username, passwordFile, ca, site, outbox, schema } = answers;
  const usesTls = /^(mqtts|wss):/.test(broker);
  const lines = [
    ...(schema === undefined ? [] : [`# yaml-language-server: $schema=${schema}`]),
    '# What this gateway connects, and what may cross. "mqttgwd check" says what is',
    '# wrong in it; "mqttgwd schema" explains every key. Texts may hold ${env:NAME},',
    '# a variable, and ${credential:NAME}, a credential of systemd.',
    'broker:',
    `  host: ${quote(broker)}`,
    '  # Another at each gateway: the broker keeps commands under this name. Without',
    "  # it, one is made of this machine's id.",
    clientId === undefined ? '  # client_id: box-17' : `  client_id: ${quote(clientId)}`,
    ...(username === undefined
      ? ['# auth:', '#   username: box-17', '#   password_file: mqtt_password # the password alone; chmod 600']
      : [
          'auth:',
          `  username: ${quote(username)}`,
          ...(passwordFile === undefined
            ? []
            : [`  password_file: ${quote(passwordFile)} # the password alone; chmod 600`]),
        ]),
    ...(ca !== undefined
      ? ['tls:', `  ca_certs: ${quote(ca)}`]
      : usesTls
        ? ['tls: {} # the authorities that Node.js trusts; or ca_certs: ca.pem']
        : []),
    '# Messages that wait for a broker that is away: what survives a restart is on',
    '# disk.',
    ...(outbox === undefined
      ? ['# outbox:', '#   directory: /var/lib/mqttgwd']
      : ['outbox:', `  directory: ${quote(outbox)}`]),
    ...filters(site),
  ];
  return `${lines.join('\n')}\n`;
}

function filters(site: string): string[] {
  return `
# The first rule that matches decides; what no rule matches does not cross.
filters:
  # From the bus to MQTT. A regex is for <varType>:<varName>.
  outbound:
    use: "@cstbox/mqtt-filters-re"
    channels: [sensor]
    rules:
      - match: "temperature:(?P<room>[A-Za-z0-9_-]+)$"
        topic: "${site}/{room}/temperature"
        retain: true # who subscribes later gets the last one at once
        examples: { "temperature:kitchen": ${site}/kitchen/temperature }
      - match: "(?P<what>power|energy):(?P<meter>[A-Za-z0-9_-]+)$"
        topic: "${site}/{meter}/{what}"
        examples: { "energy:main": ${site}/main/energy }
  # From MQTT to the bus. A regex is for the topic; what the rules need is
  # subscribed to.
  inbound:
    use: "@cstbox/mqtt-filters-re"
    rules:
      - match: "${site}/(?P<room>[A-Za-z0-9_-]+)/set/light$"
        emit: [[switch, "{room}_light"]]
        read: boolean # on and off, true and false, 1 and 0
        max_age: 60 # seconds: what is older is no command any more
        examples: { ${site}/kitchen/set/light: "switch:kitchen_light" }`
    .slice(1)
    .split('\n');
}

/** A JSON text is one of YAML too. */
function quote(text: string): string {
  return JSON.stringify(text.toWellFormed());
}
