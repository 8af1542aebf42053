const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const weekdays = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

interface FieldRule {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly names?: readonly string[];
}

/** In the dialect of Temporal's schedules: no `L`, `W`, `#`, `?`; Sunday is 0 or 7. */
const fieldRules: readonly FieldRule[] = [
  { name: 'minute', from: 0, to: 59 },
  { name: 'hour', from: 0, to: 23 },
  { name: 'day of month', from: 1, to: 31 },
  { name: 'month', from: 1, to: 12, names: months },
  { name: 'day of week', from: 0, to: 7, names: weekdays },
];

export interface CronFields {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly daysOfMonth: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  /** 0 is Sunday. */
  readonly daysOfWeek: ReadonlySet<number>;
  /** Both days are restricted: Temporal wants both to hold, where the cron of Unix is content with one. */
  readonly bothDays: boolean;
}

export type CronReading = { readonly fields: CronFields } | { readonly problem: string };

function numberOf(text: string, rule: FieldRule): number | undefined {
  const named = rule.names?.indexOf(text.toUpperCase()) ?? -1;
  if (named >= 0) return named + rule.from;
  if (!/^\d{1,2}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= rule.from && value <= rule.to ? value : undefined;
}

/** One item of a field's list: `*`, `a`, `a-b`, each with `/step`; undefined if it is none. */
function itemValues(item: string, rule: FieldRule): number[] | undefined {
  const [range = '', stepText, ...more] = item.split('/');
  const step = stepText === undefined ? 1 : /^\d{1,2}$/.test(stepText) ? Number(stepText) : 0;
  if (more.length > 0 || step < 1) return undefined;
  const [fromText = '', toText, ...rest] = range.split('-');
  if (rest.length > 0) return undefined;
  const from = range === '*' ? rule.from : numberOf(fromText, rule);
  const open = range === '*' || (toText === undefined && stepText !== undefined);
  const to = open ? (rule.to === 7 ? 6 : rule.to) : toText === undefined ? from : numberOf(toText, rule);
  if (from === undefined || to === undefined || from > to) return undefined;
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
}

function fieldValues(text: string, rule: FieldRule): ReadonlySet<number> | undefined {
  const values = new Set<number>();
  for (const item of text.split(',')) {
    const found = itemValues(item, rule);
    if (found === undefined) return undefined;
    for (const value of found) values.add(rule.to === 7 ? value % 7 : value);
  }
  return values;
}

/** Reads a cron expression of exactly five fields. */
export function readCron(text: string): CronReading {
  const parts = text.trim().split(/\s+/);
  if (parts.length !== 5) {
    const six = parts.length === 6 ? ' (this one begins with seconds, or ends with a year: leave that field out)' : '';
    return { problem: `has ${parts.length} field${parts.length === 1 ? '' : 's'}, five are allowed${six}` };
  }
  const sets: ReadonlySet<number>[] = [];
  for (const [index, rule] of fieldRules.entries()) {
    const part = parts[index]!;
    const values = fieldValues(part, rule);
    if (values === undefined) {
      const names = rule.names === undefined ? '' : ` or ${rule.names[0]} to ${rule.names.at(-1)}`;
      return {
        problem: `has the ${rule.name} ${JSON.stringify(part)}; allowed are ${rule.from} to ${rule.to}${names}, *, lists a,b, ranges a-b and steps /n`,
      };
    }
    sets.push(values);
  }
  const [minutes, hours, daysOfMonth, monthsSet, daysOfWeek] = sets as [
    ReadonlySet<number>,
    ReadonlySet<number>,
    ReadonlySet<number>,
    ReadonlySet<number>,
    ReadonlySet<number>,
  ];
  const longest = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  if (![...monthsSet].some((month) => [...daysOfMonth].some((day) => day <= longest[month - 1]!)))
    return { problem: 'names a day that none of its months has' };
  return { fields: { minutes, hours, daysOfMonth, months: monthsSet, daysOfWeek, bothDays: daysOfMonth.size < 31 && daysOfWeek.size < 7 } };
}
