import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { usageFailure } from '../domain/failure.ts';
import type { PersonKind } from '../domain/objects.ts';
import type { AttributeType } from './port.ts';

export const schemaFileName = 'schema.json';

export type DeclaredTypes = Readonly<Record<PersonKind, Readonly<Record<string, AttributeType>>>>;

const types = z.record(z.string().min(1), z.enum(['text', 'number', 'boolean', 'date', 'dateTime']));
/** The same file tells the types of CRM fields by their objects: those keys are not ours. */
const schema = z.looseObject({ user: types.default({}), account: types.default({}) });

/** The attribute types that a directory's `schema.json` declares; none without the file. */
export async function declaredTypes(directory: string): Promise<DeclaredTypes> {
  const { user, account } = schemaOf(directory, await schemaText(directory));
  return { user, account };
}

/** The text of a schema.json that declares these types, and beside them whatever the directory's file says of other things. */
export async function schemaWith(directory: string, declared: DeclaredTypes): Promise<string> {
  return `${JSON.stringify({ ...schemaOf(directory, await schemaText(directory)), ...declared }, null, 2)}\n`;
}

async function schemaText(directory: string): Promise<string> {
  try {
    return await readFile(path.join(directory, schemaFileName), 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return '{}';
    throw usageFailure(`${path.join(directory, schemaFileName)} cannot be read (${code ?? 'unknown'})`, 'check its permissions');
  }
}

function schemaOf(directory: string, text: string): z.infer<typeof schema> {
  const file = path.join(directory, schemaFileName);
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    throw usageFailure(`${file} is not JSON`, 'write it as {"user": {"score": "number"}}');
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw usageFailure(
    `${file}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a schema'}`,
    'types of attributes are text, number, boolean, date and dateTime',
  );
}
