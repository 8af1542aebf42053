import { isObject } from './body.ts';
import type { Fault, FaultFile, FaultKind, FaultRule } from './faults.ts';

/** A file of faults that cannot be taken; the message names the place and what it takes. */
export class FaultError extends Error {}

type Check = (where: string, value: unknown) => void;

const refuse = (where: string, expected: string, value: unknown): never => {
  throw new FaultError(`${where} takes ${expected}, not ${JSON.stringify(value)}`);
};
const whole =
  (min: number, max = Number.MAX_SAFE_INTEGER): Check =>
  (where, value) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return;
    refuse(where, max === Number.MAX_SAFE_INTEGER ? `a whole number from ${min}` : `a whole number from ${min} to ${max}`, value);
  };
const text: Check = (where, value) => {
  if (typeof value !== 'string' || value === '') refuse(where, 'a text', value);
};
const flag: Check = (where, value) => {
  if (typeof value !== 'boolean') refuse(where, 'true or false', value);
};
const texts: Check = (where, value) => {
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) refuse(where, 'a list of texts', value);
};
const oneOf =
  (...values: readonly string[]): Check =>
  (where, value) => {
    if (!values.includes(value as string)) refuse(where, values.join(', '), value);
  };
const integer: Check = (where, value) => {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value === 0) refuse(where, 'a whole number, not 0', value);
};
const share: Check = (where, value) => {
  if (typeof value !== 'number' || !(value > 0 && value <= 1)) refuse(where, 'a number above 0, up to 1', value);
};
const anything: Check = () => undefined;

type Shape = { readonly needs?: Readonly<Record<string, Check>>; readonly takes?: Readonly<Record<string, Check>> };

const dayMs = 24 * 3600_000;
const shapes = {
  status: { needs: { status: whole(200, 599) }, takes: { errorCode: text, message: text, body: anything, contentType: text } },
  requestLimit: { needs: { limit: oneOf('total', 'concurrent') } },
  html: { takes: { status: whole(200, 599) } },
  delay: { needs: { ms: whole(0, dayMs) } },
  close: {},
  loseAnswer: {},
  drip: { needs: { bytes: whole(1), everyMs: whole(0, dayMs) } },
  cut: { takes: { afterBytes: whole(0), clean: flag } },
  garbage: { needs: { bytes: whole(0, 1 << 30) } },
  locator: { needs: { as: oneOf('missing', 'repeated') } },
  wrongCount: { needs: { by: integer } },
  dropRows: { needs: { rows: whole(1) } },
  sessionExpired: {},
  job: {
    takes: {
      end: oneOf('stuck', 'Failed', 'Aborted', 'gone'),
      afterRows: whole(0),
      polls: whole(1),
      message: text,
      lostRows: whole(1),
      lostAreSaved: flag,
    },
  },
  rowError: { takes: { errorCode: text, message: text, fields: texts, rows: whole(1), ids: texts } },
} as const satisfies Readonly<Record<FaultKind, Shape>>;

const ruleShape: Shape = {
  needs: { path: text, fault: anything },
  takes: {
    name: text,
    method: text,
    contains: text,
    at: whole(1),
    every: whole(1),
    probability: share,
    count: (where, value) => {
      if (value !== 'always') whole(1)(where, value);
    },
    delayMs: whole(0, dayMs),
  },
};

function checkShape(
  where: string,
  value: Readonly<Record<string, unknown>>,
  { needs = {}, takes = {} }: Shape,
  beside: readonly string[] = [],
): void {
  const known = { ...needs, ...takes };
  const names = [...beside, ...Object.keys(known)];
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new FaultError(`${where}: there is no ${unknown} here; there are ${names.join(', ')}`);
  const missing = Object.keys(needs).find((name) => value[name] === undefined);
  if (missing !== undefined) throw new FaultError(`${where}: ${missing} is missing`);
  for (const [name, check] of Object.entries(known)) if (value[name] !== undefined) check(`${where}.${name}`, value[name]);
}

const isKind = (kind: unknown): kind is FaultKind => typeof kind === 'string' && Object.hasOwn(shapes, kind);

function checkFault(where: string, value: unknown): Fault {
  if (!isObject(value)) throw new FaultError(`${where} takes an object like {"kind": "close"}, not ${JSON.stringify(value)}`);
  const { kind } = value;
  if (!isKind(kind)) throw new FaultError(`${where}.kind takes ${Object.keys(shapes).join(', ')}, not ${JSON.stringify(kind)}`);
  checkShape(where, value, shapes[kind], ['kind']);
  if (kind === 'job' && value['end'] === undefined && value['lostRows'] === undefined) throw new FaultError(`${where}: a job takes end or lostRows`);
  return value as unknown as Fault;
}

function checkRule(where: string, value: unknown): FaultRule {
  if (!isObject(value)) throw new FaultError(`${where} takes an object {path, fault}, not ${JSON.stringify(value)}`);
  checkShape(where, value, ruleShape);
  const { path, name, method, at, every, probability, count } = value;
  if (!/^(?:\/|\*\*)/.test(String(path))) refuse(`${where}.path`, 'a path that begins with / (or **)', path);
  const positions = [at, every, probability].filter((position) => position !== undefined).length;
  if (positions > 1) throw new FaultError(`${where}: at, every and probability exclude each other; leave one`);
  const fault = checkFault(`${where}.fault`, value['fault']);
  return {
    ...(value as object),
    name: typeof name === 'string' ? name : `${where} ${fault.kind}`,
    path: String(path),
    ...(typeof method === 'string' ? { method: method.toUpperCase() } : {}),
    ...(positions === 0 ? { at: 1 } : {}),
    count: (count ?? (every === undefined && probability === undefined ? 1 : 'always')) as number | 'always',
    fault,
  };
}

/** `{seed?, rules}`, each rule with its defaults filled in. @throws {FaultError} */
export function checkFaults(value: unknown): FaultFile {
  if (!isObject(value)) throw new FaultError('faults are an object like {"rules": [{"path": "/query", "fault": {"kind": "close"}}]}');
  checkShape('faults', value, { needs: { rules: anything }, takes: { seed: whole(0) } });
  if (!Array.isArray(value['rules'])) return refuse('faults.rules', 'a list', value['rules']);
  const rules = value['rules'].map((rule, index) => checkRule(`rules[${index}]`, rule));
  const twice = rules.find(({ name }, index) => rules.findIndex((each) => each.name === name) !== index);
  if (twice !== undefined) throw new FaultError(`two rules are named ${twice.name}; give each a name of its own`);
  return { seed: typeof value['seed'] === 'number' ? value['seed'] : 1, rules };
}
