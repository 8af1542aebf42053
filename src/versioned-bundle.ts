/** The bundle for workers with a version lies beside that for workers without one. */
export function versionedBundle(bundle: string): string {
  return bundle.replace(/(\.js)?$/, '-versioned.js');
}
