/** Where clouds tell a machine its own keys; nobody's helpdesk or model is there (`URL` has unified the spelling). */
const LINK_LOCAL =
  /^(169\.254(\.\d{1,3}){2}|\[fe[89ab][0-9a-f]:.*\]|\[::ffff:a9fe:[0-9a-f]{1,4}\]|metadata\.google\.internal)\.?$/;

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
  if (LINK_LOCAL.test(url.hostname)) return 'must not be a link-local address';
  if (url.protocol === 'https:') return null;
  if (url.protocol !== 'http:') return 'must start with https://';
  if (isLoopback(value) || allowInsecure) return null;
  return 'must be https:// (http:// is for loopback, or with ALLOW_INSECURE_UPSTREAMS=true)';
}

export function isLoopback(value: string): boolean {
  return LOOPBACK.test(URL.parse(value)?.hostname ?? '');
}
