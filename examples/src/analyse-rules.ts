import { analyseRules } from '@cstbox/mqtt-filters-re';

const outbound = [
  ['temperature:bed', 'house/bed'],
  ['temperature:(?P<room>\\w+)$', 'house/{room}'],
  ['temperature:bedroom$', 'house/bedroom/temperature'],
  ['light:(?P<room>\\w+)$', 'house/{room}/light'],
];
const inbound = [
  { match: 'house/(?P<room>\\w+)/light$', emit: [['light', '{room}']] },
  { match: 'house/(?P<room>\\w+)/door$', emit: [['door', '{room}']] },
];

const findings = await analyseRules({
  outbound: [{ path: ['outbound'], options: { rules: outbound } }],
  inbound: [{ path: ['inbound'], options: { rules: inbound } }],
  listenedTopics: ['house/+/light', 'garden/#'], // undefined: whatever the rules need
  qos: 1,
});
for (const { severity, code, path, example = '' } of findings) console.log(severity, code, path.join('.'), example);
