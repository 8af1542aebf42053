/** SOQL's date literals as half-open ranges of UTC days, `[start, end)`. Weeks begin on Sunday. */

export type DayRange = { readonly start: string; readonly end: string };

type Unit = 'DAY' | 'WEEK' | 'MONTH' | 'QUARTER' | 'YEAR';
type Day = { readonly year: number; readonly month: number; readonly day: number };

const iso = (day: Day): string => new Date(Date.UTC(day.year, day.month, day.day)).toISOString().slice(0, 10);

/** The first day of the unit that holds `now`, moved by `steps` units. */
function unitStart(now: Date, unit: Unit, steps: number): Day {
  const year = now.getUTCFullYear();
  const month = now.getUTCMonth();
  const day = now.getUTCDate();
  switch (unit) {
    case 'DAY':
      return { year, month, day: day + steps };
    case 'WEEK':
      return { year, month, day: day - now.getUTCDay() + 7 * steps };
    case 'MONTH':
      return { year, month: month + steps, day: 1 };
    case 'QUARTER':
      return { year, month: month - (month % 3) + 3 * steps, day: 1 };
    case 'YEAR':
      return { year: year + steps, month: 0, day: 1 };
  }
}

/** The range of `TODAY`, `LAST_N_DAYS:3`, ... at the time `nowMs`; null for a literal that is not known. */
export function dateLiteralRange(literal: string, nowMs: number): DayRange | null {
  const now = new Date(nowMs);
  const range = (unit: Unit, from: number, to: number): DayRange => ({ start: iso(unitStart(now, unit, from)), end: iso(unitStart(now, unit, to)) });
  const [name = '', count = ''] = literal.toUpperCase().split(':');
  if (name === 'TODAY') return range('DAY', 0, 1);
  if (name === 'YESTERDAY') return range('DAY', -1, 0);
  if (name === 'TOMORROW') return range('DAY', 1, 2);
  if (name === 'LAST_90_DAYS') return range('DAY', -90, 1);
  if (name === 'NEXT_90_DAYS') return range('DAY', 1, 91);
  const single = /^(THIS|LAST|NEXT)_(WEEK|MONTH|QUARTER|YEAR)$/.exec(name);
  if (single !== null) {
    const step = single[1] === 'THIS' ? 0 : single[1] === 'LAST' ? -1 : 1;
    return range(single[2] as Unit, step, step + 1);
  }
  const n = Number(count);
  const several = /^(LAST|NEXT)_N_(DAY|WEEK|MONTH|QUARTER|YEAR)S$/.exec(name);
  if (several !== null && count !== '') {
    const unit = several[2] as Unit;
    if (several[1] === 'NEXT') return range(unit, 1, n + 1);
    return range(unit, -n, unit === 'DAY' ? 1 : 0);
  }
  const ago = /^N_(DAY|WEEK|MONTH|QUARTER|YEAR)S_AGO$/.exec(name);
  if (ago !== null && count !== '') return range(ago[1] as Unit, -n, 1 - n);
  return null;
}
