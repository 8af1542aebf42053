import type { Variables } from './environment.ts';
import type { Reading } from './kinds.ts';

/** Replaces each `${NAME}` by what the environment says; `$${` stands for `${`. What is put in is not looked at again. */
export function interpolate(text: string, variables: Variables): Reading<string> {
  const problems: string[] = [];
  const value = text.replaceAll(/\$\$\{|\$\{([^}]*)(\}?)/g, (found, name: string | undefined, end: string) => {
    if (found === '$${') return '${';
    if (end === '' || name === undefined || !/^[A-Za-z_]\w*$/.test(name)) {
      problems.push('holds a ${ that is not followed by the name of an environment variable and a } (write $${ for the characters themselves)');
    } else if (variables[name] === undefined) {
      problems.push(`wants \${${name}}, which is not set in the environment; set ${name}, or write the value itself`);
    } else {
      return variables[name];
    }
    return '';
  });
  return problems.length === 0 ? { value } : { problem: problems.join('; it ') };
}
