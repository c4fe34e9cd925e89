import { writeFileSync } from 'node:fs';
import { inboundRuleSchema, outboundRuleSchema } from '@cstbox/mqtt-filters-re';

writeFileSync('outbound-rule.schema.json', JSON.stringify(outboundRuleSchema(), null, 2));
writeFileSync('inbound-rule.schema.json', JSON.stringify(inboundRuleSchema(), null, 2));
