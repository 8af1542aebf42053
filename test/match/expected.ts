import type { ObjectType } from '../../src/domain/objects.ts';

export interface ExpectedRecord {
  readonly outcome: string;
  readonly personId?: string;
  readonly subTier?: string;
  readonly field?: string | null;
  readonly attribute?: string | null;
  readonly reason?: string;
  /** All of them, sorted by code point. */
  readonly candidates?: readonly string[];
}

export interface ExpectedLink {
  readonly object: ObjectType;
  readonly crmId: string;
  readonly persId: string;
  readonly subTier: string;
  readonly crmField: string | null;
  readonly attribute: string | null;
  readonly heir?: string;
}

export interface Expected {
  readonly records: ReadonlyMap<string, ExpectedRecord>;
  /** Persons that are not in it are unmatched. */
  readonly persons: ReadonlyMap<string, 'linked' | 'stopped' | 'held'>;
  readonly nearMisses: number;
  readonly malformedIds: number;
  /** Open links after the run. */
  readonly links: readonly ExpectedLink[];
  /** Of this object's open links, those that ended as tombstones (R21). */
  readonly newTombstones: readonly ExpectedLink[];
  /** Tombstones that this object's records that are there make an end of; of contacts those of leads as well. */
  readonly overTombstones: readonly ExpectedLink[];
}

/** Rules that a test may break on purpose, to see that the comparison notices. */
export interface Mutations {
  /** R13: how many counterparts in one field make a record ambiguous. */
  readonly ambiguousFrom?: number;
  /** R17: held users are candidates like others. */
  readonly nobodyHeld?: boolean;
  /** R7: ignored values match. */
  readonly nothingIgnored?: boolean;
  /** R13: blocks are not looked at. */
  readonly nothingBlocked?: boolean;
  /** R9: stopped records go on to the next sub-tier. */
  readonly nobodyStopped?: boolean;
  /** R6: case is ignored everywhere. */
  readonly caseIgnored?: boolean;
  /** R14: the higher sub-tier is not looked at. */
  readonly ownSubTierOnly?: boolean;
}
