import type { Settings } from '../../src/config/settings.ts';
import type { ObjectType } from '../../src/domain/objects.ts';
import type { Expected, ExpectedRecord, Mutations } from './expected.ts';
import { codePoints, id18 } from './ids.ts';
import { linksAfter } from './reference-links.ts';
import { facts, tiersOf } from './reference-tiers.ts';
import type { Tier } from './reference-tiers.ts';
import type { World, WorldPerson, WorldRecord } from './match-fixture.ts';

/**
 * The rules of matching over plain arrays, every record held against every person: slow, small, and written from the rules alone. It shares
 * nothing with the matcher but the settings' type.
 */

const order = ['pin', 'link', 'id', 'converted', 'field', 'email', 'name', 'contacts'];
/** The match of all objects; leads only if they are on. */
export function reference(settings: Settings, world: World, leads: boolean, mutations: Mutations = {}): Partial<Record<ObjectType, Expected>> {
  const account = new ObjectMatch(settings, world, leads, 'account', mutations).run();
  const contact = new ObjectMatch(settings, world, leads, 'contact', mutations).run();
  if (!leads) return { account, contact };
  return { account, contact, lead: new ObjectMatch(settings, world, leads, 'lead', mutations, contact).run() };
}

export class ObjectMatch {
  readonly settings: Settings;
  readonly world: World;
  readonly leads: boolean;
  readonly object: ObjectType;
  readonly mutations: Mutations;
  readonly contact: Expected | undefined;
  readonly records: readonly WorldRecord[];
  readonly people: readonly WorldPerson[];
  readonly outcome = new Map<string, ExpectedRecord>();
  readonly became = new Map<string, 'linked' | 'stopped' | 'held'>();
  readonly pinned: [string, string][] = [];
  readonly blocked = new Set<string>();

  constructor(settings: Settings, world: World, leads: boolean, object: ObjectType, mutations: Mutations, contact?: Expected) {
    this.settings = settings;
    this.world = world;
    this.leads = leads;
    this.object = object;
    this.mutations = mutations;
    this.contact = contact;
    this.records = world.records[object];
    this.people = world.persons[facts[object].kind];
    // Ids of different objects differ by their prefix: one set serves all.
    const last = new Map(world.decisions.map((d) => [`${d.crmId} ${d.persId}`, d]));
    for (const [pair, { kind, crmId, persId, object: of }] of last) {
      if (kind === 'pin' && of === object) this.pinned.push([crmId, persId]);
      if ((kind === 'block' || kind === 'unlink') && mutations.nothingBlocked !== true) this.blocked.add(pair);
    }
  }

  run(): Expected {
    for (const record of this.records)
      if (record.ineligible !== undefined) this.outcome.set(record.id, { outcome: 'ineligible', reason: record.ineligible });
    if (this.contact !== undefined && this.mutations.nobodyHeld !== true) {
      for (const [id, became] of this.contact.persons) if (became !== 'held') this.became.set(id, 'held');
    }
    this.pins();
    this.standing();
    const tiers = tiersOf(this);
    for (const tier of tiers) this.settle(tier);
    const unmatched = this.records.filter(({ id }) => !this.outcome.has(id));
    const near = unmatched.filter((record) =>
      this.people.some(
        (person) =>
          !this.became.has(person.id) &&
          !this.isBlocked(record.id, person.id) &&
          tiers.some(({ fields }) => fields.some((field) => field.near?.(record, person))),
      ),
    );
    for (const { id } of unmatched) this.outcome.set(id, { outcome: 'unmatched' });
    this.drift(tiers);
    const { idAttribute } = this.settings.objects[this.object];
    const malformed = this.people.filter(
      ({ values }) => (values[idAttribute] ?? '').trim() !== '' && id18(values[idAttribute], facts[this.object].prefix) === null,
    );
    return { records: this.outcome, persons: this.became, nearMisses: near.length, malformedIds: malformed.length, ...linksAfter(this) };
  }

  isBlocked(crmId: string, persId: string): boolean {
    return this.blocked.has(`${crmId} ${persId}`);
  }

  link(crmId: string, personId: string, subTier: string, field: string | null, attribute: string | null, reason?: string): void {
    this.outcome.set(crmId, { outcome: 'linked', personId, subTier, field, attribute, ...(reason === undefined ? {} : { reason }) });
    this.became.set(personId, 'linked');
  }

  /** R13, R17 */
  pins(): void {
    for (const [crmId, persId] of this.pinned) {
      const record = this.records.find(({ id, ineligible }) => id === crmId && ineligible === undefined);
      if (record === undefined || !this.people.some(({ id }) => id === persId)) continue;
      if (this.became.get(persId) === 'held') this.outcome.set(crmId, { outcome: 'suppressed', subTier: 'pin', candidates: [persId] });
      else {
        const earlier = this.world.links.some((l) => l.object === this.object && l.crmId === crmId && l.persId === persId);
        this.link(crmId, persId, 'pin', null, null, earlier ? 'kept' : undefined);
      }
    }
  }

  /** R20: the id at the end of the chain of mergers; null for a cycle. */
  mergedInto(object: ObjectType, id: string): string | null {
    const seen = new Set<string>();
    for (let at = id; ;) {
      if (seen.has(at)) return null;
      seen.add(at);
      const record = this.world.records[object].find((other) => other.id === at);
      const next = record?.ineligible === 'deleted' ? id18(record.masterId, facts[object].prefix) : null;
      if (next === null) return at;
      at = next;
    }
  }

  /** R19: the contact that a lead became. */
  convertedInto(leadId: string): string | null {
    const lead = this.world.records.lead.find(({ id }) => id === this.mergedInto('lead', leadId));
    const contact = id18(lead?.convertedId, '003');
    // In a circle of mergers it is a deleted one.
    return contact === null ? null : (this.mergedInto('contact', contact) ?? contact);
  }

  /** The record that a link is of tonight (R20). */
  recordOf({ object, crmId, heir }: World['links'][number]): string | null {
    const known = this.world.records[object].some(({ id }) => id === crmId);
    return this.mergedInto(object, known ? crmId : (heir ?? crmId));
  }

  isThere(crmId: string | null | undefined): boolean {
    return this.records.some(({ id, ineligible }) => id === crmId && ineligible === undefined);
  }

  /** R14, R17, R19, R20, R21 */
  standing(): void {
    const claims: { crmId: string; persId: string; subTier: string; crmField: string | null; attribute: string | null; reason: string }[] = [];
    const claim = (crmId: string | null, l: World['links'][number], reason: string): void => {
      if (crmId === null || !this.records.some(({ id, ineligible }) => id === crmId && ineligible === undefined)) return;
      if (!this.people.some(({ id }) => id === l.persId)) return;
      if (this.isBlocked(crmId, l.persId) || this.isBlocked(l.crmId, l.persId)) return;
      if (this.outcome.has(crmId) || this.became.get(l.persId) === 'linked' || this.contact?.persons.get(l.persId) === 'linked') return;
      if (claims.some(({ persId }) => persId === l.persId)) return;
      claims.push({ ...l, crmId, reason });
    };
    for (const l of this.world.links) if (l.object === this.object) claim(this.recordOf(l), l, 'kept');
    if (this.object === 'contact' && this.leads)
      for (const l of this.world.links) if (l.object === 'lead') claim(this.convertedInto(l.crmId), l, 'converted');
    for (const l of this.world.tombstones?.toReversed() ?? []) {
      const crmId =
        l.object === this.object
          ? this.recordOf(l)
          : this.object === 'contact' && this.leads && l.object === 'lead'
            ? this.convertedInto(l.crmId)
            : null;
      if (this.became.has(l.persId) || claims.some((c) => c.crmId === crmId)) continue;
      claim(crmId, l, l.object === this.object ? 'kept' : 'converted');
    }
    for (const crmId of new Set(claims.map((c) => c.crmId))) {
      const own = claims.filter((c) => c.crmId === crmId);
      const free = own.filter(({ persId }) => this.became.get(persId) !== 'held');
      const [only] = free;
      if (free.length === 1 && only !== undefined) this.link(crmId, only.persId, only.subTier, only.crmField, only.attribute, only.reason);
      else {
        const candidates = (free.length > 0 ? free : own).map(({ persId }) => persId).toSorted(codePoints);
        this.outcome.set(crmId, { outcome: free.length > 0 ? 'ambiguous' : 'suppressed', subTier: 'link', candidates });
        for (const { persId } of free) this.became.set(persId, 'stopped');
      }
    }
  }

  /** R9, R13, R17 */
  settle(tier: Tier): void {
    const pairs = this.records
      .filter(({ id }) => !this.outcome.has(id))
      .flatMap((record) =>
        this.people
          .filter(({ id }) => !this.became.has(id) || this.became.get(id) === 'held')
          .filter(({ id }) => !this.isBlocked(record.id, id))
          .map((person) => ({ record: record.id, person: person.id, fields: tier.fields.filter((field) => field.agree(record, person) !== null) }))
          .filter(({ fields }) => fields.length > 0),
      );
    const isHeld = (person: string): boolean => this.became.get(person) === 'held';
    const sorted = (record: string, held: boolean): string[] =>
      pairs
        .filter((p) => p.record === record && isHeld(p.person) === held)
        .map((p) => p.person)
        .toSorted(codePoints);
    const free = pairs.filter(({ person }) => !isHeld(person));
    for (const { record } of pairs) {
      if (!free.some((p) => p.record === record))
        this.outcome.set(record, { outcome: 'suppressed', subTier: tier.name, candidates: sorted(record, true) });
    }
    const ofRecord = (record: string): typeof free => free.filter((p) => p.record === record);
    const ofPerson = (person: string): typeof free => free.filter((p) => p.person === person);
    const single = free.filter((p) => ofRecord(p.record).length === 1 && ofPerson(p.person).length === 1);
    const several = (lines: typeof free): boolean =>
      tier.fields.some((field) => lines.filter(({ fields }) => fields.includes(field)).length >= (this.mutations.ambiguousFrom ?? 2));
    const stopped = free.filter((p) => !single.includes(p));
    for (const { record, person, fields } of single) {
      const [field] = fields;
      const values = this.people.find(({ id }) => id === person);
      const of = this.records.find(({ id }) => id === record);
      if (field !== undefined && values !== undefined && of !== undefined) this.link(record, person, tier.name, field.name, field.agree(of, values));
    }
    if (this.mutations.nobodyStopped === true) return;
    for (const { record } of stopped) {
      const ambiguous = several(ofRecord(record)) || ofRecord(record).some(({ person }) => several(ofPerson(person)));
      this.outcome.set(record, { outcome: ambiguous ? 'ambiguous' : 'conflicting', subTier: tier.name, candidates: sorted(record, false) });
    }
    for (const { person } of stopped) this.became.set(person, 'stopped');
  }

  /** R14 */
  drift(tiers: readonly Tier[]): void {
    const place = (tier: { readonly name: string }): number => order.indexOf(tier.name);
    const agrees = (tier: Tier, crmId: string, persId: string): boolean => {
      const record = this.records.find(({ id }) => id === crmId);
      const person = this.people.find(({ id }) => id === persId);
      return record !== undefined && person !== undefined && tier.fields.some((field) => field.agree(record, person) !== null);
    };
    for (const [crmId, { personId, subTier, field, reason, ...rest }] of this.outcome) {
      if (personId === undefined || subTier === undefined || reason !== 'kept') continue;
      const own = tiers.find((tier) => tier.name === subTier && tier.fields.some(({ name }) => name === field));
      const higher = own === undefined ? tiers.filter((tier) => place(tier) < order.indexOf(subTier)) : tiers.slice(0, tiers.indexOf(own));
      const elsewhere = (tier: Tier): boolean =>
        this.records.some(
          ({ id, ineligible }) => id !== crmId && ineligible === undefined && !this.isBlocked(id, personId) && agrees(tier, id, personId),
        ) || this.people.some(({ id }) => id !== personId && this.became.get(id) !== 'held' && !this.isBlocked(crmId, id) && agrees(tier, crmId, id));
      const drifted = (own !== undefined && !agrees(own, crmId, personId)) || (this.mutations.ownSubTierOnly !== true && higher.some(elsewhere));
      if (drifted) this.outcome.set(crmId, { ...rest, personId, subTier, field: field ?? null, reason: 'drifted' });
    }
  }
}
