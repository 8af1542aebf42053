import { crmObjects } from './world.ts';
import type { Member } from './cast.ts';
import { expectedRecord } from './cast.ts';

const escaped = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ').trim();

const firstLine = `# The named cast of the sample

Every member shows one thing that the rules say. Data and expectation are written by hand in the YAML files beside this one; this table is made of them by \`node sample/generate.ts\`,
as are the CSV files of \`sample/\` and \`sample/expected/\`, where a generated crowd stands around the cast. Lead rows appear in nights with leads on.
`;

/** `sample/cast/README.md`: who, which rule, what happens and why. */
export function castReadme(cast: ReadonlyMap<string, readonly Member[]>): string {
  const parts = [firstLine];
  for (const [file, members] of cast) {
    parts.push(`## ${file}\n`, '| record | name | rule | outcome | why |', '|---|---|---|---|---|');
    for (const member of members) {
      for (const [n, written] of member.records.entries()) {
        const record = expectedRecord(written);
        const row = crmObjects.flatMap((object) => member[object] ?? []).find((each) => record.salesforceId.startsWith(each['Id'] ?? '?'));
        const name = row?.['Name'] ?? [row?.['FirstName'], row?.['LastName']].filter((part) => part !== undefined).join(' ');
        const detail = record.subTier ?? record.reason;
        const outcome = detail === undefined ? record.outcome : `${record.outcome} (${detail})`;
        parts.push(`| ${record.object} \`${record.salesforceId}\` | ${escaped(name)} | ${member.rules} | ${outcome} | ${n === 0 ? escaped(member.why) : 'as above'} |`);
      }
    }
    parts.push('');
  }
  return parts.join('\n');
}
