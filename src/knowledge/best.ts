/** The `limit` documents with the highest scores above 0 that `accepts` takes, best first; each is asked about seldom. */
export function bestOf(
  scores: Float32Array,
  limit: number,
  accepts: (document: number) => boolean,
): readonly { readonly document: number; readonly score: number }[] {
  const heap: { document: number; score: number }[] = [];
  let least = 0;
  for (let document = 0; document < scores.length; document += 1) {
    const score = scores[document] ?? 0;
    if (score <= least || !accepts(document)) continue;
    let at = heap.findIndex((one) => one.score < score);
    if (at < 0) at = heap.length;
    heap.splice(at, 0, { document, score });
    if (heap.length > limit) heap.pop();
    if (heap.length === limit) least = heap.at(-1)?.score ?? 0;
  }
  return heap;
}
