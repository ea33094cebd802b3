const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * May we send tickets and keys to this address? https anywhere, http to loopback only, unless the operator allowed
 * insecure upstreams. Answers the problem as the end of a sentence that starts with the variable's name, or null.
 */
export function upstreamUrlProblem(value: string, allowInsecure: boolean): string | null {
  const url = URL.parse(value);
  if (url === null) return 'is not a URL';
  if (url.username !== '' || url.password !== '') return 'must not contain a user name or password';
  if (url.search !== '' || url.hash !== '') return 'must not contain a query or fragment';
  if (url.protocol === 'https:') return null;
  if (url.protocol !== 'http:') return 'must start with https://';
  if (isLoopback(value) || allowInsecure) return null;
  return 'must be https:// (http:// is for loopback, or with ALLOW_INSECURE_UPSTREAMS=true)';
}

export function isLoopback(value: string): boolean {
  return LOOPBACK.test(URL.parse(value)?.hostname ?? '');
}
