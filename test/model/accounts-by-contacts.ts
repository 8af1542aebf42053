import type { Expected, ExpectedRecord } from '../match/expected.ts';
import { codePoints, id18 } from '../match/ids.ts';
import type { World } from '../match/match-fixture.ts';

const normalised = (text: string | undefined): string => (text ?? '').normalize('NFC').trim();

/** R15, once accounts and contacts are settled: the match of accounts with those that follow from the contacts of their users. */
export function withAccountsByContacts(world: World, account: Expected, contact: Expected): Expected {
  const records = new Map(account.records);
  const persons = new Map(account.persons);
  const contactOf = new Map([...contact.records].flatMap(([id, { personId }]) => (personId === undefined ? [] : [[personId, id] as const])));
  const decided = new Map(world.decisions.filter((d) => d.object === 'account').map((d) => [`${d.crmId} ${d.persId}`, d.kind]));
  const isBlocked = (crmId: string, persId: string): boolean => ['block', 'unlink'].includes(decided.get(`${crmId} ${persId}`) ?? '');
  const claims = world.persons.account.flatMap((person) => {
    if (persons.has(person.id)) return [];
    const users = world.persons.user.filter(({ accountId }) => normalised(accountId) !== '' && normalised(accountId) === normalised(person.id));
    const votes = new Set(
      users.flatMap((user) => {
        const linked = world.records.contact.find(({ id }) => id === contactOf.get(user.id));
        const named = master(world, id18(linked?.accountId, '001'));
        return named !== null && world.records.account.some(({ id, ineligible }) => id === named && ineligible === undefined) ? [named] : [];
      }),
    );
    const [only] = votes;
    if (votes.size !== 1 || only === undefined || isBlocked(only, person.id)) return [];
    return records.get(only)?.outcome === 'unmatched' ? [{ crmId: only, persId: person.id }] : [];
  });
  const made: Expected['links'][number][] = [];
  for (const crmId of new Set(claims.map((claim) => claim.crmId))) {
    const own = claims.filter((claim) => claim.crmId === crmId).map(({ persId }) => persId);
    const [only] = own;
    if (own.length === 1 && only !== undefined) {
      records.set(crmId, { outcome: 'linked', personId: only, subTier: 'contacts', field: null, attribute: null });
      made.push({ object: 'account', crmId, persId: only, subTier: 'contacts', crmField: null, attribute: null });
    } else {
      records.set(crmId, { outcome: 'ambiguous', subTier: 'contacts', candidates: own.toSorted(codePoints) } satisfies ExpectedRecord);
    }
    for (const persId of own) persons.set(persId, own.length === 1 ? 'linked' : 'stopped');
  }
  return { ...account, records, persons, links: [...account.links, ...made] };
}

/** R20: the account at the end of the mergers, null for a cycle. */
function master(world: World, id: string | null): string | null {
  const seen = new Set<string>();
  for (let at = id; at !== null;) {
    if (seen.has(at)) return null;
    seen.add(at);
    const record = world.records.account.find((other) => other.id === at);
    const next: string | null = record?.ineligible === 'deleted' ? id18(record.masterId, '001') : null;
    if (next === null) return at;
    at = next;
  }
  return null;
}
