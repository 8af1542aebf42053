import type { Random } from '../match/random.ts';

/** Few distinct values, so that several records and persons often share one. Spellings that are near, and some that are none. */
const people = 34;

const email = (at: number): string => `p${at}@x.example`;
export const loyaltyOf = (at: number): string => `L${String(at).padStart(3, '0')}`;

export interface Values {
  readonly email: () => string;
  readonly name: () => string;
  readonly loyalty: () => string;
  readonly phone: () => string;
  readonly company: () => string;
  readonly title: () => string;
  readonly userId: () => string;
}

export function valuesOf(random: Random): Values {
  const at = (): number => random.below(people);
  const odd = (value: string): string => {
    if (random.chance(0.04)) return value.toUpperCase();
    if (random.chance(0.03)) return random.pick(['n/a', 'None', '-', ' ']);
    return value;
  };
  return {
    email: () => odd(email(at())),
    name: () => odd(random.pick([`Last ${at()}`, `Last ${at()}`, `Ann Last ${at()}`])),
    loyalty: () => odd(loyaltyOf(at())),
    phone: () => odd(`+47 ${at()}`),
    company: () => odd(`Company ${random.below(24)}`),
    title: () => random.pick(['Baker', 'Smith', 'Cook', 'Pilot', 'Nurse']),
    userId: () => (random.chance(0.3) ? email(at()) : random.chance(0.2) ? loyaltyOf(at()) : `user-${random.below(100_000)}`),
  };
}

const texts = ['7', '7.0', '-3.5', '1e2', 'many', '', 'true'];
const dates = ['2026-11-23', '2026-11-23T12:00:00+02:00', '2026-11-24T10:00:00Z', 'yesterday'];

/** What a person's attribute may hold that flows into the org, values that no target can take among them. */
export function flowing(random: Random, attribute: string): string {
  switch (attribute) {
    case 'score':
    case 'staff':
      return random.pick(texts);
    case 'seen':
      return random.pick(dates);
    case 'active':
      return random.pick(['true', 'FALSE', 'false', 'yes']);
    case 'altMail':
      return random.pick(['Ann@X.example', 'ann@x.example', 'bo@x.example']);
    case 'assistant':
      return random.pick(['Kim', ' Lee ', 'Ola', 'x'.repeat(41)]);
    default:
      return random.pick(['news', 'sport', 'music; news', 'Æ', '7']);
  }
}
