import type { Expected, ExpectedLink, ExpectedRecord } from './expected.ts';
import type { World } from './match-fixture.ts';
import type { ObjectMatch } from './reference.ts';

/** Links of this object that are open after the run: what the run linked, and what rests. And what became of tombstones. */
export function linksAfter(match: ObjectMatch): Pick<Expected, 'links' | 'newTombstones' | 'overTombstones'> {
  const linked = [...match.outcome].flatMap(([crmId, { personId, subTier, field, attribute }]) =>
    personId === undefined || subTier === undefined
      ? []
      : [{ object: match.object, crmId, persId: personId, subTier, crmField: field ?? null, attribute: attribute ?? null }],
  );
  const own = match.world.links.filter(
    (l) => l.object === match.object && !linked.some(({ crmId, persId }) => crmId === l.crmId && persId === l.persId),
  );
  const contactOf = (l: World['links'][number]): string | null => (l.object === 'lead' ? match.convertedInto(l.crmId) : null);
  const isHere = ({ persId }: World['links'][number]): boolean => match.people.some(({ id }) => id === persId);
  const resting = own.filter((l) => {
    if (match.became.get(l.persId) === 'linked' || match.contact?.persons.get(l.persId) === 'linked') return false;
    if (match.isBlocked(l.crmId, l.persId) || !isHere(l)) return false;
    const outcomes = [match.outcome.get(match.recordOf(l) ?? ''), match.contact?.records.get(contactOf(l) ?? '')];
    const rests = (o: ExpectedRecord | undefined): boolean =>
      ['ambiguous', 'suppressed'].includes(o?.outcome ?? '') &&
      ['link', 'pin'].includes(o?.subTier ?? '') &&
      o?.candidates?.includes(l.persId) === true;
    if (outcomes.some(rests)) return true;
    // Suppressed itself, by its own link or by a pin that rests.
    const itself = match.outcome.get(l.crmId);
    return itself?.outcome === 'suppressed' && (itself.subTier === 'link' || itself.subTier === 'pin');
  });
  const newTombstones = own.filter((l) => {
    if (resting.includes(l) || !isHere(l)) return false;
    const contact = contactOf(l);
    if (contact !== null) return (match.contact?.records.get(contact)?.outcome ?? 'ineligible') === 'ineligible';
    const record = match.world.records[match.object].find(({ id }) => id === l.crmId);
    return (record === undefined || record.ineligible === 'deleted') && !match.isThere(match.recordOf(l));
  });
  const over = (l: World['links'][number]): boolean =>
    l.object === match.object
      ? [l.crmId, match.mergedInto(match.object, l.crmId), l.heir, match.mergedInto(match.object, l.heir ?? l.crmId)].some((id) => match.isThere(id))
      : match.object === 'contact' && match.leads && l.object === 'lead' && match.isThere(match.convertedInto(l.crmId));
  const heirKept = (l: World['links'][number]): ExpectedLink => {
    const { heir: _, ...rest } = l;
    const heir = match.isThere(l.crmId) ? null : match.recordOf(l);
    return heir === null || heir === l.crmId ? (l.heir === undefined || match.isThere(l.crmId) ? rest : l) : { ...rest, heir };
  };
  return {
    links: [...linked, ...resting.map(heirKept)],
    newTombstones: newTombstones.map(heirKept),
    overTombstones: match.world.tombstones?.filter(over) ?? [],
  };
}
