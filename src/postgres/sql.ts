import type { QueryConfig } from 'pg';

/** Text that goes into a statement as it stands: names of ours, never values. Made by `raw` and `identifier` alone. */
interface Fragment {
  readonly fragment: string;
}

const namePattern = /^[A-Za-z_][A-Za-z0-9_$]{0,62}$/;

/** A quoted name of a table, column or schema. Throws on anything that is not a plain name. */
export function identifier(name: string): Fragment {
  if (!namePattern.test(name)) throw new TypeError(`not a name for SQL: ${JSON.stringify(name)}`);
  return { fragment: `"${name}"` };
}

/** A piece of SQL written in this program. Never pass a value from outside. */
export function raw(text: string): Fragment {
  return { fragment: text };
}

function isFragment(value: unknown): value is Fragment {
  return typeof value === 'object' && value !== null && 'fragment' in value && Object.keys(value).length === 1;
}

function isStatement(value: unknown): value is QueryConfig & { readonly values: unknown[] } {
  return typeof value === 'object' && value !== null && 'text' in value && 'values' in value;
}

/** A statement with its values as parameters: `` sql`select ${x}` ``. Fragments are inlined, statements with their values as well, everything else is bound. */
export function sql(strings: TemplateStringsArray, ...parts: readonly unknown[]): QueryConfig {
  const values: unknown[] = [];
  let text = strings[0] ?? '';
  parts.forEach((part, index) => {
    if (isFragment(part)) text += part.fragment;
    else if (isStatement(part)) {
      const before = values.length;
      text += part.text.replaceAll(/\$(\d+)/g, (_, number: string) => `$${before + Number(number)}`);
      values.push(...part.values);
    } else {
      values.push(part);
      text += `$${values.length}`;
    }
    text += strings[index + 1] ?? '';
  });
  return { text, values };
}
