/** The results of works that are under way, once all have ended: none is left at work when this throws what the first of them threw. */
export async function atOnce<T extends readonly unknown[]>(works: { readonly [K in keyof T]: Promise<T[K]> }): Promise<{
  -readonly [K in keyof T]: T[K];
}> {
  await Promise.allSettled(works);
  return (await Promise.all(works)) as { -readonly [K in keyof T]: T[K] };
}
