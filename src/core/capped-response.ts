/** An upstream's body was larger than we are willing to hold. */
export class ResponseTooLarge extends Error {
  override readonly name = 'ResponseTooLarge';
}

/**
 * The same response, whose body fails with `ResponseTooLarge` past `maxBytes`: `fetch().text()` alone buffers whatever
 * an upstream sends.
 */
export function capResponse(response: Response, maxBytes: number): Response {
  const { headers } = response;
  // A body that declares its length and is not inflated cannot be longer: no need to count (half the cost of a call).
  const declared = headers.has('content-encoding') ? null : headers.get('content-length');
  if (declared !== null && Number(declared) <= maxBytes) return response;
  if (response.body === null) return response;
  let seen = 0;
  const body = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        seen += chunk.byteLength;
        if (seen > maxBytes) controller.error(new ResponseTooLarge(`answer larger than ${maxBytes} bytes`));
        else controller.enqueue(chunk);
      },
    }),
  );
  return new Response(body, { status: response.status, statusText: response.statusText, headers: response.headers });
}
