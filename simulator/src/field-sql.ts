import type { Field } from './fields.ts';
import { readable } from './late-commits.ts';
import { quoted } from './schema.ts';
import type { ObjectType } from './schema.ts';
import type { Store } from './store.ts';

/** The SQL that reads a field of the row of `table` (an alias): its column, or what it is made of. */
export function fieldSql(store: Store, type: ObjectType, field: Field, table: string): string {
  if (field.type === 'address') return addressSql(store, type, field, table);
  const { source } = field;
  if (source === undefined) return `${table}.${quoted(field.name)}`;
  if (source.kind === 'person') {
    const value = `(select p.${quoted(source.column)} from ${readable(store, 'Contact')} p where p."Id" = ${table}."PersonContactId")`;
    return field.type === 'boolean' ? `ifnull(${value}, 0)` : value;
  }
  const value = pathSql(store, type, source.path, table);
  const changed = source.as === 'copy' ? value : `${source.as}(${value})`;
  return source.prefix === '' ? changed : `(case when ${changed} is not null then '${source.prefix.replace(/'/g, "''")}' || ${changed} end)`;
}

/** The value at a formula's path, of a field that is checked to be there. */
function pathSql(store: Store, type: ObjectType, path: readonly string[], table: string): string {
  const [first = '', second] = path;
  if (second === undefined) {
    const field = type.allByName.get(first.toLowerCase());
    return field === undefined ? 'null' : fieldSql(store, type, field, table);
  }
  const reference = [...type.allByName.values()].find((field) => field.relationshipName?.toLowerCase() === first.toLowerCase());
  const target = reference?.referenceTo.map((name) => store.type(name)).findLast((found) => found !== undefined);
  const field = target?.allByName.get(second.toLowerCase());
  if (reference === undefined || target === undefined || field === undefined) return 'null';
  return `(select ${fieldSql(store, target, field, 'f')} from ${readable(store, target.name)} f where f."Id" = ${table}.${quoted(reference.name)})`;
}

/** A compound address as JSON text of its parts. */
function addressSql(store: Store, type: ObjectType, address: Field, table: string): string {
  const prefix = address.name.slice(0, -'Address'.length);
  const parts = ['City', 'Country', 'GeocodeAccuracy', 'Latitude', 'Longitude', 'PostalCode', 'State', 'Street'].flatMap((part) => {
    const field = type.byName.get((prefix + part).toLowerCase());
    return field === undefined ? [] : [{ part, sql: fieldSql(store, type, field, table) }];
  });
  if (parts.length === 0) return 'null';
  const entries = parts.map(
    ({ part, sql }) => `'${part[0]?.toLowerCase()}${part.slice(1)}', ${part === 'Latitude' || part === 'Longitude' ? `cast(${sql} as real)` : sql}`,
  );
  return `case when coalesce(${parts.map(({ sql }) => sql).join(', ')}, null) is not null then json_object(${entries.join(', ')}) end`;
}
