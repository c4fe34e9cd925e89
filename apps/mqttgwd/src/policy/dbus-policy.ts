import { EVENT_MANAGER, EVENT_SIGNAL, wellKnownName } from '@cstbox/dbus-bus';
import { FRAMEWORK_EVENT_CHANNEL } from '@cstbox/mqtt-core';
import { harmless, wrap } from '../terminal.js';
import type { Need } from './policy-needs.js';

/** What a policy of the bus is made of. */
export interface DBusPolicyOptions {
  /** The user that the gateway runs as, and nothing else on this bus. */
  readonly user: string;
  /** Who may ask it for its status, reload and stop it, beside root. */
  readonly operators: readonly string[];
  readonly heard: readonly Need[];
  readonly emitted: readonly Need[];
  /** The file that it is derived from. */
  readonly configuration: string;
}

/** So many rules are named at a line. */
const MAX_REASONS = 3;
const GATEWAY = wellKnownName('MQTTGateway');
const DAEMON = 'org.freedesktop.DBus';
const PEER = 'org.freedesktop.DBus.Peer';
const INTROSPECTABLE = 'org.freedesktop.DBus.Introspectable';

/** The policy that lets the gateway do its work on a bus of dbus-daemon, and nothing else, and its operators talk to it. */
export function dbusPolicy({ user, operators, heard, emitted, configuration }: DBusPolicyOptions): string {
  return `<!DOCTYPE busconfig PUBLIC
 "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
${head(configuration, user)}
<busconfig>
${nobodyElse()}
  <policy user="${xml(user)}">
${forbidden()}

${joining()}

${emitting(emitted)}

${hearing(heard)}

${serving()}
  </policy>
${[...new Set(['root', ...operators])].map(operating).join('')}</busconfig>
`;
}

function head(configuration: string, user: string): string {
  return [
    ...comment(
      '',
      `What the gateway with the configuration ${configuration} may do on the bus, and no more; who may talk to it; all for a user of its own, ${user}.`,
      'On the system bus, put it into /etc/dbus-1/system.d/ as fr.cstb.cstbox.MQTTGateway.conf. Where CSTBox has a bus of its own, start its dbus-daemon with a configuration file that ends by including this one; before that it has to let other users join: <policy context="default"> <allow user="*"/> </policy>. SIGHUP has a bus read its policies again.',
    ),
  ].join('\n');
}

function nobodyElse(): string {
  return `${comment('  ', 'Nobody else takes its name or talks to it.').join('\n')}
  <policy context="default">
    ${rule('deny', { own: GATEWAY })}
    ${rule('deny', { send_destination: GATEWAY })}
  </policy>
`;
}

function forbidden(): string {
  return section('Nothing but what is allowed below.', [
    rule('deny', { own: '*' }),
    ...['method_call', 'signal'].flatMap((type) => [
      rule('deny', { send_type: type }),
      rule('deny', { receive_type: type }),
    ]),
  ]);
}

function joining(): string {
  const members = [
    ['Hello', 'It joins the bus.'],
    ['RequestName', 'It takes its name, and gives it back.'],
    ['ReleaseName'],
    ['GetConnectionUnixProcessID', 'Who has the name, when it is taken.'],
    ['AddMatch', 'It says which signals it wants.'],
    ['RemoveMatch'],
    ['GetNameOwner', 'Who the event manager is: signals of others are forged.'],
  ];
  const bus = { send_destination: DAEMON, send_path: '/org/freedesktop/DBus' };
  return [
    section('Its name, and no other.', [rule('allow', { own: GATEWAY })]),
    section('What it has asked is answered, and it answers what it was asked.', [
      ...['method_return', 'error'].flatMap((type) => [
        rule('allow', { send_type: type, send_requested_reply: 'true' }),
        rule('allow', { receive_type: type, receive_requested_reply: 'true' }),
      ]),
    ]),
    ...members.map(([member = '', why]) =>
      section(why, [rule('allow', { ...bus, send_interface: DAEMON, send_member: member })]),
    ),
    section('Whether the bus is alive.', [rule('allow', { ...bus, send_interface: PEER, send_member: 'Ping' })]),
    section('Names that come and go: the event manager, its own, those of its callers.', [
      ...['NameOwnerChanged', 'NameAcquired', 'NameLost'].map((member) =>
        rule('allow', { receive_sender: DAEMON, receive_interface: DAEMON, receive_member: member }),
      ),
    ]),
  ].join('\n');
}

function emitting(emitted: readonly Need[]): string {
  const announced = { what: FRAMEWORK_EVENT_CHANNEL, reasons: ['its own states'] };
  const others = emitted.filter(({ what }) => what !== announced.what);
  const same = emitted.filter(({ what }) => what === announced.what).flatMap(({ reasons }) => reasons);
  const needs = [{ ...announced, reasons: [...announced.reasons, ...same] }, ...others];
  const manager = { send_destination: EVENT_MANAGER };
  return [
    ...needs.map(({ what, reasons }) =>
      section(`Events to the channel ${what}: ${listed(reasons)}`, [
        rule('allow', {
          ...manager,
          send_path: `/${what}`,
          send_interface: EVENT_MANAGER,
          send_member: 'emitEvent',
        }),
      ]),
    ),
    section('For mqttgwd check, where it connects: whether the event manager answers, and its channels.', [
      rule('allow', { ...manager, send_interface: PEER, send_member: 'Ping' }),
      rule('allow', { ...manager, send_interface: INTROSPECTABLE, send_member: 'Introspect' }),
    ]),
  ].join('\n');
}

function hearing(heard: readonly Need[]): string {
  return heard
    .map(({ what, reasons }) =>
      section(`Events from the channel ${what}: ${listed(reasons)}`, [
        rule('allow', {
          receive_sender: EVENT_MANAGER,
          receive_path: `/${what}`,
          receive_interface: EVENT_MANAGER,
          receive_member: EVENT_SIGNAL,
        }),
      ]),
    )
    .join('\n');
}

function serving(): string {
  return section('It is called at its own objects, by those whom the policies below let do so.', [
    ...['/service', '/__system__'].map((path) => rule('allow', { receive_type: 'method_call', receive_path: path })),
  ]);
}

/** Reads the status, reloads, looks on, stops it. */
function operating(user: string): string {
  const bus = { send_destination: DAEMON, send_path: '/org/freedesktop/DBus', send_interface: DAEMON };
  return `
${comment('  ', `What ${user} may do: join the bus, find the gateway, and call it.`).join('\n')}
  <policy user="${xml(user)}">
    ${rule('allow', { ...bus, send_member: 'Hello' })}
    ${rule('allow', { ...bus, send_member: 'GetNameOwner' })}
    ${rule('allow', { receive_type: 'method_return', receive_requested_reply: 'true' })}
    ${rule('allow', { receive_type: 'error', receive_requested_reply: 'true' })}
    ${rule('allow', { send_destination: GATEWAY, send_path: '/service' })}
    ${rule('allow', { send_destination: GATEWAY, send_path: '/__system__' })}
  </policy>
`;
}

/** Rules with what they are for before them. */
function section(why: string | undefined, rules: readonly string[]): string {
  const lines = [...(why === undefined ? [] : comment('    ', why)), ...rules.map((each) => `    ${each}`)];
  return lines.join('\n');
}

/** A rule in one line where it fits, else with a line for each attribute. */
function rule(effect: 'allow' | 'deny', attributes: Readonly<Record<string, string>>): string {
  const parts = Object.entries(attributes).map(([name, value]) => `${name}="${xml(value)}"`);
  const line = `<${effect} ${parts.join(' ')}/>`;
  return line.length <= 76 ? line : `<${effect} ${parts.join('\n           ')}/>`;
}

/** Paragraphs of a comment. Two hyphens would end it. */
function comment(indent: string, ...paragraphs: string[]): string[] {
  const text = paragraphs.map((each) =>
    wrap(harmless(each).replace(/-(?=-|$)/g, '- '), { indent: `${indent}     `, width: 80 - indent.length - 9 }),
  );
  return [`${indent}<!-- ${text.join(`\n\n${indent}     `)} -->`];
}

function listed(reasons: readonly string[]): string {
  const more = reasons.length - MAX_REASONS;
  return `${reasons.slice(0, MAX_REASONS).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
